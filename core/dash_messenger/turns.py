"""Turns: how many of one key may be under way at once.

Owns the queues. Must not know what is done. Invariants: of each key at most ``at_once`` are under
way and the others begin in the order in which they came; a key that nobody holds or waits for costs
no memory.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Coroutine
from contextlib import asynccontextmanager
from typing import Any, Generic, TypeVar

from dash_messenger.errors import Superseded

__all__ = ["Newest", "Turns"]

K = TypeVar("K")
T = TypeVar("T")


class Turns(Generic[K]):
    """``async with turns(key)`` waits until fewer than ``at_once`` of the key are under way."""

    def __init__(self, at_once: int) -> None:
        self._at_once = at_once
        self._queues: dict[K, _Queue] = {}

    def __len__(self) -> int:
        """How many keys somebody holds or waits for."""
        return len(self._queues)

    @asynccontextmanager
    async def __call__(self, key: K) -> AsyncIterator[None]:
        """Hold a turn."""
        queue = self._queues.get(key)
        if queue is None:
            queue = self._queues[key] = _Queue(asyncio.Semaphore(self._at_once))
        queue.concerned += 1
        try:
            async with queue.places:
                yield
        finally:
            queue.concerned -= 1
            if not queue.concerned:
                del self._queues[key]


class _Queue:
    """The places of one key, and how many hold one or wait for it."""

    __slots__ = ("concerned", "places")

    def __init__(self, places: asyncio.Semaphore) -> None:
        self.places = places
        self.concerned = 0


class Newest(Generic[K]):
    """Of one key only the newest is under way: it ends the one before it."""

    def __init__(self) -> None:
        self._under_way: dict[K, asyncio.Task[Any]] = {}

    async def run(self, key: K, work: Coroutine[Any, Any, T]) -> T:
        """What ``work`` returns.

        Raises:
            Superseded: another one of the same key began meanwhile.
            Exception: what ``work`` raises.
        """
        task = asyncio.get_running_loop().create_task(work)
        before = self._under_way.get(key)
        self._under_way[key] = task
        if before is not None:
            before.cancel()
        try:
            return await task
        except asyncio.CancelledError:
            if self._under_way.get(key) is task:
                # Who asked is gone.
                task.cancel()
                raise
            raise Superseded from None
        finally:
            if self._under_way.get(key) is task:
                del self._under_way[key]
