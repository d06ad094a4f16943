"""Sends, acts, reads and starts work without end, once it hears the word."""

import asyncio

from dash_messenger import Context, Failure, Message, hookimpl
from sqlalchemy import text


@hookimpl
async def on_message(message: Message, context: Context) -> None:
    if message.text != "flood":
        return

    async def send() -> None:
        while True:
            try:
                await context.send(
                    conversation=message.conversation, type="text", content={"text": "flood!"}
                )
            except Failure:
                await asyncio.sleep(0)

    async def write() -> None:
        while True:
            try:
                await context.write(lambda connection: connection.execute(text("SELECT 1")).all())
            except Failure:
                await asyncio.sleep(0)

    async def read() -> None:
        while True:
            try:
                await context.read(lambda connection: connection.execute(text("SELECT 1")).all())
            except Failure:
                await asyncio.sleep(0)

    for flood in (send, write, read):
        for _ in range(50):
            context.start(flood())
