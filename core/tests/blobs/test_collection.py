"""What nobody refers to is collected after a day, and nothing else ever is."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path

import pytest
from dash_messenger.errors import NotFound
from fixtures.local_server import LocalServer, open_server

DAY_S = 86_400


async def keep(local: LocalServer, content: bytes) -> str:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    blob = await local.server.blobs.keep(chunks(), owner=local.users["ann"], name="a")
    return blob.id


def contents(folder: Path) -> int:
    return len([path for path in (folder / "blobs").rglob("*") if path.is_file()])


async def test_after_a_day_without_a_reference_it_goes(local: LocalServer, tmp_path: Path) -> None:
    blobs = local.server.blobs
    await keep(local, b"one")
    local.clock.advance(s=DAY_S - 1)
    assert await blobs.collect() == 0
    local.clock.advance(s=2)
    assert await blobs.collect() == 1
    assert (await blobs.count(), contents(tmp_path)) == (0, 0)


async def test_what_is_referred_to_stays(local: LocalServer) -> None:
    blobs = local.server.blobs
    id = await keep(local, b"one")
    await blobs.refer(id, "plugin:test:x")
    local.clock.advance(s=10 * DAY_S)
    assert await blobs.collect() == 0
    await blobs.release(id, "plugin:test:x")
    assert await blobs.collect() == 0
    local.clock.advance(s=DAY_S + 1)
    assert await blobs.collect() == 1


async def test_one_content_of_two_uploads_is_stored_once_and_goes_with_the_last(
    local: LocalServer, tmp_path: Path
) -> None:
    blobs = local.server.blobs
    first, second = await keep(local, b"same"), await keep(local, b"same")
    assert first != second
    assert contents(tmp_path) == 1
    await blobs.refer(second, "plugin:test:x")
    local.clock.advance(s=DAY_S + 1)
    assert await blobs.collect() == 1
    assert b"".join([chunk async for chunk in blobs.stream(second, 0, 4)]) == b"same"
    with pytest.raises(NotFound):
        await blobs.refer(first, "plugin:test:y")


async def test_what_was_on_its_way_when_the_server_was_killed_goes_with_the_next_file(
    tmp_path: Path,
) -> None:
    left = tmp_path / "blobs" / "incoming" / ("0" * 32 + "#1")
    left.parent.mkdir(parents=True)
    left.write_bytes(b"half of it")
    async with open_server(tmp_path) as local:
        await local.add("ann")
        await keep(local, b"one")
        assert contents(tmp_path) == 1


async def test_a_content_that_comes_again_while_it_is_collected_is_there_afterwards(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    blobs = local.server.blobs
    await keep(local, b"same")
    local.clock.advance(s=DAY_S + 1)
    dropping, go_on = asyncio.Event(), asyncio.Event()
    remove = blobs._contents.remove

    async def remove_slowly(digest: bytes) -> None:
        dropping.set()
        await go_on.wait()
        await remove(digest)

    monkeypatch.setattr(blobs._contents, "remove", remove_slowly)
    collecting = asyncio.create_task(blobs.collect())
    await dropping.wait()
    again = asyncio.create_task(keep(local, b"same"))
    # It may be kept at once, or wait for its turn.
    await asyncio.wait({again}, timeout=1)
    go_on.set()
    assert await collecting == 1
    assert await blobs.read(await again, max_bytes=4) == b"same"
