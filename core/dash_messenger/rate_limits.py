"""How often somebody may do something: a token bucket for each key.

Must not know what is counted. Memory is bounded: buckets that are full again are forgotten.
"""

from __future__ import annotations

import math
import time
from collections.abc import Callable

from dash_messenger.errors import RateLimited

__all__ = ["Buckets"]


class Buckets:
    """A token bucket for each key: ``burst`` at once, ``per_s`` in the long run."""

    __slots__ = ("_burst", "_clock_s", "_enabled", "_levels", "_per_s", "_swept_at_s")

    def __init__(
        self,
        *,
        burst: int,
        per_s: float,
        enabled: bool = True,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._burst = burst
        self._per_s = per_s
        self._enabled = enabled
        self._clock_s = clock_s
        self._levels: dict[str, tuple[float, float]] = {}
        self._swept_at_s = clock_s()

    def take(self, key: str, count: int = 1) -> None:
        """Take a token, or ``count``; of a full bucket also more than it holds, which then lacks.

        Raises:
            RateLimited: there are too few.
        """
        if not self._enabled:
            return
        now_s = self._clock_s()
        level = self._level(key, now_s)
        self._check(level, count)
        self._levels[key] = (level - count, now_s)
        if now_s - self._swept_at_s > self._burst / self._per_s:
            self._sweep(now_s)

    def test(self, key: str, count: int = 1) -> None:
        """Return if there is a token to take, or ``count``.

        Raises:
            RateLimited: there are too few.
        """
        if not self._enabled:
            return
        self._check(self._level(key, self._clock_s()), count)

    def _check(self, level: float, count: int) -> None:
        if level < count and level < self._burst:
            needed = min(count, self._burst)
            raise RateLimited(retry_after_s=max(1, math.ceil((needed - level) / self._per_s)))

    def give_back(self, key: str) -> None:
        """Put a token back that was taken in vain."""
        now_s = self._clock_s()
        if key in self._levels:
            self._levels[key] = (min(self._burst, self._level(key, now_s) + 1), now_s)

    def clear(self, key: str) -> None:
        """Fill a bucket up."""
        self._levels.pop(key, None)

    def _level(self, key: str, now_s: float) -> float:
        found = self._levels.get(key)
        if found is None:
            return self._burst
        level, at_s = found
        # A clock that is set back gives nothing.
        if now_s > at_s:
            level += (now_s - at_s) * self._per_s
        return level if level < self._burst else self._burst

    def _sweep(self, now_s: float) -> None:
        self._swept_at_s = now_s
        self._levels = {
            key: (level, at_s)
            for key, (level, at_s) in self._levels.items()
            if level + (now_s - at_s) * self._per_s < self._burst
        }
