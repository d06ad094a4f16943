"""People who read as much as they can, on as many sockets as they may have.

While they do, the server's memory stays what it was, and neighbours are told at once.
"""

from __future__ import annotations

import asyncio
import time

import pytest
from dash_messenger.client import Client
from dash_messenger.testing import People, ServerProcess

from tests.attacks.processes import attacker, memory_mib
from tests.attacks.timed_pair import TimedPair, percentile_ms

SOCKETS = 40
# Some 4 MB in a log: each page of it is full.
MESSAGES = 150
CHARACTERS = 3_900
MAX_GROWTH_MIB = 100.0
MAX_SYNC_MS = 200.0
MAX_TIMES_QUIET = 3.0


@pytest.mark.parametrize("mode", ["read", "stall"])
async def test_forty_sockets_that_read_a_log_cost_neighbours_nothing(
    defended: ServerProcess, people: People, pair: TimedPair, mode: str
) -> None:
    log, tokens = await _large_log(people)
    watch = _Watch(defended, await people())
    syncing = asyncio.create_task(watch.syncs())
    await pair.talk_timed()
    syncing.cancel()
    # Of a hundred: the last one would be whatever held the machine for a moment.
    quiet_ms = percentile_ms(watch.took, 0.9)
    watch.took.clear()
    async with attacker("greedy", defended.url, log, SOCKETS, mode, *tokens) as greedy:
        assert greedy.stdin is not None
        greedy.stdin.write(b"\n")

        async def attack() -> None:
            await asyncio.gather(watch.memory(), watch.syncs())

        await pair.beside_timed(attack, again=True)
        read, _ = await greedy.communicate(b"")
    sync_ms = percentile_ms(watch.took, 0.9)
    print(f"\n{int(read) / 1e6:.0f} MB read, +{watch.grown_mib:.0f} MiB, ", end="")
    print(f"sync {sync_ms:.0f} ms, {quiet_ms:.0f} without")
    assert mode == "stall" or int(read) > 0, "the attack was none"
    assert watch.grown_mib <= MAX_GROWTH_MIB
    assert sync_ms <= max(MAX_SYNC_MS, MAX_TIMES_QUIET * quiet_ms)


class _Watch:
    """What the attack costs: the server's memory, and a neighbour's time."""

    def __init__(self, server: ServerProcess, neighbour: Client) -> None:
        self._server, self._neighbour = server, neighbour
        self._before_mib = memory_mib(server)
        self.grown_mib = 0.0
        self.took: list[float] = []

    async def memory(self) -> None:
        while True:
            now_mib = await asyncio.to_thread(memory_mib, self._server)
            self.grown_mib = max(self.grown_mib, now_mib - self._before_mib)
            # Looking is not free either: the kernel holds the process up meanwhile.
            await asyncio.sleep(0.5)

    async def syncs(self) -> None:
        while True:
            self.took.append(await self.sync())
            await asyncio.sleep(0.1)

    async def sync(self) -> float:
        began = time.perf_counter()
        await self._neighbour.call("sync")
        return (time.perf_counter() - began) * 1_000


async def _large_log(people: People) -> tuple[str, list[str]]:
    """A group, and the tokens of two members, who between them may have all the sockets."""
    _, token = await people.register()
    other, other_token = await people.register()
    client = await people.connect(token)
    made = await client.call("conversation.create", kind="group", title="Large", members=[other])
    sent = {"conversation": made["id"], "type": "text", "content": {"text": "ж" * CHARACTERS}}
    await asyncio.gather(*(client.call("message.send", sent) for _ in range(MESSAGES)))
    return made["id"], [token, other_token]
