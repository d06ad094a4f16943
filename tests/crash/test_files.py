"""I1 for files: an upload, a photo, an avatar, a sticker that was acknowledged is there, whole."""

from __future__ import annotations

import asyncio
import os
import random
import shutil
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
from dash_messenger.errors import Failure
from dash_messenger.testing import People, ServerProcess, upload

from tests.crash.disk import Disk, standing_still, why_not
from tests.crash.uploaders import KINDS, Uploaders
from tests.crash.workload import launched

needs_a_disk = pytest.mark.skipif(why_not() is not None, reason=f"no power cuts: {why_not()}")

CUTS = int(os.environ.get("CRASH_CUTS", "20"))
KILLS = int(os.environ.get("CRASH_FILE_KILLS", "20"))
# How long each server goes on after it has acknowledged something of the kind that is due.
RUNS_S = (0.0, 0.8)


@asynccontextmanager
async def uploading(server: ServerProcess) -> AsyncIterator[Uploaders]:
    """Everybody uploads while the body runs; afterwards the server runs and nobody does."""
    server.start(60)
    uploaders = Uploaders(server)
    await uploaders.open()
    # Whoever lost their account could not tell what else was lost.
    os.sync()
    work = asyncio.create_task(uploaders.work())
    try:
        yield uploaders
        uploaders.finish()
        await work
    finally:
        work.cancel()
        await asyncio.gather(work, return_exceptions=True)


async def cut_again_and_again(
    folder: Path, cuts: int, *, seed: int = 0, **environment: str
) -> Uploaders:
    """Cut the power under the running server; mount, start and go on, so many times."""
    chance = random.Random(seed)
    with Disk(folder, size_mib=512) as disk:
        server = launched(disk.path / "data", **environment)
        server.log_path = folder / "server.log"
        try:
            async with uploading(server) as uploaders:
                for cut in range(cuts):
                    await uploaders.acknowledges(KINDS[cut % len(KINDS)])
                    await asyncio.sleep(chance.uniform(*RUNS_S))
                    with standing_still(server.pid, server.server_pid):
                        disk.cut()
                    # Whoever is answered now was answered wrongly; give it the time to happen.
                    await asyncio.sleep(0.05)
                    server.kill()
                    disk.unmount()
                    disk.mount()
                    await asyncio.to_thread(server.start, 60)
            uploaders.faults = uploaders.lost() + await uploaders.unread()
        finally:
            server.kill()
    return uploaders


# In two parts: on a busy machine each start takes long, and a test has five minutes.
PARTS = pytest.mark.parametrize("part", [0, 1])


@needs_a_disk
@PARTS
async def test_acknowledged_files_survive_power_cuts(tmp_path: Path, part: int) -> None:
    uploaders = await cut_again_and_again(tmp_path, CUTS // 2, seed=part)
    assert uploaders.faults == []
    assert min(uploaders.counts[kind] for kind in KINDS) >= CUTS // 2 // len(KINDS)


@needs_a_disk
async def test_files_that_are_not_flushed_are_found_out(tmp_path: Path) -> None:
    uploaders = await cut_again_and_again(tmp_path, 4, CRASH_MUTANT="files_unflushed")
    assert uploaders.faults


@PARTS
async def test_acknowledged_files_survive_kills_and_nothing_else_stays(
    tmp_path: Path, part: int
) -> None:
    chance = random.Random(part)
    server = launched(tmp_path / "data")
    try:
        async with uploading(server) as uploaders:
            for kill in range(KILLS // 2):
                await uploaders.acknowledges(KINDS[kill % len(KINDS)])
                await asyncio.sleep(chance.uniform(*RUNS_S))
                server.kill()
                await asyncio.to_thread(server.start, 60)
        assert uploaders.lost() + await uploaders.unread() == []
        assert min(uploaders.counts[kind] for kind in KINDS) >= KILLS // 2 // len(KINDS)
        # What the kills left without a row goes by itself after a start.
        server.kill()
        await asyncio.to_thread(server.start, 60)
        async with asyncio.timeout(30):
            while uploaders.strays():
                await asyncio.sleep(0.05)
    finally:
        server.kill()


@needs_a_disk
async def test_a_disk_full_of_uploads_stops_no_messages_and_no_log_ins(tmp_path: Path) -> None:
    quota = str(10**12)
    rooms = {"DASH_MESSENGER_QUOTA_BYTES": quota, "DASH_MESSENGER_NEW_ACCOUNT_QUOTA_BYTES": quota}
    # The log in front of the database takes some 12 MB for the messages.
    with Disk(tmp_path, size_mib=400) as disk:
        server = launched(disk.path / "data", **rooms)
        server.log_path = tmp_path / "server.log"
        try:
            server.start(60)
            people = People(server)
            names, tokens = zip(*[await people.register() for _ in range(4)], strict=True)
            refused = await asyncio.gather(*(fill(server, token) for token in tokens))
            assert {failure.key for failure in refused} == {"disk_low"}
            # A tenth of a small disk is left, of which the database has taken some.
            left = shutil.disk_usage(disk.path)
            assert left.free > left.total / 12
            ann, ben = [await people.connect(token) for token in tokens[:2]]
            members = [ben.me["username"]]
            made = await ann.call("conversation.create", kind="group", title="G", members=members)
            for n in range(500):
                await ann.call(
                    "message.send",
                    conversation=made["id"],
                    type="text",
                    content={"text": f"message {n} " * 50},
                )
            assert await people.log_in(names[3])
            await people.aclose()
        finally:
            server.kill()


async def fill(server: ServerProcess, token: str) -> Failure:
    """Upload until the server refuses: its refusal."""
    for _ in range(1_000):
        try:
            await upload(server.url, os.urandom(1_000_000), token=token)
        except Failure as failure:
            return failure
    raise AssertionError("the disk was never full")
