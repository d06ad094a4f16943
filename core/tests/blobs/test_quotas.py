"""What users' files may take: counted before they come, given back, never exceeded."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.blobs import quotas
from dash_messenger.blobs.content_files import Contents
from dash_messenger.errors import DiskLow, Failure, QuotaExceeded, RateLimited
from dash_messenger.server.limits import Limits
from fixtures.local_server import LocalServer, open_server

DAY_S = 86_400
KIB = 1024
SETTINGS: dict[str, Any] = {
    "quota_bytes": 1_000 * KIB,
    "new_account_quota_bytes": 1_000 * KIB,
    "min_free_disk_bytes": 0,
}


@pytest.fixture
async def local(tmp_path: Path, limits: Limits) -> AsyncIterator[LocalServer]:
    async with open_server(tmp_path, limits=limits, **SETTINGS) as local:
        await local.add("ann", "ben")
        yield local


async def keep(
    local: LocalServer,
    kib: int,
    *,
    by: str = "ann",
    gate: asyncio.Event | None = None,
    said: int = 0,
) -> str:
    """The id of a new upload; with a ``gate``, its last part comes when that opens."""

    async def chunks() -> AsyncIterator[bytes]:
        yield bytes(KIB) * (kib - 1)
        if gate is not None:
            await gate.wait()
        yield bytes(KIB)

    blob = await local.server.blobs.keep(
        chunks(), owner=local.users[by], name="a", max_bytes=said * KIB
    )
    return blob.id


async def used(local: LocalServer, by: str = "ann") -> tuple[int, int]:
    """What is used and what of it waits, in KiB."""
    usage = await local.call(by, "blob.usage")
    return usage["used_bytes"] // KIB, usage["waiting_bytes"] // KIB


@pytest.mark.parametrize("said", [100, 0, 1])
async def test_fifty_uploads_at_once_exceed_the_quota_by_nothing(
    local: LocalServer, tmp_path: Path, said: int
) -> None:
    gate = asyncio.Event()
    coming = [asyncio.create_task(keep(local, 100, gate=gate, said=said)) for _ in range(50)]
    others = await keep(local, 900, by="ben")
    gate.set()
    outcomes = await asyncio.gather(*coming, return_exceptions=True)
    kept = [one for one in outcomes if isinstance(one, str)]
    refused = [one for one in outcomes if isinstance(one, QuotaExceeded)]
    assert len(kept) + len(refused) == 50
    # Whoever does not say how much comes reserves as it comes, and may find the last of it gone.
    assert len(kept) == 10 if said == 100 else len(kept) <= 10
    assert (await used(local))[0] == 100 * len(kept)
    assert await local.server.blobs.info(others) is not None
    # What was reserved in vain is free again.
    for _ in range(10 - len(kept)):
        await keep(local, 100, said=100)
    with pytest.raises(QuotaExceeded):
        await keep(local, 1, said=1)


async def test_a_new_account_has_less_for_a_day(tmp_path: Path) -> None:
    async with open_server(tmp_path, **{**SETTINGS, "new_account_quota_bytes": 100 * KIB}) as local:
        await local.add("ann")
        await keep(local, 90)
        with pytest.raises(QuotaExceeded) as refused:
            await keep(local, 90)
        assert refused.value.params["retry_after_s"] == DAY_S
        local.clock.advance(s=DAY_S)
        await keep(local, 90)
        usage = await local.call("ann", "blob.usage")
        assert usage["quota_bytes"] == 1_000 * KIB


async def test_what_the_server_makes_counts_for_its_owner(local: LocalServer) -> None:
    blobs, ann = local.server.blobs, local.users["ann"]
    made: dict[str, Any] = {"owner": ann, "name": "a", "media_type": "image/webp"}
    await blobs.put(bytes(600 * KIB), **made)
    with pytest.raises(QuotaExceeded):
        await blobs.put(bytes(600 * KIB), **made)
    assert (await used(local))[0] == 600


async def test_a_plugin_s_own_files_have_no_quota(local: LocalServer) -> None:
    context = local.server.installed.contexts.of("note")
    for _ in range(2):
        await context.blobs.put(bytes(600 * KIB), name="a", media_type="image/webp")


async def test_an_empty_file_is_not_free(local: LocalServer) -> None:
    blobs, ann = local.server.blobs, local.users["ann"]
    for _ in range(3):
        await blobs.put(b"", owner=ann, name="a", media_type="text/plain")
    assert await used(local) == (12, 12)


async def test_what_is_broken_off_or_refused_gives_its_room_back(local: LocalServer) -> None:
    async def broken() -> AsyncIterator[bytes]:
        yield bytes(100 * KIB)
        raise ConnectionError

    for _ in range(20):
        with pytest.raises(ConnectionError):
            await local.server.blobs.keep(
                broken(), owner=local.users["ann"], name="a", max_bytes=900 * KIB
            )
    assert await used(local) == (0, 0)
    await keep(local, 1_000, said=1_000)


async def test_what_was_deleted_makes_room_at_once(local: LocalServer) -> None:
    blobs = local.server.blobs
    needed, deleted = await keep(local, 400), await keep(local, 400)
    for id in (needed, deleted):
        await blobs.refer(id, "plugin:test:x")
    assert await used(local) == (800, 0)
    with pytest.raises(QuotaExceeded):
        await keep(local, 300, said=300)
    local.clock.advance(s=1)
    await blobs.release(deleted, "plugin:test:x")
    assert await used(local) == (800, 400)
    await keep(local, 300, said=300)
    assert await blobs.info(deleted) is None
    assert await blobs.info(needed) is not None


async def test_an_album_being_made_does_not_give_way_to_its_next_photo(local: LocalServer) -> None:
    blobs = local.server.blobs
    first = await keep(local, 600, said=600)
    with pytest.raises(QuotaExceeded):
        await keep(local, 600, said=600)
    assert await blobs.info(first) is not None
    local.clock.advance(s=601)
    await keep(local, 600, said=600)
    assert await blobs.info(first) is None


@pytest.mark.parametrize("limits", [Limits(waiting_bytes=500 * KIB)])
async def test_the_oldest_that_waits_gives_way(local: LocalServer) -> None:
    blobs = local.server.blobs
    referred = await keep(local, 200)
    await blobs.refer(referred, "plugin:test:x")
    ids = []
    for _ in range(4):
        ids.append(await keep(local, 200))
        local.clock.advance(s=1)
    there = [await blobs.info(id) is not None for id in (referred, *ids)]
    assert there == [True, False, False, True, True]
    assert await used(local) == (600, 400)


async def test_too_many_bytes_in_a_short_time_are_refused(tmp_path: Path) -> None:
    huge = 10**12
    async with open_server(
        tmp_path,
        quota_bytes=huge,
        min_free_disk_bytes=0,
        new_account_quota_bytes=huge,
        rate_limits=True,
    ) as local:
        await local.add("ann", "ben")
        rooms = local.server.blobs.quotas
        ann, ben = local.users["ann"], local.users["ben"]
        async with rooms.room(ann, quotas.RATE_BURST_BYTES, rated=True):
            with pytest.raises(RateLimited) as refused:
                async with rooms.room(ann, quotas.RATE_BYTES_PER_S * 10, rated=True):
                    raise AssertionError("there was room")
            async with rooms.room(ben, quotas.RATE_BYTES_PER_S * 10, rated=True):
                assert refused.value.params["retry_after_s"] in range(9, 11)


async def test_on_a_low_disk_files_are_refused_and_messages_go_on(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    kept = await keep(local, 100)
    floor = 100 * 1024 * KIB
    local.server.blobs.quotas._rules = quotas.Rules(10**9, 10**9, floor, rate_limits=False)
    free = floor + 300 * KIB

    def free_bytes(contents: Contents) -> tuple[int, int]:
        return free, 100 * floor

    monkeypatch.setattr(Contents, "_free_bytes", free_bytes)
    # What is under way counts as if it had come.
    async with local.server.blobs.quotas.room(local.users["ben"], 200 * KIB, rated=True):
        with pytest.raises(DiskLow) as refused:
            await keep(local, 200, said=200)
        assert refused.value.params == {"retry_after_s": quotas.DISK_RETRY_AFTER_S}
    await keep(local, 200, said=200)
    free -= 200 * KIB
    with pytest.raises(DiskLow):
        await local.server.blobs.put(
            bytes(200 * KIB), owner=local.users["ben"], name="a", media_type="image/webp"
        )
    free = floor - 1
    conversation = await local.group("ann", "ben")
    await local.say("ann", conversation)
    token = await local.token("ann")
    body = b'--x\r\nContent-Disposition: form-data; name="f"; filename="f"\r\n\r\nabc\r\n--x--'
    answer = await local.request(
        "/blobs",
        body=body,
        token=token,
        headers={"Content-Type": "multipart/form-data; boundary=x"},
    )
    assert (answer.status, answer.key) == (503, "disk_low")
    assert answer.headers["Retry-After"] == "60"
    # What nothing refers to stays for an hour instead of a day.
    local.clock.advance(s=3_599)
    assert await local.server.blobs.collect() == 0
    local.clock.advance(s=2)
    assert await local.server.blobs.collect() == 2
    assert await local.server.blobs.info(kept) is None


async def test_a_refusal_says_what_is_used(local: LocalServer) -> None:
    await keep(local, 700)
    with pytest.raises(Failure) as refused:
        await keep(local, 700, said=700)
    assert refused.value.params == {"quota_bytes": 1_000 * KIB, "used_bytes": 700 * KIB}
