"""One at a time for each of many things: a message, a sender in a conversation, a file's content.

Invariant: memory is needed only for what somebody holds or waits for.
"""

from __future__ import annotations

import asyncio
from collections.abc import Hashable
from typing import Generic, TypeVar
from weakref import WeakValueDictionary

__all__ = ["Locks"]

K = TypeVar("K", bound=Hashable)


class Locks(Generic[K]):
    """The locks by what they are for; each is given in the order of asking, as asyncio's are."""

    def __init__(self) -> None:
        self._locks: WeakValueDictionary[K, asyncio.Lock] = WeakValueDictionary()

    def __call__(self, key: K) -> asyncio.Lock:
        """The lock. Keep it until it is released."""
        lock = self._locks.get(key)
        if lock is None:
            lock = self._locks[key] = asyncio.Lock()
        return lock

    def __contains__(self, key: K) -> bool:
        """Whether somebody holds it, or waits for it."""
        # Mostly nobody does; to look for what a weak mapping lacks takes four times as long.
        return len(self._locks) > 0 and key in self._locks
