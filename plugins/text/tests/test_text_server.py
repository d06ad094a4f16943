"""What a text message is."""

from __future__ import annotations

import msgspec
import pytest
from dash_messenger.errors import ContentInvalid
from dash_messenger.plugin_api.type_registry import MessageTypes
from dash_messenger_text.server import MAX_CHARACTERS, register_message_types


@pytest.fixture
def types() -> MessageTypes:
    types = MessageTypes()
    for message_type in register_message_types():
        types.add(message_type)
    return types


@pytest.mark.parametrize("text", ["hi", " hi\n", "я", "x" * MAX_CHARACTERS, "\u202eabc", "👍🏽"])
def test_what_was_typed_is_what_is_stored_and_its_own_fallback(
    types: MessageTypes, text: str
) -> None:
    prepared = types.prepare("text", msgspec.json.encode({"text": text}))
    assert msgspec.json.decode(prepared.content) == {"text": text}
    assert prepared.text == text


@pytest.mark.parametrize("text", [" \n", "\u200b\u2060", "\u2800", "\u3164", "\ufe0f"])
def test_what_shows_nothing_is_refused_with_a_sentence(types: MessageTypes, text: str) -> None:
    with pytest.raises(ContentInvalid) as raised:
        types.prepare("text", msgspec.json.encode({"text": text}))
    assert raised.value.params == {
        "field": "text",
        "reason": "nothing in it can be seen",
        "rule": "invisible",
    }


@pytest.mark.parametrize(
    "content",
    [{}, {"text": ""}, {"text": " \n\t"}, {"text": "x" * (MAX_CHARACTERS + 1)}, {"text": None}],
)
def test_nothing_and_too_much_are_refused_by_field(types: MessageTypes, content: object) -> None:
    with pytest.raises(ContentInvalid) as raised:
        types.prepare("text", msgspec.json.encode(content))
    assert raised.value.params["field"] == "text"
