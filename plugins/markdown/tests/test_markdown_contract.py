from __future__ import annotations

from dash_messenger.testing import MessageTypeContract
from dash_messenger_markdown.server import MAX_CHARACTERS, MarkdownMessage
from dash_messenger_markdown.ui import MarkdownView


class TestMarkdown(MessageTypeContract):
    message_type = MarkdownMessage()
    view = MarkdownView()
    good = (
        {"text": "**hello** _there_"},
        {"text": "```python\nprint(1)\n```"},
        {"text": "||the end||"},
    )
    bad = ({}, {"text": ""}, {"text": " \n"}, {"text": "x" * (MAX_CHARACTERS + 1)}, {"text": 1})
