"""Raises when a page asks how its messages are written."""

from typing import Any

from dash_messenger_webui import Composer, Drawable, MessageView, Translate, hookimpl


class MoodyView(MessageView[Any, Any]):
    type = "moody"

    def render(self, message: Drawable[Any, Any], t: Translate) -> Any:
        return f"drawn {message.content.words}"

    def composer(self, t: Translate) -> Composer:
        raise RuntimeError("not today")


@hookimpl
def register_message_views() -> list[MoodyView]:
    return [MoodyView()]
