"""A queue that is fair between users by what their items cost, not by how many they are.

Owns whose turn it is. Must not know what waits. Invariant: an item of a user who used nothing
lately is next but one, however many others wait (start-time fair queueing, Goyal et al. 1996: each
user has a clock that runs by his costs, and the slowest clock goes first).
"""

from __future__ import annotations

import heapq
from collections import deque
from typing import Generic, TypeVar

from dash_messenger.errors import Busy

__all__ = ["FairQueue"]

# Counted when an item is taken, before anybody knows what it costs.
EXPECTED_COST_S = 0.001
# Of so many users what they used is remembered while others wait.
MAX_REMEMBERED = 4_096

T = TypeVar("T")


class _Line(Generic[T]):
    """What waits for one user."""

    __slots__ = ("clock_s", "entry", "items")

    def __init__(self, clock_s: float) -> None:
        self.clock_s = clock_s
        self.items: deque[tuple[T, int]] = deque()
        # The number of its entry in the heap, 0 where it has none.
        self.entry = 0


class FairQueue(Generic[T]):
    """Bounded by the number of items, of one user's items, and by their bytes."""

    def __init__(self, *, max_items: int, max_items_a_user: int, max_bytes: int) -> None:
        self._max_items = max_items
        self._max_items_a_user = max_items_a_user
        self._max_bytes = max_bytes
        self._lines: dict[str, _Line[T]] = {}
        # An entry counts if its line names it; the clock may have gone forward since.
        self._heap: list[tuple[float, int, str]] = []
        self._number = 0
        self._now_s = 0.0
        self._items = self._bytes = 0

    def __len__(self) -> int:
        return self._items

    def put(self, user: str, item: T, size: int) -> None:
        """Append an item of ``size`` bytes to a user's line.

        Raises:
            Busy: too much waits already, of this user or of all.
        """
        line = self._line(user)
        if (
            len(line.items) >= self._max_items_a_user
            or self._items >= self._max_items
            or self._bytes + size > self._max_bytes
        ):
            raise Busy
        line.items.append((item, size))
        self._count(user, line, size)

    def put_back(self, user: str, item: T, size: int) -> None:
        """Put what was taken before to the front of its line, whatever waits."""
        line = self._line(user)
        line.items.appendleft((item, size))
        line.clock_s -= EXPECTED_COST_S
        line.entry = 0
        self._count(user, line, size)

    def take(self) -> T:
        """The next item.

        Raises:
            IndexError: nothing waits.
        """
        while True:
            clock_s, entry, user = heapq.heappop(self._heap)
            line = self._lines.get(user)
            if line is None or line.entry != entry:
                continue
            if clock_s >= line.clock_s:
                break
            # It has been charged since.
            self._list(user, line)
        line.entry = 0
        item, size = line.items.popleft()
        self._items -= 1
        self._bytes -= size
        self._now_s = max(self._now_s, line.clock_s)
        line.clock_s += EXPECTED_COST_S
        if line.items:
            self._list(user, line)
        if not self._items:
            # Nobody is before anybody.
            self._lines.clear()
            self._heap.clear()
        elif len(self._lines) > MAX_REMEMBERED:
            self._lines = {user: line for user, line in self._lines.items() if line.items}
        return item

    def charge(self, user: str, cost_s: float) -> None:
        """Note what an item that was taken cost."""
        if self._items:
            self._line(user).clock_s += max(0.0, cost_s - EXPECTED_COST_S)

    def _line(self, user: str) -> _Line[T]:
        line = self._lines.get(user)
        if line is None:
            line = self._lines[user] = _Line(self._now_s)
        return line

    def _count(self, user: str, line: _Line[T], size: int) -> None:
        self._items += 1
        self._bytes += size
        if not line.entry:
            line.clock_s = max(line.clock_s, self._now_s)
            self._list(user, line)

    def _list(self, user: str, line: _Line[T]) -> None:
        self._number += 1
        line.entry = self._number
        heapq.heappush(self._heap, (line.clock_s, self._number, user))
