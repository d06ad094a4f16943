"""How often the revisions of messages are announced, however often they change.

Owns which revisions wait and which are never announced. Must not know who hears a log, nor what a
revision holds. Invariants: in one log, revisions are announced `EVERY_S` apart, and the newest of
each message always is; what is announced of a log covers it without a gap and in order; a revision
is skipped only where a later one of the same message stands further on in the log, so that a reader
who stops anywhere gets it by going on from there. Why: docs/decisions/coalescing.md.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from typing import Protocol

from msgspec.structs import replace

from dash_messenger.protocol.events import Event, MessageDeleted, MessageUpdated

__all__ = ["EVERY_S", "Coalescing"]

# Four a second: what an eye can follow of a poll's counts, and a fourth of a phone's frames.
EVERY_S = 0.25


class Timer(Protocol):
    """What is to happen later."""

    def cancel(self) -> None:
        """Not any more."""


class Coalescing:
    """``later(delay_s, call)`` is the loop's; ``announce`` gets the events whose time has come."""

    def __init__(
        self,
        later: Callable[[float, Callable[[], None]], Timer],
        announce: Callable[[list[Event]], None],
    ) -> None:
        self._later = later
        self._announce = announce
        # By log: those whose last announcement of revisions is less than `EVERY_S` ago.
        self._rounds: dict[str, _Round] = {}

    def take(self, log: str, events: list[Event]) -> list[Event]:
        """Those of a log's next events that are to be announced now, and what waited for them."""
        round = self._rounds.get(log)
        if round is None:
            for event in events:
                if type(event.data) is MessageUpdated:
                    self._begin(log)
                    return _without_overtaken(events)
            return events
        for event in events:
            if type(event.data) is not MessageUpdated:
                # It covers what waits, so that goes first, and nothing else is held up.
                return self._end_early(log, round, events)
        round.hold(events)
        return []

    def close(self) -> None:
        """Forget what waits: it is read from the logs."""
        for round in self._rounds.values():
            round.timer.cancel()
        self._rounds.clear()

    def _begin(self, log: str) -> None:
        self._rounds[log] = _Round(self._later(EVERY_S, lambda: self._end(log)))

    def _end(self, log: str) -> None:
        held = self._rounds.pop(log).take()
        if held:
            self._begin(log)
            self._announce(held)

    def _end_early(self, log: str, round: _Round, events: list[Event]) -> list[Event]:
        due = _without_overtaken([*round.take(), *events])
        if any(isinstance(event.data, MessageUpdated) for event in due):
            round.timer.cancel()
            self._begin(log)
        return due


class _Round:
    """The revisions of one log that came since the last ones were announced."""

    __slots__ = ("_after", "_held", "timer")

    def __init__(self, timer: Timer) -> None:
        self.timer = timer
        self._held: dict[str, Event] = {}
        self._after = 0

    def hold(self, events: Sequence[Event]) -> None:
        """Keep the newest revision of each message, in the log's order."""
        if not self._held:
            self._after = events[0].after
        for event in events:
            key = _message(event)
            self._held.pop(key, None)
            self._held[key] = event

    def take(self) -> list[Event]:
        """What is held, each covering what was left out before it; then nothing is."""
        held, self._held = list(self._held.values()), {}
        return _joined(held, self._after)


def _without_overtaken(events: Sequence[Event]) -> list[Event]:
    """Without revisions that are followed by another of the same message."""
    last = {
        event.data.message.id: event.seq
        for event in events
        if isinstance(event.data, MessageUpdated | MessageDeleted)
    }
    left = [
        event
        for event in events
        if type(event.data) is not MessageUpdated or event.seq == last[event.data.message.id]
    ]
    return _joined(left, events[0].after)


def _joined(events: list[Event], after: int) -> list[Event]:
    """The same events, covering everything from ``after`` on."""
    joined = []
    for event in events:
        joined.append(event if event.after == after else replace(event, after=after))
        after = event.seq
    return joined


def _message(event: Event) -> str:
    return event.log if event.data.message is None else event.data.message.id
