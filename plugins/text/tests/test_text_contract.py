from __future__ import annotations

import pytest
from dash_messenger.testing import MessageTypeContract
from dash_messenger_text.server import MAX_CHARACTERS, Text, TextMessage
from dash_messenger_text.ui import TextView
from dash_messenger_webui import Drawable, Html


class TestText(MessageTypeContract):
    message_type = TextMessage()
    view = TextView()
    good = (
        {"text": "hello"},
        {"text": "<b>&amp;</b> https://example.org"},
        {"text": "🎉🎉"},
        {"text": "www.a.org"},
    )
    bad = ({}, {"text": ""}, {"text": " \n"}, {"text": "x" * (MAX_CHARACTERS + 1)}, {"text": 1})


@pytest.mark.parametrize(
    ("text", "large"),
    [
        ("🎉", True),
        ("😀 🎉", True),
        (" 👍🏽 👩‍👩‍👧 🇺🇦 ", True),
        ("🎉🎉🎉🎉", False),
        ("😀 a", False),
        ("1 2", False),
        ("→\n→", False),
    ],
)
def test_a_few_emoji_alone_are_large_with_spaces_too(text: str, large: bool) -> None:
    message = Drawable("0" * 32, 1, "1" * 32, Text(text=text), text, 0)
    drawn = TextView().render(message, str)  # type: ignore[arg-type]
    assert (isinstance(drawn, Html) and not drawn.bubble) == large
