"""Finds dead connections with one timer for all of them.

Owns who is pinged when. Connections are dealt to buckets, one for each second of the ping
interval, so that the work is spread and a connection costs one entry in a set and no timer.
Invariant: a connection that shows no sign of life for one interval plus one time-out is told.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

__all__ = ["Keepalive", "Pinged"]

TICK_S = 1.0


class Pinged(Protocol):
    """A connection, as far as its life is concerned."""

    def ping(self) -> None:
        """Ask for a sign of life."""

    def check(self) -> None:
        """Close unless there was a sign of life since `ping`."""


class Keepalive:
    """One for a gateway. The time-out must be shorter than the interval; both in whole seconds."""

    def __init__(self, interval_s: int, timeout_s: int) -> None:
        if not 0 < timeout_s < interval_s:
            raise ValueError("the time-out for a pong must be shorter than the ping interval")
        self._buckets: list[set[Pinged]] = [set() for _ in range(interval_s)]
        self._timeout_s = timeout_s
        self._second = 0
        self._count = 0
        self._timer: asyncio.TimerHandle | None = None

    def add(self, connection: Pinged) -> int:
        """Watch a connection; the number is for `remove`. Its first ping is an interval away."""
        bucket = self._second
        self._buckets[bucket].add(connection)
        self._count += 1
        if self._timer is None:
            self._wait()
        return bucket

    def remove(self, connection: Pinged, bucket: int) -> None:
        """Forget a connection; forgetting it twice does nothing."""
        if connection in self._buckets[bucket]:
            self._buckets[bucket].remove(connection)
            self._count -= 1

    def tick(self) -> None:
        """One second has passed."""
        self._second = (self._second + 1) % len(self._buckets)
        for connection in list(self._buckets[self._second - self._timeout_s]):
            connection.check()
        for connection in list(self._buckets[self._second]):
            connection.ping()

    def close(self) -> None:
        """Stop the timer."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        self._count = 0
        for bucket in self._buckets:
            bucket.clear()

    def _wait(self) -> None:
        self._timer = asyncio.get_running_loop().call_later(TICK_S, self._fire)

    def _fire(self) -> None:
        self._timer = None
        self.tick()
        if self._count:
            self._wait()
