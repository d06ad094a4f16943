"""How plain text looks: links can be followed, and a few emoji alone are shown large."""

from __future__ import annotations

import unicodedata
from html import escape

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
# Joiners, variation selectors, skin tones and key caps: parts of an emoji, none by themselves.
_EMOJI_PARTS = frozenset("\u200d\ufe0f\u20e3") | {chr(c) for c in range(0x1F3FB, 0x1F400)}
_REGIONAL = range(0x1F1E6, 0x1F200)


class TextView(MessageView[Text]):
    """Draws messages of type ``text`` and owns the text box."""

    type = "text"
    inline = True

    def render(self, message: Drawable[Text], t: Translate) -> str | Html:
        """The text; as HTML where it has links, without a bubble where it is a few emoji."""
        text = message.content.text
        if len(text) <= 40 and _is_few_emoji(text.strip()):
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


def _is_few_emoji(text: str) -> bool:
    shown = 0
    joined = False
    regional = 0
    for character in text:
        if character in _EMOJI_PARTS:
            joined = character == "\u200d"
            continue
        code = ord(character)
        if character == " ":
            pass
        elif code in _REGIONAL:
            regional += 1
            shown += regional % 2
        elif code >= 0x2190 and unicodedata.category(character) == "So":
            shown += 0 if joined else 1
        else:
            return False
        joined = False
    return 0 < shown <= MAX_LARGE_EMOJI
