"""People who upload without end: whole files, claims, trickles, and photos that take long to make.

While they do, nobody goes beyond what the disk gives them, and their neighbours write, upload and
send photos as if they were alone.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import time
from collections.abc import Awaitable, Callable
from contextlib import AbstractAsyncContextManager

from dash_messenger.errors import Busy
from dash_messenger.testing import People, ServerProcess, upload
from PIL import Image

from tests.attacks.background import going_on
from tests.attacks.processes import attacker
from tests.attacks.timed_pair import MAX_ANSWER_MS, MAX_TIMES_QUIET, TimedPair, percentile_ms

MIB = 1024 * 1024
# What an account of today may keep (`Settings`).
QUOTA_BYTES = 200 * MIB
# Twice what there is room for.
FILES, FILE_BYTES = 50, 8 * MIB
# Each of 90 MiB, at the rate of which nobody uploads (docs/limits.md).
CLAIMS, CLAIMED_BYTES = 50, 90 * MIB
BURST_BYTES, BYTES_PER_S = 512 * MIB, 4 * MIB
# With six each, eleven have all the places that there are, and two over.
TRICKLERS, TRICKLES = 11, 8
# Each of ten photos, which one user has made one after the other.
ALBUMS, FULL_ALBUMS = 1, 8
OWN_BYTES = 100_000
# A file under way, and the stickers that a server brings in once it has started.
OTHER_BYTES = 2 * MIB
MAX_QUIET_TIMES = 20


async def test_nobody_fills_the_disk_beyond_the_quota(
    defended: ServerProcess, people: People, pair: TimedPair, full_scale: bool
) -> None:
    tokens = [(await people.register())[1] for _ in range(4 if full_scale else 1)]
    before = _stored_bytes(defended)
    watch = _Watch(await _uploading(people))
    answered = await _attack(defended, pair, watch, "fill", FILES, tokens)
    assert set(answered) == {"taken", "quota_exceeded"}
    for token in tokens:
        usage = await (await people.connect(token)).call("blob.usage")
        # No room was wasted either; what stands around a file is reserved with it.
        assert QUOTA_BYTES - FILE_BYTES <= usage["used_bytes"] <= QUOTA_BYTES
    most = len(tokens) * QUOTA_BYTES + watch.times * OWN_BYTES + OTHER_BYTES
    assert _stored_bytes(defended) - before <= most
    await watch.check()


async def test_claims_of_bytes_that_never_come_meet_the_rate(
    defended: ServerProcess, people: People, pair: TimedPair
) -> None:
    _, token = await people.register()
    before = _stored_bytes(defended)
    watch = _Watch(await _uploading(people))
    began = time.monotonic()
    answered = await _attack(defended, pair, watch, "claim", CLAIMS, [token])
    most = (BURST_BYTES + BYTES_PER_S * (time.monotonic() - began)) / CLAIMED_BYTES
    assert set(answered) == {"taken", "rate_limited"}
    assert answered["taken"] <= most
    assert _stored_bytes(defended) - before <= watch.times * OWN_BYTES + OTHER_BYTES
    await watch.check()


async def test_files_that_trickle_in_leave_places_for_others(
    defended: ServerProcess, people: People, pair: TimedPair, full_scale: bool
) -> None:
    tokens = [(await people.register())[1] for _ in range(TRICKLERS)]
    watch = _Watch(await _uploading(people))
    answered = await _attack(defended, pair, watch, "trickle", TRICKLES, tokens, whole=full_scale)
    if full_scale:
        assert answered["upload_too_slow"] > 0
        assert sum(answered.values()) == TRICKLERS * TRICKLES
    await watch.check()


async def test_photos_that_take_long_hold_up_nobody_elses(
    defended: ServerProcess, people: People, pair: TimedPair, full_scale: bool
) -> None:
    _, token = await people.register()
    sends = [await _sending_photos(people) for _ in range(2)]
    # The processes that make photos are there: after a pause one waits for them in any case.
    await asyncio.gather(*(send() for send in sends))
    watch = _Watch(sends[0])
    albums = FULL_ALBUMS if full_scale else ALBUMS
    answered = await _attack(defended, pair, watch, "pictures", albums, [token], whole=full_scale)
    # Ten of the slowest photos take about as long as preparing a message may: 25 s.
    assert answered.keys() <= {"taken", "timed_out"}
    assert not full_scale or sum(answered.values()) == albums
    await watch.check()


async def _attack(
    server: ServerProcess,
    pair: TimedPair,
    watch: _Watch,
    mode: str,
    times: int,
    tokens: list[str],
    *,
    whole: bool = True,
) -> dict[str, int]:
    """How the attackers were answered, while the pair talks and somebody is watched."""
    async with attacker("uploader", server.url, mode, times, *tokens) as uploading:
        assert uploading.stdin is not None
        uploading.stdin.write(b"\n")
        async with watch.watching():
            await pair.beside_timed(uploading.wait, whole=whole)
        assert uploading.stdout is not None
        # Who was not let finish has said nothing.
        said = await uploading.stdout.read() if whole else b"{}"
        answered: dict[str, int] = json.loads(said)
    print(f"\n{mode}: {answered}, beside it {watch.slow_ms:.0f} ms")
    return answered


async def _uploading(people: People) -> Callable[[], Awaitable[object]]:
    """Somebody who uploads a small file, and comes back when there is no place."""
    _, token = await people.register()

    async def once() -> None:
        while True:
            try:
                await upload(people.server.url, os.urandom(OWN_BYTES), token=token)
            except Busy:
                await asyncio.sleep(0.1)
            else:
                return

    return once


async def _sending_photos(people: People) -> Callable[[], Awaitable[object]]:
    """Somebody who sends a photo."""
    friend, _ = await people.register()
    _, token = await people.register()
    client = await people.connect(token)
    made = await client.call("conversation.create", kind="direct", members=[friend])
    picture = io.BytesIO()
    Image.effect_noise((800, 600), 60).save(picture, "JPEG")
    blob = await upload(people.server.url, picture.getvalue(), token=token)
    photos = {"photos": [{"blob": blob["id"]}]}

    async def once() -> None:
        await client.call("message.send", conversation=made["id"], type="photo", content=photos)

    return once


def _stored_bytes(server: ServerProcess) -> int:
    """What all files take on the disk, those under way too."""
    total = 0
    for path in (server.data / "blobs").rglob("*"):
        # Others finish meanwhile: a file may have its last name by now.
        with contextlib.suppress(FileNotFoundError):
            total += path.stat().st_size if path.is_file() else 0
    return total


class _Watch:
    """Somebody who does the same again and again, and how long each time took."""

    def __init__(self, do: Callable[[], Awaitable[object]]) -> None:
        self._do = do
        self._took: list[float] = []

    @property
    def times(self) -> int:
        """How often it was done."""
        return len(self._took)

    @property
    def slow_ms(self) -> float:
        """What nine of ten times did not take longer than."""
        return percentile_ms(self._took, 0.9)

    def watching(self) -> AbstractAsyncContextManager[None]:
        """Do so while the block runs."""
        return going_on(self._go_on())

    async def check(self) -> None:
        """Compare with the same now that nothing else goes on, where it took long."""
        slow_ms, times = self.slow_ms, self.times
        if slow_ms > MAX_ANSWER_MS:
            self._took.clear()
            for _ in range(min(times, MAX_QUIET_TIMES)):
                await self._once()
            assert slow_ms <= MAX_TIMES_QUIET * self.slow_ms, f"quiet {self.slow_ms:.0f} ms"

    async def _go_on(self) -> None:
        while True:
            await self._once()
            await asyncio.sleep(0.2)

    async def _once(self) -> None:
        began = time.perf_counter()
        await self._do()
        self._took.append((time.perf_counter() - began) * 1_000)
