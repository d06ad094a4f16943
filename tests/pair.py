"""Two people who go on talking while somebody misbehaves beside them.

Owns what they must not notice: that each message arrives once and in its place.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from typing import Any, Self

from dash_messenger.client import Client
from dash_messenger.testing import People

MESSAGES = 500
SENDS_AT_ONCE = 16
TIME_LIMIT_S = 60


class Pair:
    """Two people who go on talking whatever happens around them."""

    def __init__(self, sender: Client, reader: Client, conversation: str) -> None:
        self.sender, self.reader, self.conversation = sender, reader, conversation

    @classmethod
    async def meet(cls, people: People) -> Self:
        """Two new people with a conversation of their own."""
        sender, reader = await people(), await people()
        made = await sender.call(
            "conversation.create", kind="direct", members=[reader.me["username"]]
        )
        return cls(sender, reader, made["id"])

    async def talk(self) -> None:
        """Exchange `MESSAGES` and check that each arrived once and in its place."""
        places = asyncio.Semaphore(SENDS_AT_ONCE)

        async def say(number: int) -> Any:
            async with places:
                return await self.sender.call(
                    "message.send",
                    conversation=self.conversation,
                    type="text",
                    content={"text": f"message {number}"},
                )

        async def listen() -> list[tuple[int, str]]:
            heard: list[tuple[int, str]] = []
            async for event in self.reader.events():
                if event.kind == "message.created":
                    heard.append((event.seq, event.data["message"]["text"]))
                    if len(heard) == MESSAGES:
                        break
            return heard

        async with asyncio.timeout(TIME_LIMIT_S):
            listening = asyncio.create_task(listen())
            answers = await asyncio.gather(*(say(number) for number in range(MESSAGES)))
            heard = await listening
        seqs = [seq for seq, _ in heard]
        assert seqs == list(range(seqs[0], seqs[0] + MESSAGES))
        sent = {answer["seq"]: f"message {number}" for number, answer in enumerate(answers)}
        assert dict(heard) == sent

    async def beside(self, misbehave: Callable[[], Coroutine[Any, Any, Any]]) -> None:
        """Talk while ``misbehave`` goes on, until it ends or they have finished."""
        misbehaving: asyncio.Task[Any] = asyncio.create_task(misbehave())
        await self.talk()
        if misbehaving.done():
            misbehaving.result()
        misbehaving.cancel()
        await asyncio.wait([misbehaving])
