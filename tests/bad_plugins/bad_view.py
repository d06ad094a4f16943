"""The view of a `bad_type` whose place is ``render``; ``huge`` is one more way."""

import sys
import time
from pathlib import Path
from typing import Any

from dash_messenger_webui import Drawable, MessageView, Translate, hookimpl

NAME = Path(__file__).stem.removesuffix("_ui")
DOES = NAME.partition("_in_")[0]


class BadView(MessageView[Any, Any]):
    type = NAME

    def render(self, message: Drawable[Any, Any], t: Translate) -> Any:
        words = message.content.words
        if words == "well":
            return words
        if DOES == "raises":
            raise RuntimeError("no luck")
        if DOES == "exits":
            sys.exit(3)
        while DOES == "stays":
            time.sleep(1)
        return "x" * 200_000


@hookimpl
def register_message_views() -> list[BadView]:
    return [BadView()]
