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
        ("🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f", True),
        ("1️⃣", True),
        ("1️⃣ 2️⃣ 🎉", True),
        # Of Unicode 17, and one that no Unicode has yet.
        ("\U0001fac8", True),
        ("\U0001faff\U0001f6ff", True),
        ("🎉🎉🎉🎉", False),
        ("1️⃣2️⃣3️⃣4️⃣", False),
        ("12", False),
        ("😀 a", False),
        ("1 2", False),
        ("→\n→", False),
    ],
)
def test_a_few_emoji_alone_are_large_with_spaces_too(text: str, large: bool) -> None:
    message = Drawable("0" * 32, 1, "1" * 32, Text(text=text), text, 0)
    drawn = TextView().render(message, str)  # type: ignore[arg-type]
    assert (isinstance(drawn, Html) and not drawn.bubble) == large
