"""Has a message type of the same name as its twin."""

from dash_messenger import MessageType, hookimpl
from msgspec import Struct


class Nothing(Struct, frozen=True):
    pass


class Twin(MessageType[Nothing]):
    type = "twin"
    Content = Nothing

    def text(self, content: Nothing, state: None) -> str:
        return "twin"


@hookimpl
def register_message_types() -> list[MessageType[Nothing]]:
    return [Twin()]
