"""Places for uploads, shared by users, and how slow an upload may be.

Owns who gives way. Must not know what is uploaded. Invariants: no user, nor many who upload as
slowly as they may, keep the others from uploading; an upload that is too slow ends.
"""

from __future__ import annotations

import asyncio
import time
from collections import Counter
from collections.abc import Callable, Iterator
from contextlib import contextmanager

from dash_messenger.errors import Busy, UploadTooSlow

__all__ = ["Pace", "Places", "pace_for"]

# Several at a time from an album; more would only wait for the disk.
MAX_AT_ONCE_A_USER = 6
MAX_AT_ONCE = 64
BUSY_RETRY_AFTER_S = 2
# A connection that says nothing for so long is dead.
SILENCE_S = 30.0
# A tenth of a bad telephone line's; less only holds a place.
LEAST_BYTES_PER_S = 4_096
LEAST_OVER_S = 30.0
# The largest file that the default allows takes an hour at the second of these; where larger ones
# are allowed they have longer.
TOTAL_S = 3_600.0
TOTAL_BYTES_PER_S = 30_000
# Where all places are taken, an upload slower than this, and as old, gives way to a newcomer.
SLOW_BYTES_PER_S = 32_768
SLOW_AFTER_S = 10.0


class Pace:
    """How fast one upload comes. Only waiting for the client counts, not for our own disk."""

    def __init__(
        self,
        *,
        silence_s: float = SILENCE_S,
        least_bytes_per_s: int = LEAST_BYTES_PER_S,
        least_over_s: float = LEAST_OVER_S,
        total_s: float = TOTAL_S,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self._silence_s = silence_s
        self._least_bytes = least_bytes_per_s * least_over_s
        self._least_over_s = least_over_s
        self._total_s = total_s
        self._clock_s = clock_s
        self._window_s = 0.0
        self._window_bytes = 0
        self.waited_s = 0.0
        self.come_bytes = 0

    @contextmanager
    def waiting(self) -> Iterator[float]:
        """Count the time inside; gives how long that may be.

        Raises:
            UploadTooSlow: too little has come lately, or it takes too long in all.
        """
        if self.waited_s >= self._total_s:
            raise UploadTooSlow
        if self._window_s >= self._least_over_s:
            if self._window_bytes < self._least_bytes:
                raise UploadTooSlow
            self._window_s, self._window_bytes = 0.0, 0
        began_s = self._clock_s()
        try:
            yield min(self._silence_s, self._total_s - self.waited_s)
        finally:
            waited_s = self._clock_s() - began_s
            self.waited_s += waited_s
            self._window_s += waited_s

    def came(self, size: int) -> None:
        """So many bytes have come."""
        self.come_bytes += size
        self._window_bytes += size

    @property
    def is_slow(self) -> bool:
        """Whether it may give way."""
        return self.waited_s >= SLOW_AFTER_S and self.come_bytes < self.waited_s * SLOW_BYTES_PER_S


def pace_for(max_bytes: int) -> Pace:
    """How fast an upload has to come where files may have ``max_bytes``."""
    return Pace(total_s=max(TOTAL_S, max_bytes / TOTAL_BYTES_PER_S))


class _Place:
    """One upload's."""

    __slots__ = ("gave_way", "pace", "task", "user")

    def __init__(self, user: str, pace: Pace) -> None:
        self.user = user
        self.pace = pace
        self.task = asyncio.current_task()
        self.gave_way = False

    def give_way(self) -> None:
        self.gave_way = True
        if self.task is not None:
            self.task.cancel()


class Places:
    """The places of one server."""

    def __init__(
        self, *, at_once: int = MAX_AT_ONCE, at_once_a_user: int = MAX_AT_ONCE_A_USER
    ) -> None:
        self._at_once = at_once
        self._at_once_a_user = at_once_a_user
        self._places: list[_Place] = []

    @contextmanager
    def place(self, user: str, pace: Pace) -> Iterator[None]:
        """Hold a place; who gives way is told so.

        Raises:
            Busy: there is none, or another's upload got it.
        """
        counts = Counter(place.user for place in self._places)
        if counts[user] >= self._at_once_a_user:
            raise Busy(retry_after_s=BUSY_RETRY_AFTER_S)
        if len(self._places) >= self._at_once:
            self._make_room(user, counts)
        mine = _Place(user, pace)
        self._places.append(mine)
        try:
            yield
        except asyncio.CancelledError:
            if mine.gave_way and mine.task is not None and not mine.task.uncancel():
                raise Busy(retry_after_s=BUSY_RETRY_AFTER_S) from None
            raise
        finally:
            if mine in self._places:
                self._places.remove(mine)

    def _make_room(self, user: str, counts: Counter[str]) -> None:
        most = max(counts.values())
        if most >= counts[user] + 2:
            # The newest of theirs: it has least to lose.
            chosen = next(place for place in reversed(self._places) if counts[place.user] == most)
        else:
            slow = [place for place in self._places if place.pace.is_slow and place.user != user]
            if not slow:
                raise Busy(retry_after_s=BUSY_RETRY_AFTER_S)
            chosen = min(slow, key=lambda place: place.pace.come_bytes / place.pace.waited_s)
        self._places.remove(chosen)
        chosen.give_way()
