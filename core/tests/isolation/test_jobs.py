from __future__ import annotations

import pytest
from dash_messenger.errors import Failure, NotFound, RateLimited, Refused, failures
from dash_messenger.isolation.jobs import (
    MAX_ERROR_CHARACTERS,
    Frames,
    describe,
    frame,
    pack_failure,
    unpack_failure,
)


class Closed(Refused):
    code = 90_002
    sentence = "{name} is closed."


class Gone(NotFound):
    code = 90_003
    sentence = "{name} is gone."


class Unspeakable(Exception):
    def __str__(self) -> str:
        raise ValueError


@pytest.mark.parametrize("size", [1, 2, 3, 5, 1000])
def test_messages_are_cut_from_any_pieces(size: int) -> None:
    messages = [b"", b"a", b"bc" * 300, b"d"]
    stream = b"".join(map(frame, messages))
    frames, found = Frames(), list[bytes]()
    for at in range(0, len(stream), size):
        found += frames.feed(stream[at : at + size])
    assert found == messages


@pytest.mark.parametrize("kind", failures())
def test_each_kind_of_failure_arrives_as_itself(kind: type[Failure]) -> None:
    arrived = unpack_failure(pack_failure(kind(reason="why", field="name", max_bytes=3)))
    assert type(arrived) is kind
    assert arrived.params == {"reason": "why", "field": "name", "max_bytes": 3}


def test_a_plugins_own_failure_arrives_as_the_nearest_kind() -> None:
    arrived = unpack_failure(pack_failure(Closed(name="Poll")))
    assert type(arrived) is Refused
    assert arrived.message == "Poll is closed."
    assert type(unpack_failure(pack_failure(Gone(name="Poll")))) is NotFound


def test_parameters_that_json_lacks_arrive_as_text() -> None:
    arrived = unpack_failure(pack_failure(RateLimited(retry_after_s=1 + 2j)))
    assert arrived.params == {"retry_after_s": "(1+2j)"}


def test_an_error_is_one_short_line() -> None:
    assert describe(ValueError("two\nlines  of\ttext")) == "ValueError: two lines of text"
    assert len(describe(ValueError("x" * 1000))) == MAX_ERROR_CHARACTERS
    assert describe(Unspeakable()) == "Unspeakable"
