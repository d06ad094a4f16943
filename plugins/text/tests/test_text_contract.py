from __future__ import annotations

from dash_messenger.testing import MessageTypeContract
from dash_messenger_text.server import MAX_CHARACTERS, TextMessage
from dash_messenger_text.ui import TextView


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
