"""Where a reader stands in each log it follows, and which logs it must read up on.

Owns the rule of continuity: each frame covers an interval ``(after, seq]``; it is taken only when
it begins where the reader stands. Pure: does no I/O. Invariant: what is taken from one log is in
order, without a gap and without a repetition, unless `reset` said so.
"""

from __future__ import annotations

from collections.abc import Iterator

__all__ = ["Cursors"]


class Cursors:
    """One reader's positions. A log that was never heard of has none."""

    def __init__(self) -> None:
        self._at: dict[str, int] = {}
        # Only the logs that are behind: log -> the highest seq known to exist.
        self._behind: dict[str, int] = {}

    def __contains__(self, log: str) -> bool:
        return log in self._at

    def __iter__(self) -> Iterator[str]:
        return iter(self._at)

    def __getitem__(self, log: str) -> int:
        return self._at[log]

    def take(self, log: str, after: int, seq: int) -> bool:
        """Whether the frame ``(after, seq]`` is the next one; if so the position moves past it.

        A frame that lies ahead of a gap is not taken: the log is then behind. A frame of a log
        never heard of is taken, and the position begins with it.
        """
        at = self._at.get(log, after)
        if seq <= at:
            return False
        if log in self._behind or after > at:
            self.know(log, seq)
            return False
        self._at[log] = seq
        return True

    def know(self, log: str, seq: int) -> None:
        """The log reaches to ``seq``: a reader that stands lower is behind."""
        if self._at.setdefault(log, 0) < seq:
            self._behind[log] = max(seq, self._behind.get(log, 0))

    def begin(self, log: str, seq: int) -> None:
        """Follow a log from ``seq`` on, unless it is followed already."""
        self._at.setdefault(log, seq)

    def advance(self, log: str, seq: int) -> bool:
        """Whether what was read on purpose, up to ``seq``, is new; if so, move past it."""
        if seq <= self._at.get(log, 0):
            return False
        self._at[log] = seq
        if self._behind.get(log, 0) <= seq:
            self._behind.pop(log, None)
        return True

    def reset(self, log: str, seq: int) -> None:
        """Continue at ``seq``, giving up what lies between."""
        self._at[log] = seq
        self._behind.pop(log, None)

    def give_up(self, log: str) -> None:
        """The log can no longer be read; the position stays, in case that changes."""
        self._behind.pop(log, None)

    def known(self, log: str) -> int:
        """How far the log is known to reach."""
        return max(self._at.get(log, 0), self._behind.get(log, 0))

    def behind(self) -> str | None:
        """A log that must be read up on, the one that has waited longest, or None."""
        return next(iter(self._behind), None)
