"""Holds the loop for ever when it hears the word."""

import time

from dash_messenger import Context, Message, hookimpl


@hookimpl
async def on_message(message: Message, context: Context) -> None:
    if message.text == "hold for ever":
        while True:
            time.sleep(1)
