"""People who write what costs the most, through every command that takes content.

While they do, no neighbour waits for more than a second, nothing is quarantined, and the memory
that they used comes back, but for caches that end.
"""

from __future__ import annotations

import asyncio
import contextlib
import itertools
import json
import time
from collections import Counter
from contextlib import AbstractAsyncContextManager

from dash_messenger.client import Client
from dash_messenger.errors import RateLimited
from dash_messenger.isolation.jobs import JobLimits
from dash_messenger.realtime.drawing_cache import MAX_CACHED_BYTES
from dash_messenger.store.readers import PAGE_READER_THREADS, READER_THREADS
from dash_messenger.store.sqlite.database import READER_CACHE_KIB, WRITER_CACHE_KIB
from dash_messenger.testing import People, ServerProcess

from tests.attacks.background import going_on
from tests.attacks.processes import attacker, memory_mib
from tests.attacks.timed_pair import MAX_ANSWER_MS, MAX_TIMES_QUIET, TimedPair, TooSlow

# Small enough for a check of a change; each author's share of the whole.
AUTHORS, FULL_AUTHORS = 4, 8
MESSAGES, FULL_MESSAGES = 1_200, 20_000
# What is kept on purpose, and ends: pages of the database, drawings, and what the one child has
# grown by that stays at rest.
READERS = READER_THREADS + PAGE_READER_THREADS
PAGES_MIB = (WRITER_CACHE_KIB + READERS * READER_CACHE_KIB) / 1024
KEPT_MIB = PAGES_MIB + (MAX_CACHED_BYTES + JobLimits().growth_bytes) / 2**20
# The interpreter's own heap, and what the allocator holds between its blocks.
MAX_GROWTH_MIB = KEPT_MIB + 20.0
# A cache ends, a leak goes on: the second half costs the server at most half of what the first did,
# or this, where both are small.
SMALL_MIB = 16.0
# Longer than decoders and children stay that nobody needs.
SETTLED_WITHIN_S = 45.0


async def test_hostile_authors_cost_their_neighbours_nothing(
    defended: ServerProcess, people: People, pair: TimedPair, full_scale: bool
) -> None:
    admin = await people.admin()
    before_mib = memory_mib(defended)
    server_mib = [memory_mib(defended, only=defended.server_pid)]
    messages = FULL_MESSAGES if full_scale else MESSAGES
    authors = FULL_AUTHORS if full_scale else AUTHORS
    slowest = _Prober(pair.reader, pair.conversation)
    took: list[float] = []
    answered: Counter[str] = Counter()

    async def attack(seed: int) -> None:
        async with attacker("author", defended.url, messages // 2, authors, seed) as writing:
            assert writing.stdin is not None
            writing.stdin.write(b"\n")
            async with slowest.probing():
                took.extend(await pair.beside_timed(writing.wait, whole=True))
            assert writing.stdout is not None
            answered.update(json.loads(await writing.stdout.read()))

    for half in range(2):
        seed = half * authors
        try:
            await attack(seed)
        except TooSlow as once:
            # Something else may have held the machine for a moment; what the server does to its
            # people it does again.
            print(f"\n{once}: once more")
            await attack(seed)
        server_mib.append(memory_mib(defended, only=defended.server_pid))

    grown = [after - before for before, after in itertools.pairwise(server_mib)]
    print(f"\n{dict(answered)}, slowest message {max(took):.0f} ms, ", end="")
    print(f"answer {slowest.worst_ms:.0f} ms, server +{grown[0]:.0f} and +{grown[1]:.0f} MiB")
    assert answered["sent"] > messages / 4
    # Nobody is shut out, whatever they write.
    assert answered["Disconnected"] == 0
    worst_ms = max(*took, slowest.worst_ms)
    if worst_ms > MAX_ANSWER_MS:
        # On a busy machine: as with the promise of all attacks.
        quiet = _Prober(pair.reader, pair.conversation)
        async with quiet.probing():
            quiet_ms = max(await pair.talk_timed())
        quiet_ms = max(quiet_ms, quiet.worst_ms)
        assert worst_ms <= MAX_TIMES_QUIET * quiet_ms, f"quiet {quiet_ms:.0f} ms"
    listed = await admin.call("plugin.list")
    assert listed["quarantined"] == []
    assert grown[1] <= max(SMALL_MIB, grown[0] / 2)
    assert await _settled(defended, before_mib + MAX_GROWTH_MIB), memory_mib(defended)


class _Prober:
    """Asks what a page asks, again and again; ``worst_ms`` is the slowest answer."""

    def __init__(self, client: Client, conversation: str) -> None:
        self._client, self._conversation = client, conversation
        self.worst_ms, self.command = 0.0, ""

    def probing(self) -> AbstractAsyncContextManager[None]:
        """Ask while the block runs."""
        return going_on(self._probe())

    async def _probe(self) -> None:
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
    """Whether the server's memory comes down to ``most_mib`` once nobody asks for anything."""
    until = time.monotonic() + SETTLED_WITHIN_S
    while time.monotonic() < until:
        if memory_mib(server) <= most_mib:
            return True
        await asyncio.sleep(0.5)
    return False
