"""A message type whose bodies do odd things in a browser; see ``odd_ui.py``."""

from dash_messenger import MessageType, hookimpl
from msgspec import Struct


class Words(Struct, frozen=True):
    words: str


class Odd(MessageType[Words]):
    type = "odd"
    Content = Words

    def text(self, content: Words, state: None) -> str:
        return f"text of {content.words}"


@hookimpl
def register_message_types() -> list[MessageType[Words]]:
    return [Odd()]
