"""Holds the loop by a regular expression, which keeps the interpreter's lock all the time."""

import re

from dash_messenger import Context, Message, hookimpl


@hookimpl
async def on_message(message: Message, context: Context) -> None:
    if message.text == "keep the lock":
        re.match(r"(a+)+$", "a" * 64 + "b")
