"""When a loop counts as held.

Owns the limits and what counts. Must not know how the loop is looked at, nor what becomes of it.

Invariant: only what the loop's thread did with its time counts. A tick counts for its own length
however late it comes, so that a machine that slept is not taken for a held loop; what the thread
waited for a processor is taken off, so that neither is a busy machine.
"""

from __future__ import annotations

from typing import Literal, NamedTuple

__all__ = ["SERVING", "STARTING", "TICK_S", "Limits", "Watch"]

# The loop beats as often: 20 us a second. What holds it is named a tick late at most.
TICK_S = 0.25


class Limits(NamedTuple):
    """How long the loop may be held: until it is named, and until there is no hope."""

    named_after_s: float
    given_up_after_s: float


# While plugins are imported and register, on the loop: seconds on a slow machine are no fault.
STARTING = Limits(10.0, 60.0)
SERVING = Limits(1.0, 10.0)


class Watch:
    """What ticks come to: told what happened during each, it says what is to be done."""

    def __init__(self, limits: Limits = STARTING) -> None:
        self.limits = limits
        self.silent_s = 0.0
        self._named = False

    def tick(self, *, turned: bool, waited_s: float = 0.0) -> Literal["wait", "name", "give up"]:
        """What is to be done after a tick in which the loop ``turned`` or did not.

        ``waited_s`` is how long its thread was ready to run and had no processor.
        """
        if turned:
            self.silent_s, self._named = 0.0, False
            return "wait"
        self.silent_s += max(0.0, TICK_S - waited_s)
        if self.silent_s >= self.limits.given_up_after_s:
            return "give up"
        if self.silent_s >= self.limits.named_after_s and not self._named:
            self._named = True
            return "name"
        return "wait"
