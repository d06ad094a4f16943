"""Places that users share fairly: each holds one at most, and who used least lately is next.

Owns who waits. Must not know what for. Invariants: however many turns one user asks for, another
waits for at most one of them; what is waited for counts for nobody's time limit; what waits is
bounded, for each user and in all.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import AsyncGenerator
from contextlib import asynccontextmanager

from dash_messenger.errors import Busy
from dash_messenger.isolation.deadlines import waiting
from dash_messenger.isolation.fair_queue import FairQueue

__all__ = ["FairTurns"]

BUSY_RETRY_AFTER_S = 5


class FairTurns:
    """``places`` turns at a time, one for each user."""

    def __init__(self, places: int, *, max_waiting: int, max_waiting_a_user: int) -> None:
        self._free = places
        self._max_waiting = max_waiting
        self._max_waiting_a_user = max_waiting_a_user
        self._count = 0
        self._working: set[str] = set()
        self._waiting: dict[str, deque[asyncio.Future[None]]] = {}
        # The users who wait and hold no place, once each.
        self._next: FairQueue[str] = FairQueue(
            max_items=max_waiting, max_items_a_user=1, max_bytes=1
        )
        self._listed: set[str] = set()

    @asynccontextmanager
    async def turn(self, user: str) -> AsyncGenerator[None, None]:
        """Hold a place.

        Raises:
            Busy: too many wait already, of this user or of all.
        """
        await self._enter(user)
        began_s = time.monotonic()
        try:
            yield
        finally:
            self._next.charge(user, time.monotonic() - began_s)
            self._leave(user)

    async def _enter(self, user: str) -> None:
        line = self._waiting.setdefault(user, deque())
        if self._count >= self._max_waiting or len(line) >= self._max_waiting_a_user:
            raise Busy(retry_after_s=BUSY_RETRY_AFTER_S)
        place = asyncio.get_running_loop().create_future()
        line.append(place)
        self._count += 1
        self._list(user)
        self._give()
        try:
            with waiting():
                await place
        except BaseException:
            if place.done() and not place.cancelled():
                # Given and cancelled at once.
                self._leave(user)
            elif place in line:
                line.remove(place)
                self._count -= 1
                self._list(user)
            raise

    def _leave(self, user: str) -> None:
        self._free += 1
        self._working.discard(user)
        self._list(user)
        self._give()

    def _list(self, user: str) -> None:
        """Let a user be next who waits and has no place."""
        line = self._waiting.get(user)
        if not line:
            if user not in self._working:
                self._waiting.pop(user, None)
        elif user not in self._working and user not in self._listed:
            self._listed.add(user)
            self._next.put(user, user, 0)

    def _give(self) -> None:
        while self._free and self._listed:
            user = self._next.take()
            self._listed.discard(user)
            line = self._waiting.get(user)
            while line and line[0].cancelled():
                line.popleft()
                self._count -= 1
            if not line:
                continue
            place = line.popleft()
            self._count -= 1
            self._working.add(user)
            self._free -= 1
            place.set_result(None)
