"""A follower: reads the events of all logs in the order in which they were stored.

Owns where it is, which outlives a restart, and what happens when its handler fails. Must not know
what the events are read for. Invariants: every event is handled at least once, in order; writers
and readers never wait for a follower, however far behind it is.
"""

from __future__ import annotations

import asyncio
import math
from collections.abc import Awaitable, Callable, Sequence
from typing import TypeAlias

import structlog
from sqlalchemy import Connection, insert, select, update

from dash_messenger.protocol.events import Event
from dash_messenger.store import Store, Transaction
from dash_messenger.store.logs import newest_row, read_all_logs
from dash_messenger.store.tables import counters

__all__ = ["Follower", "HandleEvents"]

# At once; also what a crash has it handle again, at least.
PAGE = 500
# So much may be handled again after a crash: storing each page's place would cost a flush each.
STORED_EVERY_S = 1.0
# The latest that events are found which no announcement told of: those of another process that
# writes to the same database.
EVERY_S = 1.0
# What is committed within this time is read together: a busy server commits a thousand times a
# second.
GATHERED_S = 0.2
MAX_DELAY_S = 60.0

HandleEvents: TypeAlias = Callable[[Sequence[Event]], Awaitable[None]]

log = structlog.get_logger(__name__)


class Follower:
    """Calls ``handle`` with what was committed, a page at a time. Close it with `aclose`.

    ``name`` has at most 55 characters; by it its place is found again. The first time it begins at
    the first event of all, or with ``from_now`` at the next. A message comes as it is when the page
    is read, as in `read_log`. When ``handle`` raises, the same page is given again later, at most
    `MAX_DELAY_S` later.
    """

    def __init__(
        self,
        store: Store,
        name: str,
        handle: HandleEvents,
        *,
        from_now: bool = False,
        gathered_s: float = GATHERED_S,
        stored_every_s: float = STORED_EVERY_S,
    ) -> None:
        self._store = store
        self._counter = f"follower:{name}"
        self._handle = handle
        self._from_now = from_now
        self._gathered_s = gathered_s
        self._stored_every_s = stored_every_s
        self._more = asyncio.Event()
        self._place = 0
        self._stored = 0
        self._stored_at_s = -math.inf
        self._task: asyncio.Task[None] | None = None

    @property
    def place(self) -> int:
        """The row of the last event that was handled, 0 before the first."""
        return self._place

    def hear(self, _events: Sequence[Event]) -> None:
        """There is more; for `Listeners.after_answers`."""
        self._more.set()

    async def start(self) -> None:
        """Find the place, then begin to follow."""
        place = await self._store.read(self._find)
        if place is None:
            place = await self._store.write(self._begin)
        self._place = self._stored = place
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def aclose(self) -> None:
        """Follow no more; what is being handled is handled again at the next start."""
        if self._task is None:
            return
        self._task.cancel()
        await asyncio.gather(self._task, return_exceptions=True)
        self._task = None
        if self._place != self._stored:
            await self._store.write(self._keep)

    async def _run(self) -> None:
        failures = 0
        while True:
            try:
                is_whole = await self._step()
                failures = 0
            # The root of a task: the page is given again.
            except Exception:
                log.exception("follower_failed", follower=self._counter, place=self._place)
                is_whole = False
                await asyncio.sleep(min(2**failures, MAX_DELAY_S))
                failures += 1
            if is_whole:
                await self._wait()

    async def _step(self) -> bool:
        """Handle a page; whether it was the last that there is."""
        self._more.clear()
        place = self._place
        found = await self._store.read(lambda connection: read_all_logs(connection, place, PAGE))
        if found.events:
            await self._handle(found.events)
        self._place = found.row
        now_s = asyncio.get_running_loop().time()
        if self._place != self._stored and now_s - self._stored_at_s >= self._stored_every_s:
            self._stored_at_s = now_s
            await self._store.write(self._keep)
        return found.is_last

    async def _wait(self) -> None:
        try:
            async with asyncio.timeout(EVERY_S):
                await self._more.wait()
        except TimeoutError:
            return
        await asyncio.sleep(self._gathered_s)

    def _find(self, connection: Connection) -> int | None:
        query = select(counters.c.value).where(counters.c.name == self._counter)
        place: int | None = connection.execute(query).scalar()
        return place

    def _begin(self, transaction: Transaction) -> int:
        place = newest_row(transaction.connection) if self._from_now else 0
        transaction.connection.execute(insert(counters).values(name=self._counter, value=place))
        return place

    def _keep(self, transaction: Transaction) -> None:
        place = self._place
        transaction.connection.execute(
            update(counters).where(counters.c.name == self._counter).values(value=place)
        )
        self._stored = place
