"""Holds the loop for two seconds when it hears the word."""

import time

from dash_messenger import Context, Message, hookimpl


@hookimpl
async def on_message(message: Message, context: Context) -> None:
    if message.text == "hold a while":
        time.sleep(2)
