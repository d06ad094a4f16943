"""A process in which hostile people write, each as fast as the server lets them.

    python -m tests.attacks.author URL MESSAGES AUTHORS SEED

Says ``ready`` when all have an account, begins at a line on its input, and says as JSON how they
were answered. It is a process of its own, so that its work does not delay what others measure. The
same seed makes the same contents.
"""

from __future__ import annotations

import asyncio
import itertools
import json
import os
import sys
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

from dash_messenger.client import Client, Disconnected, log_in, post
from dash_messenger.errors import Failure, InternalError, RateLimited
from dash_messenger.testing import PASSWORD, upload

from tests.attacks.grammar import Contents, Written

# Each author's connection takes 32 requests at a time.
AT_ONCE = 16


class Author:
    """Somebody who sends, edits, previews, acts and looks, as fast as the server lets them."""

    def __init__(
        self, client: Client, friend: Client, conversation: str, written: Iterator[Written]
    ) -> None:
        self._client, self._friend = client, friend
        self._conversation, self._written = conversation, written
        self._sent: dict[str, list[str]] = {}
        self.answered: Counter[str] = Counter()

    @classmethod
    async def join(cls, url: str, seed: int, place: int, authors: int) -> Author:
        """A new person with a friend who looks on, and an upload to refer to."""
        client, token = await _arrive(url)
        friend, _ = await _arrive(url)
        made = await client.call(
            "conversation.create", kind="direct", members=[friend.me["username"]]
        )
        blob = await upload(url, b"a file", token=token, name="a.txt")
        contents = Contents(seed + place, blob=blob["id"])
        # Every language is somebody's, then whatever comes.
        each_language = map(contents.code, contents.languages[place::authors])
        return cls(client, friend, made["id"], itertools.chain(each_language, contents))

    async def aclose(self) -> None:
        """Close both connections."""
        await self._client.aclose()
        await self._friend.aclose()

    async def write(self, messages: int) -> None:
        """Do so many things with content."""
        places = asyncio.Semaphore(AT_ONCE)

        async def one(number: int, written: Written) -> None:
            async with places:
                await self._do(number, *written)

        await asyncio.gather(
            *(one(number, next(self._written)) for number in range(messages)),
        )

    async def _do(self, number: int, type: str, content: dict[str, Any]) -> None:
        earlier = self._sent.get(type)
        if number % 8 == 5:
            await self._ask("message.preview", type=type, content=content, views=["dash:en"])
        elif number % 8 == 6 and earlier:
            await self._ask("message.edit", message=earlier[-1], content=content)
        elif number % 32 == 7:
            await self._ask("message.history", conversation=self._conversation, limit=20)
        elif number % 8 == 3 and self._sent.get("acme.poll"):
            poll = self._sent["acme.poll"][-1]
            params = {"option": 2**70 if number % 16 == 3 else 1}
            await self._ask("message.act", message=poll, action="vote", params=params)
        else:
            sent = await self._ask(
                "message.send", conversation=self._conversation, type=type, content=content
            )
            if sent is not None:
                self.answered["sent"] += 1
                self._sent.setdefault(type, []).append(sent["id"])

    async def _ask(self, command: str, **params: Any) -> dict[str, Any] | None:
        if command in ("message.send", "message.edit", "message.act"):
            params["client_id"] = uuid.uuid4().hex
        while True:
            try:
                answer: dict[str, Any] = await self._client.call(command, params)
                return answer
            except RateLimited as limited:
                self.answered["limited"] += 1
                await asyncio.sleep(float(limited.params.get("retry_after_s", 1)))  # type: ignore[arg-type]
            except InternalError as error:
                raise AssertionError(f"{command} of {params} failed: {error}") from error
            except (Failure, OverflowError, Disconnected) as refusal:
                self.answered[type(refusal).__name__] += 1
                return None


async def _arrive(url: str) -> tuple[Client, str]:
    username = f"u{uuid.uuid4().hex[:12]}"
    await post(url, "account.register", {"username": username, "password": PASSWORD})
    token = await log_in(url, username, PASSWORD)
    client = Client(url, token=token, views=["dash:en"])
    await client.__aenter__()
    return client, token


async def attack(url: str, messages: int, authors: int, seed: int) -> None:
    """Write so many messages in all."""
    people = [await Author.join(url, seed, place, authors) for place in range(authors)]
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await asyncio.gather(*(one.write(messages // authors) for one in people))
    print(json.dumps(sum((one.answered for one in people), Counter[str]())), flush=True)
    for one in people:
        await one.aclose()


if __name__ == "__main__":
    # It stands for other machines: its own work is not to hold up the neighbours here.
    os.nice(19)
    asyncio.run(attack(sys.argv[1], *map(int, sys.argv[2:])))
