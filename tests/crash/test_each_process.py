"""I1: whichever process of a server is killed, nothing acknowledged is lost and it serves again."""

from __future__ import annotations

import asyncio
import os
import random
import signal
import statistics
import sys
import time
from collections import Counter
from pathlib import Path

import pytest
from dash_messenger.client.http import post
from dash_messenger.errors import Unauthenticated
from dash_messenger.testing import ServerProcess

from tests.crash.processes import alive, roles
from tests.crash.test_kills import writing
from tests.crash.workload import Workload, launched
from tests.history import History

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="/proc tells the processes")

KILLS = int(os.environ.get("CRASH_PROCESS_KILLS", "40"))
BACK_WITHIN_S = 2.0
MAX_TIMES_START = 1.5
PATIENCE_S = 60.0


async def until_answered(server: ServerProcess) -> None:
    """Return when a new connection gets an answer."""
    deadline_s = time.monotonic() + PATIENCE_S
    while True:
        try:
            await post(server.url, "plugin.list")
        except Unauthenticated:
            return
        except (OSError, ValueError):
            assert time.monotonic() < deadline_s, server.log[-3000:]
            await asyncio.sleep(0.01)


async def test_each_process_may_be_killed_at_any_instant(tmp_path: Path) -> None:
    chance = random.Random(40)
    history = History()
    server = launched(tmp_path / "data")
    server.start(PATIENCE_S)
    workload = Workload(server, history)
    await workload.open(people=8, groups=3, cut_part=0.1)
    killed: Counter[str] = Counter()
    back_s: list[float] = []
    starts_s: list[float] = []
    round_of: list[str] = []
    async with writing(workload):
        while killed.total() < KILLS:
            await asyncio.sleep(chance.uniform(0.1, 0.8))
            there = roles(server)
            # In rounds, so that the parent, which counts deaths, is new from time to time.
            round_of = [role for role in round_of if role in there] or chance.sample(
                sorted(there), k=len(there)
            )
            role = round_of.pop()
            before, restarts = history.acknowledged, server.log.count("server_restarted")
            everybody = [pid for pids in there.values() for pid in pids]
            began_s = time.monotonic()
            try:
                os.kill(chance.choice(there[role]), signal.SIGKILL)
            except ProcessLookupError:
                # A child that ended by itself meanwhile.
                continue
            killed[role] += 1
            if role == "parent":
                while alive(everybody):
                    assert time.monotonic() < began_s + PATIENCE_S
                    await asyncio.sleep(0.01)
                server.kill()
                began_s = time.monotonic()
                await asyncio.to_thread(server.start, PATIENCE_S)
                await until_answered(server)
                starts_s.append(time.monotonic() - began_s)
            elif role == "server":
                while server.log.count("server_restarted") == restarts:
                    assert time.monotonic() < began_s + PATIENCE_S, server.log[-3000:]
                    await asyncio.sleep(0.01)
                await until_answered(server)
                back_s.append(time.monotonic() - began_s)
            else:
                await until_answered(server)
                assert server.log.count("server_restarted") == restarts
            while history.acknowledged == before:
                assert time.monotonic() < began_s + PATIENCE_S, server.log[-3000:]
                await asyncio.sleep(0.01)
        await asyncio.sleep(0.5)
    assert history.check() == []
    assert history.acknowledged > KILLS
    assert min(killed["parent"], killed["server"]) >= KILLS // 5
    # As fast as the machine starts one at about that time, where that takes longer: both happen
    # once in each round.
    slower = [back / start for back, start in zip(back_s, starts_s, strict=False)]
    assert statistics.median(back_s) < BACK_WITHIN_S or statistics.median(slower) < MAX_TIMES_START
    print(f"killed {dict(killed)}; back after {[round(s, 2) for s in sorted(back_s)]} s, ")
    print(f"started in {[round(s, 2) for s in sorted(starts_s)]} s")
