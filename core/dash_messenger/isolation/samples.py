"""What worked before: the last few contents that a plugin's code took well, to try it with again.

Owns how many are kept and which. Must not know what they are. Invariants: memory is bounded; no one
person's contents are all that is kept of a kind once others sent some, and none that was costly is.
"""

from __future__ import annotations

import time
from collections.abc import Callable

__all__ = ["MAX_SAMPLES", "Samples"]

# Of each kind: one from each of so many people, and the first ones that there were.
MAX_SAMPLES = 5
MAX_FIRST_SAMPLES = 3
# A sample is there to be tried again, all of a kind in one go.
MAX_SAMPLE_BYTES = 16_384
# What is close to a limit may be beyond it the next time.
MAX_SAMPLE_CPU_S = 0.1
# Kinds are message types and their like, and come from code.
MAX_KINDS = 256
# A busy kind is not remembered with each message.
EVERY_S = 1.0


class _Kind:
    __slots__ = ("first", "latest", "noted_at_s")

    def __init__(self) -> None:
        self.first: list[bytes] = []
        # By who sent it, the oldest first.
        self.latest: dict[str, bytes] = {}
        self.noted_at_s = float("-inf")


class Samples:
    """What worked, by kind."""

    def __init__(self, clock_s: Callable[[], float] = time.monotonic) -> None:
        self._clock_s = clock_s
        self._kinds: dict[tuple[str, str], _Kind] = {}

    def note(
        self, plugin: str, kind: str, sample: bytes, *, by: str = "", cpu_s: float = 0.0
    ) -> None:
        """Remember that ``sample``, sent ``by`` a user, worked; cheap enough for every message."""
        found = self._kinds.get((plugin, kind))
        now_s = self._clock_s()
        if found is None:
            if len(self._kinds) >= MAX_KINDS:
                return
            found = self._kinds[plugin, kind] = _Kind()
        if now_s - found.noted_at_s < EVERY_S:
            return
        if len(sample) > MAX_SAMPLE_BYTES or cpu_s > MAX_SAMPLE_CPU_S:
            return
        found.noted_at_s = now_s
        if len(found.first) < MAX_FIRST_SAMPLES:
            found.first.append(sample)
            return
        found.latest.pop(by, None)
        found.latest[by] = sample
        if len(found.latest) > MAX_SAMPLES:
            del found.latest[next(iter(found.latest))]

    def of(self, plugin: str, kind: str) -> list[bytes]:
        """What is remembered of a kind; the first ones first."""
        found = self._kinds.get((plugin, kind))
        return [] if found is None else [*found.first, *found.latest.values()]

    def forget(self, plugin: str) -> None:
        """Remember nothing of a plugin."""
        self._kinds = {key: kind for key, kind in self._kinds.items() if key[0] != plugin}
