"""The time, in one place, so that tests can set it."""

from __future__ import annotations

import time
from collections.abc import Callable
from typing import TypeAlias

__all__ = ["Clock", "in_seconds", "now_ms"]

Clock: TypeAlias = Callable[[], int]


def now_ms() -> int:
    """Milliseconds since 1970-01-01T00:00Z."""
    return time.time_ns() // 1_000_000


def in_seconds(clock: Clock) -> Callable[[], float]:
    """The same clock in seconds."""
    return lambda: clock() / 1_000
