"""Durable timers: what is to be done at a time is a row, and is done after a restart too.

Owns when a timer is due and what happens when its handler fails. Must not know what it is for. A
timer is set in the transaction of what it is about, so that neither is stored without the other.
Invariants: a timer is handled at least once, and never before its time by the server's clock;
timers of one kind are handled one after another, and no kind waits for another.
"""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from dataclasses import dataclass
from itertools import groupby
from typing import TypeAlias

import structlog
from sqlalchemy import Connection, and_, delete, insert, select, update
from sqlalchemy.sql import ColumnElement

from dash_messenger.clock import Clock
from dash_messenger.store import Store, Transaction
from dash_messenger.store.tables import timers

__all__ = ["Handle", "Timer", "Timers", "cancel_timer", "finish_timer", "set_timer"]

# As often as a `follower` looks for what other processes have written: timers of theirs are due
# here too. A clock that is put forward or back is noticed as soon.
EVERY_S = 1.0
# Of a kind, at once.
PAGE = 200
# After a failure: 1 s, then twice as long each time.
MAX_DELAY_S = 300

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Timer:
    """What is to be done: ``key`` names it among its ``kind``, ``data`` is its handler's own.

    ``failures`` is how often its handler has failed since it was set.
    """

    kind: str
    key: str
    due_at_ms: int
    data: bytes = b""
    failures: int = 0


Handle: TypeAlias = Callable[[Timer], Awaitable[None]]


def set_timer(transaction: Transaction, timer: Timer) -> None:
    """Set a timer, in place of the one of the same kind and key, if there is one.

    ``kind`` has at most 64 characters, ``key`` at most 160. Whoever sets it from its own handler
    has it again.
    """
    cancel_timer(transaction, timer.kind, timer.key)
    transaction.connection.execute(
        insert(timers).values(
            kind=timer.kind,
            key=timer.key,
            due_at_ms=timer.due_at_ms,
            data=timer.data,
            failures=timer.failures,
        )
    )


def cancel_timer(transaction: Transaction, kind: str, key: str) -> bool:
    """Forget a timer; whether there was one. Its handler may be at work on it already."""
    return transaction.connection.execute(delete(timers).where(_named(kind, key))).rowcount > 0


def finish_timer(transaction: Transaction, timer: Timer) -> bool:
    """Forget a timer in the transaction that does what it was for, which is then done once.

    False: it was cancelled or set again meanwhile, or is done already: do nothing.
    """
    return transaction.connection.execute(delete(timers).where(_same(timer))).rowcount > 0


class Timers:
    """Calls the handler of each timer that is due. Close it with `aclose`."""

    def __init__(self, store: Store, clock: Clock, *, every_s: float = EVERY_S) -> None:
        self._store = store
        self._clock = clock
        self._every_s = every_s
        self._handlers: dict[str, Handle] = {}
        self._working: dict[str, asyncio.Task[None]] = {}
        self._more = asyncio.Event()
        self._task: asyncio.Task[None] | None = None

    def add(self, kind: str, handle: Handle) -> None:
        """Have ``handle`` called with each timer of a kind; timers of other kinds are kept.

        When it returns, the timer is forgotten, unless it was set again. When it raises, it is
        called again later, at most `MAX_DELAY_S` later.
        """
        assert kind not in self._handlers, kind
        self._handlers[kind] = handle

    def start(self) -> None:
        """Begin to look for what is due."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def aclose(self) -> None:
        """Look no more, and leave what is being handled: it is handled again at the next start."""
        tasks = [*self._working.values()] + ([self._task] if self._task else [])
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            try:
                await self._look()
            # The root of a task: the disk may be full now and not in a second.
            except Exception:
                log.exception("timers_not_read")
            try:
                async with asyncio.timeout(self._every_s):
                    await self._more.wait()
            except TimeoutError:
                continue

    async def _look(self) -> None:
        self._more.clear()
        kinds = self._handlers.keys() - self._working.keys()
        if not kinds:
            return
        now_ms = self._clock()
        due = await self._store.read(lambda connection: _due(connection, kinds, now_ms))
        for kind, found in groupby(due, lambda timer: timer.kind):
            work = self._work(kind, [*found])
            self._working[kind] = asyncio.get_running_loop().create_task(work)

    async def _work(self, kind: str, due: list[Timer]) -> None:
        try:
            for timer in due:
                await self._handle(timer)
        # The root of a task: what is left is found again.
        except Exception:
            log.exception("timers_not_kept", kind=kind)
        finally:
            del self._working[kind]
            if len(due) == PAGE:
                self._more.set()

    async def _handle(self, timer: Timer) -> None:
        try:
            await self._handlers[timer.kind](timer)
        # The root of what a handler does: its timer is kept.
        except Exception:
            log.exception("timer_failed", kind=timer.kind, key=timer.key, failures=timer.failures)
            await self._store.write(lambda transaction: _put_off(transaction, timer))
        else:
            await self._store.write(lambda transaction: finish_timer(transaction, timer))


def _due(connection: Connection, kinds: set[str], now_ms: int) -> list[Timer]:
    """Of each kind, those that are due: the earliest first, at most `PAGE`."""
    found: list[Timer] = []
    for kind in sorted(kinds):
        rows = connection.execute(
            select(timers)
            .where(timers.c.kind == kind, timers.c.due_at_ms <= now_ms)
            .order_by(timers.c.due_at_ms)
            .limit(PAGE)
        )
        found += [Timer(row.kind, row.key, row.due_at_ms, row.data, row.failures) for row in rows]
    return found


def _put_off(transaction: Transaction, timer: Timer) -> None:
    delay_ms = 1_000 * min(2**timer.failures, MAX_DELAY_S)
    transaction.connection.execute(
        update(timers)
        .where(_same(timer))
        .values(due_at_ms=transaction.now_ms + delay_ms, failures=timer.failures + 1)
    )


def _named(kind: str, key: str) -> ColumnElement[bool]:
    return and_(timers.c.kind == kind, timers.c.key == key)


def _same(timer: Timer) -> ColumnElement[bool]:
    """The timer as it was read: not one that was set since under its name."""
    return and_(
        _named(timer.kind, timer.key),
        timers.c.due_at_ms == timer.due_at_ms,
        timers.c.data == timer.data,
        timers.c.failures == timer.failures,
    )
