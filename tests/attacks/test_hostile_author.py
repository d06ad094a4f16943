"""People who write what costs the most, through every command that takes content.

While they do, no neighbour waits for more than a second, nothing is quarantined, and the memory
that they used comes back.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import time
import uuid
from collections import Counter
from collections.abc import Iterator
from typing import Any

from dash_messenger.client import Client, Disconnected
from dash_messenger.errors import Failure, InternalError, RateLimited
from dash_messenger.testing import People, ServerProcess, upload

from tests.attacks.grammar import Contents, Written
from tests.attacks.neighbours import MAX_ANSWER_MS, Pair
from tests.attacks.processes import memory_mib

# Small enough for a check of a change; each author's share of the whole.
AUTHORS = 4
MESSAGES = 1_200
FULL_MESSAGES = 20_000
# Each author's connection takes 32 requests at a time.
AT_ONCE = 16
# Caches fill: views, prepared statements, the page cache of SQLite.
MAX_GROWTH_MIB = 60.0


async def test_hostile_authors_cost_their_neighbours_nothing(
    defended: ServerProcess, people: People, pair: Pair, full_scale: bool
) -> None:
    admin = await people.admin()
    before_mib = memory_mib(defended)
    authors = [
        await _Author.join(people, defended, seed, quarter=(seed, AUTHORS))
        for seed in range(AUTHORS)
    ]
    share = (FULL_MESSAGES if full_scale else MESSAGES) // AUTHORS
    slowest = _Prober(pair.reader, pair.conversation)
    probing = asyncio.create_task(slowest.probe())

    async def attack() -> None:
        await asyncio.gather(*(author.write(share) for author in authors))

    took = await pair.beside(attack, whole=True)
    probing.cancel()
    await asyncio.wait([probing])

    answered = sum((author.answered for author in authors), Counter[str]())
    assert answered["sent"] > share, answered
    assert max(took) <= MAX_ANSWER_MS
    assert slowest.worst_ms <= MAX_ANSWER_MS, slowest.command
    listed = await admin.call("plugin.list")
    assert listed["quarantined"] == []
    assert await _settled(defended, before_mib + MAX_GROWTH_MIB), memory_mib(defended)


class _Author:
    """Somebody who sends, edits, previews, acts and looks, as fast as the server lets them."""

    def __init__(self, client: Client, conversation: str, written: Iterator[Written]) -> None:
        self._client, self._conversation, self._written = client, conversation, written
        self._sent: dict[str, list[str]] = {}
        self.answered: Counter[str] = Counter()

    @classmethod
    async def join(
        cls, people: People, server: ServerProcess, seed: int, *, quarter: tuple[int, int]
    ) -> _Author:
        """A new person with a friend who looks on, and an upload to refer to."""
        username, token = await people.register()
        client = await people.connect(token, views=["dash:en"])
        friend = await people(views=["dash:en"])
        made = await client.call(
            "conversation.create", kind="direct", members=[friend.me["username"]]
        )
        blob = await upload(server.url, b"a file", token=token, name=f"{username}.txt")
        contents = Contents(seed, blob=blob["id"])
        # Every language is somebody's, then whatever comes.
        first, authors = quarter
        each_language = map(contents.code, contents.languages[first::authors])
        return cls(client, made["id"], itertools.chain(each_language, contents))

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


class _Prober:
    """Asks what a page asks, again and again; ``worst_ms`` is the slowest answer."""

    def __init__(self, client: Client, conversation: str) -> None:
        self._client, self._conversation = client, conversation
        self.worst_ms, self.command = 0.0, ""

    async def probe(self) -> None:
        """Until it is cancelled."""
        while True:
            for command, params in (
                ("message.history", {"conversation": self._conversation, "limit": 50}),
                ("sync", {"since": None}),
            ):
                began = time.perf_counter()
                with contextlib.suppress(RateLimited):
                    await self._client.call(command, params)
                took_ms = (time.perf_counter() - began) * 1_000
                if took_ms > self.worst_ms:
                    self.worst_ms, self.command = took_ms, command
            await asyncio.sleep(0.2)


async def _settled(server: ServerProcess, most_mib: float) -> bool:
    """Whether the server's memory comes down to ``most_mib`` within 20 s."""
    for _ in range(40):
        if memory_mib(server) <= most_mib:
            return True
        await asyncio.sleep(0.5)
    return False
