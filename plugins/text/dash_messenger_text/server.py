"""Plain text: what a person types, as it is.

The content is one string; its fallback text is the same string. Links are found when it is drawn,
not when it is stored.
"""

from __future__ import annotations

from typing import Annotated

from dash_messenger import MessageType, hookimpl, require_visible
from msgspec import Meta, Struct

__all__ = ["MAX_CHARACTERS", "Text", "TextMessage", "register_message_types"]

MAX_CHARACTERS = 16_000


class Text(Struct, frozen=True, forbid_unknown_fields=True):
    """What an author sends: 1 to 16,000 characters, one of them at least to be seen."""

    text: Annotated[str, Meta(min_length=1, max_length=MAX_CHARACTERS)]

    def __post_init__(self) -> None:
        require_visible(self.text)


class TextMessage(MessageType[Text]):
    """The type ``text``."""

    type = "text"
    Content = Text
    editable = True
    inline = True

    def text(self, content: Text, state: None) -> str:
        """The typed text itself."""
        return content.text


@hookimpl
def register_message_types() -> list[MessageType[Text]]:
    """The type ``text``."""
    return [TextMessage()]
