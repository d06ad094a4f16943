from __future__ import annotations

from typing import Annotated, Any, ClassVar

import msgspec
import pytest
from dash_messenger.plugin_api.actions import Acted, Change, Refuse, action, actions_of
from dash_messenger.plugin_api.message_types import MessageType
from dash_messenger.plugin_api.type_registry import MessageTypes
from msgspec import Meta, Struct


class Note(Struct, frozen=True):
    words: str


class Counter(MessageType[Note, int, bool]):
    type, Content, State, Mark = "counter", Note, int, bool

    def start(self, content: Note) -> int:
        return 0

    def text(self, content: Note, state: int) -> str:
        return content.words

    @action()
    def add(self, note: Acted[Note, int, bool], *, n: Annotated[int, Meta(ge=1)] = 1) -> Change:
        return Change(state=note.state + n)

    @action(may="author")
    def close(self, note: Acted[Note, int, bool]) -> Refuse:
        return Refuse("closed", "It is closed.")

    def helper(self) -> None:
        """No action."""


def acted(**values: Any) -> Acted[Note, int, bool]:
    given = {"content": Note("a"), "state": 3, "mark": None, "now_ms": 0, **values}
    return Acted(id="1", conversation="2", sender="3", by="4", **given)


def test_actions_are_the_methods_that_say_so() -> None:
    found = actions_of(Counter())
    assert {name: one.may for name, one in found.items()} == {"add": "member", "close": "author"}


def test_parameters_are_checked_as_annotated() -> None:
    add = actions_of(Counter())["add"]
    params = add.decoder.decode(b'{"n": 2}')
    assert add.run(acted(), **msgspec.structs.asdict(params)) == Change(state=5)
    assert add.decoder.decode(b"{}").n == 1
    for bad in (b'{"n": 0}', b'{"n": "x"}', b'{"m": 1}', b"[]"):
        with pytest.raises(msgspec.ValidationError):
            add.decoder.decode(bad)


def test_an_action_without_parameters_takes_none() -> None:
    close = actions_of(Counter())["close"]
    with pytest.raises(msgspec.ValidationError):
        close.decoder.decode(b'{"force": true}')


def test_nobody_else_may_be_named() -> None:
    with pytest.raises(ValueError, match="nobody"):
        action(may="everybody")  # type: ignore[arg-type]


def test_an_action_that_cannot_be_declared_is_refused_with_its_name() -> None:
    class Async(Counter):
        @action()
        async def later(self, note: Any) -> Change:
            return Change()

    class Loose(Counter):
        @action()
        def loose(self, note: Any, *values: int) -> Change:
            return Change()

    class Silent(Counter):
        @action()
        def silent(self, note: Any, n) -> Change:
            return Change()

    for kind, name in ((Async, "later"), (Loose, "loose"), (Silent, "silent")):
        with pytest.raises(TypeError, match=name):
            MessageTypes().add(kind())


def test_a_new_message_has_its_state() -> None:
    types = MessageTypes()
    types.add(Counter())
    prepared = types.prepare("counter", b'{"words": "a"}')
    assert (prepared.state, prepared.text) == (b"0", "a")
    assert types.decode_state("counter", b"7") == 7
    assert types.decode_state("counter", b'"x"') is None
    assert types.decode_mark("counter", b"true") is True


def test_content_of_an_older_version_is_upgraded_and_of_a_newer_not_read() -> None:
    class Newer(Counter):
        version = 3
        upgrades: ClassVar[Any] = {1: lambda old: {"words": old["text"]}}

    types = MessageTypes()
    types.add(Newer())
    assert types.decode("counter", b'{"text": "a"}', 1) == Note("a")
    assert types.decode("counter", b'{"words": "a"}', 2) == Note("a")
    assert types.decode("counter", b'{"words": "a"}', 4) is None
    assert types.decode("counter", b'{"other": "a"}', 2) is None


def test_a_refusal_says_its_values_and_its_sentence_apart() -> None:
    plain = Refuse("closed", "This {poll} is closed.")
    assert plain.told() == {"action": "closed", "reason": "This {poll} is closed."}
    filled = Refuse("full", "Only {seats} can ride.", {"seats": 3})
    assert filled.told() == {
        "action": "full",
        "reason": "Only 3 can ride.",
        "sentence": "Only {seats} can ride.",
        "seats": 3,
    }
    with pytest.raises(KeyError):
        Refuse("full", "Only {places} can ride.", {"seats": 3}).told()
