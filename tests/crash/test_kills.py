"""I1, I2, I3: nothing acknowledged is lost, doubled or moved by kill -9 at any instant."""

from __future__ import annotations

import asyncio
import os
import random
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest

from tests.crash.launch import POINTS
from tests.crash.workload import Workload, launched
from tests.history import History

KILLS = int(os.environ.get("CRASH_KILLS", "40"))
SENDS = int(os.environ.get("CRASH_SENDS", "5000"))


@asynccontextmanager
async def writing(workload: Workload) -> AsyncIterator[None]:
    """Everybody writes while the body runs; afterwards all are up to date."""
    writers = asyncio.create_task(workload.write())
    try:
        yield
        workload.hush()
        await writers
        await workload.settle()
    finally:
        writers.cancel()
        await asyncio.gather(writers, return_exceptions=True)
        await workload.close()


async def run_until_dead(workload: Workload, time_limit_s: float = 60) -> bool:
    """Whether the server killed itself at its fail point."""
    for _ in range(int(time_limit_s / 0.02)):
        if not workload.server.running:
            return True
        await asyncio.sleep(0.02)
    return False


async def test_acknowledged_messages_survive_kills_at_any_instant(tmp_path: Path) -> None:
    chance = random.Random(40)
    history = History()
    server = launched(tmp_path / "data")
    server.start(60)
    workload = Workload(server, history)
    await workload.open(people=8, groups=3, cut_part=0.2)
    async with writing(workload):
        for kill in range(KILLS):
            if kill % 2:
                # At the next fail point in turn, after a while.
                point = POINTS[kill // 2 % len(POINTS)]
                assert await run_until_dead(workload), f"{point} was never passed"
                server.kill()
            else:
                await asyncio.sleep(chance.uniform(0.05, 0.8))
                server.kill()
            following = kill + 1
            if following % 2 and following < KILLS:
                point = POINTS[following // 2 % len(POINTS)]
                server.environment["CRASH_AT"] = f"{point}:{chance.randrange(5, 60)}"
            else:
                server.environment.pop("CRASH_AT", None)
            await asyncio.to_thread(server.start, 60)
        await asyncio.sleep(0.5)
    assert history.check() == []
    assert history.acknowledged > KILLS
    assert workload.cuts > 0


async def test_retries_over_cut_answers_are_stored_once(tmp_path: Path) -> None:
    history = History()
    server = launched(tmp_path / "data")
    server.start(60)
    workload = Workload(server, history)
    await workload.open(people=16, groups=4, cut_part=0.2)
    try:
        await workload.write(limit=SENDS)
        await workload.settle()
    finally:
        await workload.close()
    assert history.check() == []
    assert history.acknowledged >= SENDS
    assert workload.cuts > SENDS / 10


@pytest.mark.parametrize(
    ("mutant", "kind"),
    [
        ("no_unique_key", "duplicate"),
        ("events_out_of_order", "reorder"),
        ("events_dropped", "gap"),
        ("numbers_skipped", "gap"),
        ("words_changed", "phantom"),
    ],
)
async def test_the_checker_catches_a_server_that_breaks_its_promise(
    mutant: str, kind: str, tmp_path: Path
) -> None:
    history = History()
    server = launched(tmp_path / "data", CRASH_MUTANT=mutant)
    server.start(60)
    workload = Workload(server, history)
    await workload.open(people=6, groups=1, cut_part=0.1)
    try:
        await workload.write(limit=400)
        await workload.settle(time_limit_s=3)
    finally:
        await workload.close()
    assert kind in {fault.kind for fault in history.check()}


async def test_the_checker_catches_acknowledging_before_the_commit(tmp_path: Path) -> None:
    history = History()
    server = launched(tmp_path / "data", CRASH_MUTANT="acknowledge_before_commit")
    server.start(60)
    workload = Workload(server, history)
    await workload.open(people=8, groups=2)
    async with writing(workload):
        for _ in range(10):
            before = history.acknowledged
            async with asyncio.timeout(60):
                while history.acknowledged == before:
                    await asyncio.sleep(0.01)
            await asyncio.sleep(0.3)
            server.kill()
            await asyncio.to_thread(server.start, 60)
    assert "lost" in {fault.kind for fault in history.check()}


async def leave_while_others_write(tmp_path: Path, **environment: str) -> History:
    """Somebody is taken out in the middle of it."""
    history = History()
    server = launched(tmp_path / "data", **environment)
    server.start(60)
    workload = Workload(server, history)
    await workload.open(people=4, groups=1)
    first, *_, leaver = workload.clients
    (group,) = workload.groups
    workload.clients.remove(leaver)
    async with writing(workload):
        await asyncio.sleep(0.3)
        await first.call("conversation.remove", conversation=group, user=leaver.me["id"])
        await asyncio.sleep(0.3)
    (removal,) = [entry for entry in history.entries(group) if entry.kind == "member.removed"]
    history.shut_out(leaver.me["id"], group, removal.seq)
    return history


async def test_nothing_reaches_somebody_who_was_taken_out(tmp_path: Path) -> None:
    assert (await leave_while_others_write(tmp_path)).check() == []


async def test_the_checker_catches_membership_kept_for_ever(tmp_path: Path) -> None:
    history = await leave_while_others_write(tmp_path, CRASH_MUTANT="membership_for_ever")
    assert "leak" in {fault.kind for fault in history.check()}
