"""Telling of something at most every so often, and of the newest in any case.

Owns when it is told next. Must not know what is told, nor to whom. Invariants: the first is told at
once; what comes within the time is told together at its end; nothing is kept of a key of which
nothing came meanwhile.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Hashable
from typing import Generic, TypeVar

__all__ = ["Throttle"]

K = TypeVar("K", bound=Hashable)


class Throttle(Generic[K]):
    """Calls ``tell(key)`` at most once in ``every_s`` for each key; everything is on the loop.

    ``tell`` returns whether there was something to tell.
    """

    def __init__(self, tell: Callable[[K], bool], every_s: float) -> None:
        self._tell = tell
        self._every_s = every_s
        self._timers: dict[K, asyncio.TimerHandle] = {}

    def ask(self, key: K) -> None:
        """There is something to tell: now, or when the time since the last is over."""
        if key not in self._timers:
            self._due(key)

    def close(self) -> None:
        """Tell nothing more."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()

    def _due(self, key: K) -> None:
        self._timers.pop(key, None)
        if self._tell(key):
            loop = asyncio.get_running_loop()
            self._timers[key] = loop.call_later(self._every_s, self._due, key)
