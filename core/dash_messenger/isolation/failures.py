"""Counts how often plugins fail, and says when it is too often.

Must not know what becomes of them. Memory is bounded by the number of plugins.
"""

from __future__ import annotations

import time
from collections import deque
from collections.abc import Callable

__all__ = ["MAX_FAILURES", "MAX_GRAVE_FAILURES", "WITHIN_S", "Failures"]

# So many failures in so short a time are no accident.
MAX_FAILURES = 20
WITHIN_S = 60.0
# What holds up everybody for seconds is not waited for so often.
MAX_GRAVE_FAILURES = 3


class Failures:
    """The failures of some plugins."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._times: dict[tuple[str, int], deque[float]] = {}

    def count(self, plugin: str, *, limit: int = MAX_FAILURES) -> bool:
        """Note one; whether that makes ``limit`` of its kind within a minute.

        Then counting starts again.
        """
        now_s = self._clock_s()
        times = self._times.setdefault((plugin, limit), deque(maxlen=limit))
        times.append(now_s)
        if len(times) < limit or now_s - times[0] >= WITHIN_S:
            return False
        times.clear()
        return True
