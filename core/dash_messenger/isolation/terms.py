"""How long a quarantine lasts that began while the server ran.

Owns the steps. Must not know plugins. Invariant: it ends by itself; the next one is longer if it
comes soon.
"""

from __future__ import annotations

from msgspec import Struct

__all__ = ["Term", "next_term"]

# A defect that shows rarely costs little; one that shows at once is not met every minute.
STEPS_MS = (60_000, 300_000, 1_800_000)
# Who was well for so long begins at the first step again.
FORGIVEN_AFTER_MS = 3_600_000


class Term(Struct, frozen=True):
    """When a quarantine ends, and which of the steps it is."""

    until_ms: int
    step: int = 0


def next_term(last: Term | None, now_ms: int) -> Term:
    """The term of a quarantine that begins now; ``last`` is the one before, if there was one."""
    step = 0
    if last is not None and now_ms - last.until_ms < FORGIVEN_AFTER_MS:
        step = min(last.step + 1, len(STEPS_MS) - 1)
    return Term(now_ms + STEPS_MS[step], step)
