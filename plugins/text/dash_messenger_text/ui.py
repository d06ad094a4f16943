"""How plain text looks: links can be followed, and a few emoji alone are shown large."""

from __future__ import annotations

from html import escape

from dash_messenger import count_emoji
from dash_messenger_webui import (
    Composer,
    Drawable,
    Html,
    MessageView,
    Translate,
    hookimpl,
    linked,
)

from dash_messenger_text.server import MAX_CHARACTERS, Text

__all__ = ["TextView", "register_message_views"]

MAX_LARGE_EMOJI = 3
# Of the longest families and flags.
MAX_LARGE_CHARACTERS = 40


class TextView(MessageView[Text]):
    """Draws messages of type ``text`` and owns the text box."""

    type = "text"
    inline = True

    def render(self, message: Drawable[Text], t: Translate) -> str | Html:
        """The text; as HTML where it has links, without a bubble where it is a few emoji."""
        text = message.content.text
        if len(text) <= MAX_LARGE_CHARACTERS and 0 < count_emoji(text.strip()) <= MAX_LARGE_EMOJI:
            return Html(f'<span class="large-emoji">{escape(text.strip())}</span>', bubble=False)
        drawn = linked(text)
        return Html(drawn) if "<a " in drawn else text

    def composer(self, t: Translate) -> Composer:
        """The plain text box."""
        return Composer(
            icon="message",
            label=t("Message"),
            inline="text",
            max_characters=MAX_CHARACTERS,
            rank=0,
        )


@hookimpl
def register_message_views() -> list[MessageView[Text]]:
    """The view of type ``text``."""
    return [TextView()]
