"""What a shout is: words, told in capitals wherever they cannot be drawn."""

from typing import Annotated

from dash_messenger import MessageType, hookimpl
from msgspec import Meta, Struct


class Words(Struct, frozen=True, forbid_unknown_fields=True):
    words: Annotated[str, Meta(min_length=1, max_length=200)]


class Shout(MessageType[Words]):
    type = "acme.shout"
    Content = Words

    def text(self, content: Words, state: None) -> str:
        return content.words.upper()


@hookimpl
def register_message_types() -> list[Shout]:
    return [Shout()]
