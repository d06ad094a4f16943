"""How slow an upload may be, and who gives way where all places are taken."""

from __future__ import annotations

import asyncio
import json
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
from blobs.test_blobs import form
from dash_messenger.auth.sessions import OpenSession
from dash_messenger.blobs.transfers import Transfers
from dash_messenger.blobs.upload_places import Pace, Places
from dash_messenger.clock import now_ms
from dash_messenger.errors import Busy, UploadTooSlow
from dash_messenger.gateway.uploads import Uploads
from fixtures.local_server import LocalServer, open_server


class Clock:
    def __init__(self) -> None:
        self.now_s = 0.0

    def __call__(self) -> float:
        return self.now_s


def pace(**limits: Any) -> tuple[Pace, Clock]:
    clock = Clock()
    return Pace(clock_s=clock, **limits), clock


def come(pace: Pace, clock: Clock, seconds: float, size: int) -> None:
    with pace.waiting():
        clock.now_s += seconds
    pace.came(size)


def come_for(pace: Pace, clock: Clock, seconds: int, size: int) -> None:
    for _ in range(seconds):
        come(pace, clock, 1, size)


def test_a_trickle_is_too_slow() -> None:
    slow, clock = pace()
    with pytest.raises(UploadTooSlow):
        come_for(slow, clock, 100, 100)
    assert clock.now_s < 35
    steady, clock = pace()
    come_for(steady, clock, 100, 8_192)


def test_it_may_not_take_for_ever_however_steady() -> None:
    steady, clock = pace()
    with pytest.raises(UploadTooSlow):
        come_for(steady, clock, 10_000, 8_192)
    assert clock.now_s == 3_600


def test_time_that_the_server_takes_does_not_count() -> None:
    fast, clock = pace()
    for _ in range(100):
        come(fast, clock, 0.01, 65_536)
        clock.now_s += 100
    assert fast.waited_s < 2


@pytest.fixture
async def local(tmp_path: Path) -> AsyncIterator[LocalServer]:
    async with open_server(tmp_path, min_free_disk_bytes=0) as local:
        await local.add("ann", "ben")
        yield local


class Request:
    """An upload whose body comes when the test says so."""

    def __init__(self, uploads: Uploads, user: str) -> None:
        body, kind = form(bytes(1_000))
        headers = [(b"content-type", kind.encode()), (b"user", user.encode())]
        scope = {"type": "http", "path": "/blobs", "method": "POST", "scheme": "http"}
        self._events: asyncio.Queue[Any] = asyncio.Queue()
        self.body = body
        self.answered: list[Any] = []
        self.task = asyncio.create_task(
            uploads({**scope, "headers": headers}, self._events.get, self._hear)
        )

    async def _hear(self, event: Any) -> None:
        self.answered.append(event)

    def send(self, start: int, end: int | None = None) -> None:
        more = {"type": "http.request", "body": self.body[start:end], "more_body": end is not None}
        self._events.put_nowait(more)

    async def answer(self) -> tuple[int, Any]:
        # A refused client is given the time to send the rest.
        self.send(0, None)
        await asyncio.wait_for(self.task, 30)
        begin, end = self.answered
        return begin["status"], json.loads(end["body"])


def uploads_of(local: LocalServer, **options: Any) -> Uploads:
    async def admit(headers: Any, scope: Any) -> OpenSession:
        return OpenSession("0" * 32, local.users[headers["user"]], "bearer")

    async def nothing(*arguments: Any) -> None:
        raise AssertionError("it was passed on")

    server = local.server
    return Uploads(
        nothing,
        server.blobs,
        admit,
        Transfers(server.store, now_ms),
        max_bytes=10_000,
        rate_limits=False,
        **options,
    )


async def under_way(uploads: Uploads, request: Request, count: int) -> None:
    """Send the first part of a body and return when so many hold places."""
    request.send(0, 100)
    async with asyncio.timeout(30):
        while len(uploads._places._places) < count:
            await asyncio.sleep(0)


async def test_a_slow_upload_is_refused_with_a_code_of_its_own(local: LocalServer) -> None:
    def strict(max_bytes: int) -> Pace:
        return Pace(least_over_s=0.05, least_bytes_per_s=100_000)

    request = Request(uploads_of(local, pace=strict), "ann")
    for n in range(0, 100, 10):
        request.send(n, n + 10)
        await asyncio.sleep(0.02)
    status, body = await request.answer()
    assert (status, body["error"]["key"]) == (408, "upload_too_slow")


async def test_who_has_many_places_gives_one_to_who_has_none(local: LocalServer) -> None:
    uploads = uploads_of(local, places=Places(at_once=3, at_once_a_user=3))
    anns = []
    for n in range(3):
        anns.append(Request(uploads, "ann"))
        await under_way(uploads, anns[-1], n + 1)
    more = Request(uploads, "ann")
    status, body = await more.answer()
    assert (status, body["error"]["key"]) == (503, "busy")
    ben = Request(uploads, "ben")
    status, body = await anns[2].answer()
    assert (status, body["error"]["key"]) == (503, "busy")
    assert body["error"]["params"]["retry_after_s"] > 0
    ben.send(0, None)
    await ben.task
    assert ben.answered[0]["status"] == 201
    for ann in anns[:2]:
        ann.send(100, None)
        await ann.task
        assert ann.answered[0]["status"] == 201


async def test_where_each_has_one_the_slowest_gives_way() -> None:
    places = Places(at_once=2)
    slow, slow_clock = pace()
    fast, fast_clock = pace()
    told: list[str] = []

    async def hold(user: str, pace: Pace) -> None:
        try:
            with places.place(user, pace):
                await asyncio.Event().wait()
        except Busy:
            told.append(user)

    tasks = [asyncio.create_task(hold("ann", slow)), asyncio.create_task(hold("ben", fast))]
    while len(places._places) < 2:
        await asyncio.sleep(0)
    newcomer = pace()[0]
    with pytest.raises(Busy), places.place("cleo", newcomer):
        pass
    come(slow, slow_clock, 11, 11 * 5_000)
    come(fast, fast_clock, 11, 11 * 500_000)
    with places.place("cleo", newcomer):
        await tasks[0]
        assert told == ["ann"]
    tasks[1].cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
    assert told == ["ann"]
    assert not places._places
