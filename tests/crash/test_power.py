"""I1 with the power cut: what was acknowledged was on the disk, not in the page cache."""

from __future__ import annotations

import asyncio
import os
import random
from pathlib import Path

import pytest

from tests.crash.disk import Disk, standing_still, why_not
from tests.crash.workload import Workload, launched
from tests.history import History

pytestmark = pytest.mark.skipif(why_not() is not None, reason=f"no power cuts here: {why_not()}")

CUTS = int(os.environ.get("CRASH_CUTS", "20"))


async def cut_again_and_again(folder: Path, cuts: int, **environment: str) -> History:
    """Write; cut the power under the running server; mount, start and go on, so many times."""
    chance = random.Random(20)
    history = History()
    with Disk(folder) as disk:
        server = launched(disk.path / "data", **environment)
        server.log_path = folder / "server.log"
        server.start(60)
        workload = Workload(server, history)
        await workload.open(people=8, groups=3)
        # Whoever lost their account could not tell what else was lost.
        os.sync()
        writers = asyncio.create_task(workload.write())
        try:
            for _ in range(cuts):
                await asyncio.sleep(chance.uniform(0.1, 0.8))
                with standing_still(server.pid, server.server_pid):
                    disk.cut()
                # Whoever is answered now was answered wrongly; give it the time to happen.
                await asyncio.sleep(0.05)
                server.kill()
                disk.unmount()
                disk.mount()
                await asyncio.to_thread(server.start, 60)
            workload.hush()
            await writers
            await workload.settle(time_limit_s=20)
        finally:
            writers.cancel()
            await asyncio.gather(writers, return_exceptions=True)
            await workload.close()
    return history


async def test_acknowledged_messages_survive_power_cuts(tmp_path: Path) -> None:
    history = await cut_again_and_again(tmp_path, CUTS)
    assert history.check() == []
    assert history.acknowledged > CUTS


async def test_the_checker_catches_synchronous_normal(tmp_path: Path) -> None:
    history = await cut_again_and_again(tmp_path, CUTS // 2, CRASH_MUTANT="synchronous_normal")
    assert "lost" in {fault.kind for fault in history.check()}
