"""How far each reader has read, on its way to the database.

Owns the positions that are not yet stored. They only grow, may be lost in a crash, and ride on
whatever batch comes next. Safe to use from the loop and the writer's thread.
"""

from __future__ import annotations

import threading
from typing import TypeAlias

__all__ = ["ReadPositions"]

Positions: TypeAlias = dict[tuple[str, str], int]


class ReadPositions:
    """The highest number read, by (conversation, user)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: Positions = {}
        self._storing: Positions = {}

    def advance(self, conversation: str, user: str, read_no: int) -> bool:
        """Note a position; whether it is the first to wait since the last `take`."""
        key = (conversation, user)
        with self._lock:
            first = not self._waiting
            if read_no > self._waiting.get(key, 0):
                self._waiting[key] = read_no
            return first

    def get(self, conversation: str, user: str) -> int:
        """The position that is not yet stored, or 0."""
        key = (conversation, user)
        with self._lock:
            return max(self._waiting.get(key, 0), self._storing.get(key, 0))

    def take(self) -> Positions:
        """What waits, to be stored; `stored` or `failed` must follow."""
        if not self._waiting:
            return {}
        with self._lock:
            self._storing, self._waiting = self._waiting, {}
            return self._storing

    def stored(self) -> None:
        """The transaction that holds what was taken is committed."""
        with self._lock:
            self._storing = {}

    def failed(self) -> None:
        """It was not: what was taken waits again."""
        with self._lock:
            for key, read_no in self._storing.items():
                if read_no > self._waiting.get(key, 0):
                    self._waiting[key] = read_no
            self._storing = {}
