"""A message type whose Dash half cannot say how it is written; see ``moody_ui.py``."""

from dash_messenger import MessageType, hookimpl
from msgspec import Struct


class Words(Struct, frozen=True):
    words: str


class Moody(MessageType[Words]):
    type = "moody"
    Content = Words

    def text(self, content: Words, state: None) -> str:
        return content.words


@hookimpl
def register_message_types() -> list[MessageType[Words]]:
    return [Moody()]
