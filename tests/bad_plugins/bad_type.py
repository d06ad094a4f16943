"""A message type that is bad in one place: a copy of this file is a plugin named for what it does.

``does_in_place.py``: what (``raises``, ``exits``, ``returns``, ``stays``, ``waits``) and where
(``text``, ``start``, ``blobs``, ``prepare``, ``action``, ``render``). The word "well" in the
content spares it.
"""

import asyncio
import sys
import time
from pathlib import Path
from typing import Any

from dash_messenger import Acted, Change, MessageType, Preparing, action, hookimpl
from msgspec import Struct

NAME = Path(__file__).stem
DOES, _, PLACE = NAME.partition("_in_")


def act(place: str, content: Any) -> Any:
    """Misbehave, if this is the place."""
    if place != PLACE or content.words == "well":
        return None
    if DOES == "raises":
        raise RuntimeError("no luck")
    if DOES == "exits":
        sys.exit(3)
    while DOES == "stays":
        time.sleep(1)
    return 3


class Words(Struct, frozen=True):
    words: str


class Count(Struct, frozen=True):
    count: int = 0


class BadType(MessageType[Any, Any]):
    type = NAME
    Content = Words
    State = Count

    def start(self, content: Words) -> Any:
        return act("start", content) or Count()

    def text(self, content: Words, state: Count) -> Any:
        return act("text", content) or content.words

    def blobs(self, content: Words) -> Any:
        return act("blobs", content) or ()

    @action()
    def poke(self, message: Acted[Any, Any]) -> Any:
        return act("action", message.content) or Change(state=Count(message.state.count + 1))


class Prepared(BadType):
    async def prepare(self, content: Words, context: Preparing) -> Any:
        if DOES == "waits" and content.words != "well":
            await asyncio.Event().wait()
        return act("prepare", content) or content


@hookimpl
def register_message_types() -> list[MessageType[Any, Any]]:
    return [Prepared() if PLACE == "prepare" else BadType()]
