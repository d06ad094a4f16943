"""The registry of message types: what it takes, what it refuses."""

from __future__ import annotations

from typing import Annotated

import pytest
from dash_messenger.errors import ContentInvalid, UnknownType
from dash_messenger.plugin_api.message_types import MAX_TEXT_CHARACTERS, MessageType
from dash_messenger.plugin_api.type_registry import MessageTypes
from msgspec import Meta, Struct


class Shout(Struct, frozen=True, forbid_unknown_fields=True):
    words: Annotated[str, Meta(min_length=1)]
    volume: int = 1


class Shouting(MessageType[Shout]):
    type = "acme.shout"
    version = 3
    Content = Shout

    def text(self, content: Shout, state: None) -> str:
        return content.words.upper()


@pytest.fixture
def types() -> MessageTypes:
    registry = MessageTypes()
    registry.add(Shouting())
    return registry


def test_content_is_validated_and_stored_with_defaults_text_and_version(
    types: MessageTypes,
) -> None:
    prepared = types.prepare("acme.shout", b'{"words":"hey"}')
    assert prepared.content == b'{"words":"hey","volume":1}'
    assert (prepared.text, prepared.version) == ("HEY", 3)


def test_fallback_text_is_cut_at_its_limit(types: MessageTypes) -> None:
    prepared = types.prepare("acme.shout", b'{"words":"%s"}' % (b"x" * 50_000))
    assert len(prepared.text) == MAX_TEXT_CHARACTERS


def test_unknown_type_is_refused_when_sending(types: MessageTypes) -> None:
    with pytest.raises(UnknownType):
        types.prepare("nothing", b"{}")


@pytest.mark.parametrize(
    ("content", "field"),
    [
        (b"{}", "words"),
        (b'{"words":""}', "words"),
        (b'{"words":1}', "words"),
        (b'{"words":"a","x":1}', "x"),
        (b"null", ""),
        (b"{", ""),
        (b'{"words":"\xff"}', ""),
    ],
)
def test_content_that_does_not_fit_names_the_field(
    types: MessageTypes, content: bytes, field: str
) -> None:
    with pytest.raises(ContentInvalid) as raised:
        types.prepare("acme.shout", content)
    assert raised.value.params["field"] == field


def test_stored_content_that_cannot_be_read_gives_none(types: MessageTypes) -> None:
    assert types.decode("acme.shout", b'{"words":"a"}') == Shout("a")
    assert types.decode("acme.shout", b'{"words":0}') is None
    assert types.decode("gone", b"{}") is None


def test_a_name_is_registered_once(types: MessageTypes) -> None:
    with pytest.raises(ValueError, match="registered twice"):
        types.add(Shouting())
    types.remove("acme.shout")
    types.add(Shouting())


@pytest.mark.parametrize("name", ["", "two words", "a..b", "ünicode", "<b>", None])
def test_malformed_name_is_refused(name: str | None) -> None:
    class Odd(Shouting):
        type = name  # type: ignore[assignment]

    with pytest.raises(ValueError, match="not a name"):
        MessageTypes().add(Odd())


def test_content_must_be_a_struct() -> None:
    class Loose(MessageType):  # type: ignore[type-arg]
        type = "loose"
        Content = dict

    with pytest.raises(TypeError, match="not a msgspec struct"):
        MessageTypes().add(Loose())
    with pytest.raises(TypeError, match="not a MessageType"):
        MessageTypes().add(object())  # type: ignore[arg-type]


def test_text_that_is_no_string_is_an_error_of_the_plugin() -> None:
    class Numb(Shouting):
        def text(self, content: Shout, state: None) -> str:
            return 5  # type: ignore[return-value]

    registry = MessageTypes()
    registry.add(Numb())
    with pytest.raises(TypeError, match="returned int"):
        registry.prepare("acme.shout", b'{"words":"a"}')
