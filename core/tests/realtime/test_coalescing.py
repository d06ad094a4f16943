"""`dash_messenger.realtime.coalescing`: revisions in quick succession, by a clock that is told."""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import dataclass, field
from itertools import pairwise

import msgspec
from dash_messenger.protocol.events import Event, ReactionChanged, restore
from dash_messenger.protocol.models import Message
from dash_messenger.realtime.coalescing import EVERY_S, Coalescing
from hypothesis import given
from hypothesis import strategies as st

CREATED, UPDATED, DELETED = "message.created", "message.updated", "message.deleted"


@dataclass
class Later:
    """A timer that has not fired."""

    at_s: float
    call: Callable[[], None]
    cancelled: bool = False

    def cancel(self) -> None:
        self.cancelled = True


@dataclass
class Simulation:
    """One log as it is stored, and what is announced of it with the time."""

    now_s: float = 0.0
    timers: list[Later] = field(default_factory=list)
    stored: list[Event] = field(default_factory=list)
    announced: list[tuple[float, Event]] = field(default_factory=list)
    revisions: dict[str, int] = field(default_factory=dict)

    def __post_init__(self) -> None:
        self.pacing = Coalescing(self._later, self._hear)

    def _later(self, delay_s: float, call: Callable[[], None]) -> Later:
        self.timers.append(Later(self.now_s + delay_s, call))
        return self.timers[-1]

    def _hear(self, events: list[Event]) -> None:
        self.announced += [(self.now_s, event) for event in events]

    def happen(self, *changes: tuple[str, str]) -> None:
        """One commit: each change is a kind and the message it is about."""
        first = len(self.stored) + 1
        events = [self._event(seq, *change) for seq, change in enumerate(changes, first)]
        self.stored += events
        self._hear(self.pacing.take("log", events))

    def _event(self, seq: int, kind: str, message: str) -> Event:
        rev = self.revisions[message] = self.revisions.get(message, 0) + 1
        body = Message(
            message, "log", 1, rev, 1, "ann", "x", "poll", msgspec.Raw(b"{}"), f"{message} {rev}", 0
        )
        data = restore(kind, None, body) if message else ReactionChanged("m", 1, "x", 1, True)
        return Event("log", seq - 1, seq, "ann", 0, data)

    def wait(self, seconds: float) -> None:
        """Let time pass."""
        until_s = self.now_s + seconds
        while due := [one for one in self.timers if not one.cancelled and one.at_s <= until_s]:
            first = min(due, key=lambda one: one.at_s)
            self.timers.remove(first)
            self.now_s = first.at_s
            first.call()
        self.now_s = until_s

    @property
    def frames(self) -> list[tuple[int, int, str | None]]:
        """The interval and the text of each announcement."""
        return [
            (event.after, event.seq, event.data.message.text if event.data.message else event.kind)
            for _, event in self.announced
        ]


def made(*changes: tuple[str, str]) -> Simulation:
    simulation = Simulation()
    for change in changes:
        simulation.happen(change)
    return simulation


def test_the_first_revision_goes_at_once_and_the_last_of_the_others_later() -> None:
    simulation = made((CREATED, "a"), *[(UPDATED, "a")] * 9)
    assert simulation.frames == [(0, 1, "a 1"), (1, 2, "a 2")]
    simulation.wait(EVERY_S)
    assert simulation.frames[2:] == [(2, 10, "a 10")]
    simulation.wait(EVERY_S * 4)
    assert len(simulation.frames) == 3
    assert not [timer for timer in simulation.timers if not timer.cancelled]


def test_a_flood_is_announced_four_times_a_second() -> None:
    simulation = Simulation()
    for _ in range(200):
        simulation.happen((UPDATED, "a"), (UPDATED, "b"))
        simulation.wait(0.01)
    times = sorted({at_s for at_s, _ in simulation.announced})
    assert 8 <= len(times) <= 9
    assert all(b - a > EVERY_S - 1e-9 for a, b in pairwise(times))


def test_a_revision_that_was_taken_along_counts_as_announced() -> None:
    simulation = made((UPDATED, "a"))
    simulation.wait(0.2)
    simulation.happen((UPDATED, "a"))
    simulation.happen((CREATED, "c"))
    simulation.wait(0.1)
    simulation.happen((UPDATED, "a"))
    simulation.wait(1)
    assert [at_s for at_s, _ in simulation.announced] == [0, 0.2, 0.2, 0.2 + EVERY_S]


def test_what_comes_seldom_waits_for_nothing() -> None:
    simulation = made((CREATED, "a"))
    for _ in range(3):
        simulation.wait(EVERY_S)
        simulation.happen((UPDATED, "a"))
    assert [at for at, _ in simulation.announced] == [0, EVERY_S, EVERY_S * 2, EVERY_S * 3]


def test_a_message_waits_for_no_revision_and_takes_along_what_does() -> None:
    simulation = made(
        (UPDATED, "a"), (UPDATED, "a"), (UPDATED, "b"), (UPDATED, "a"), (CREATED, "c")
    )
    assert simulation.frames == [(0, 1, "a 1"), (1, 3, "b 1"), (3, 4, "a 3"), (4, 5, "c 1")]


def test_a_deletion_takes_the_place_of_the_revisions_before_it() -> None:
    simulation = made((UPDATED, "a"), (UPDATED, "a"), (UPDATED, "b"), (DELETED, "a"))
    assert simulation.frames == [(0, 1, "a 1"), (1, 3, "b 1"), (3, 4, "a 3")]


def test_revisions_of_one_commit_are_one() -> None:
    simulation = Simulation()
    simulation.happen((UPDATED, "a"), (UPDATED, "b"), (UPDATED, "a"))
    assert simulation.frames == [(0, 2, "b 1"), (2, 3, "a 2")]


def test_what_waits_when_the_server_stops_is_not_announced() -> None:
    simulation = made((UPDATED, "a"), (UPDATED, "a"))
    simulation.pacing.close()
    simulation.wait(EVERY_S)
    assert simulation.frames == [(0, 1, "a 1")]


_change = st.one_of(
    st.tuples(st.just(UPDATED), st.sampled_from("aaab")),
    st.tuples(st.sampled_from([CREATED, DELETED]), st.sampled_from("abc")),
    st.tuples(st.just("reaction.changed"), st.just("")),
)
_step = st.one_of(st.lists(_change, min_size=1, max_size=4), st.floats(0.01, 0.4))


@given(st.lists(_step, max_size=40), st.integers(0, 160), st.integers(0, 160))
def test_a_snapshot_and_what_is_announced_after_it_is_a_fresh_snapshot(
    steps: list[list[tuple[str, str]] | float], begin: int, stop: int
) -> None:
    """Whoever begins and stops wherever has the same in the end, and hears of nothing too often."""
    simulation = Simulation()
    for step in steps:
        if isinstance(step, float):
            simulation.wait(step)
        else:
            simulation.happen(*step)
        simulation.wait(EVERY_S)
    end = _snapshot(simulation.stored)
    heard = [event for _, event in simulation.announced]

    # One who was there before, loses the connection at some frame, and reads the log from there.
    before = [event for event in simulation.stored if event.seq <= begin]
    state, cursor = _snapshot(before), len(before)
    for event in heard[:stop]:
        if event.seq > cursor:
            assert event.after <= cursor
            _apply(state, event)
            cursor = event.seq
    for event in simulation.stored[cursor:]:
        _apply(state, event)
    assert state == end

    # One who stays connected.
    state, cursor = {}, 0
    for event in heard:
        assert event.after == cursor < event.seq
        _apply(state, event)
        cursor = event.seq
    assert (state, cursor) == (end, len(simulation.stored))

    # Nothing but revisions is left out, and those alone are announced seldom.
    announced = {event.seq for event in heard}
    assert all(event.kind == UPDATED for event in simulation.stored if event.seq not in announced)
    rounds: dict[float, bool] = {}
    for at_s, event in simulation.announced:
        rounds[at_s] = rounds.get(at_s, True) and event.kind == UPDATED
    alone = [at_s for at_s, only_revisions in rounds.items() if only_revisions]
    assert all(b - a > EVERY_S - 1e-9 for a, b in pairwise(alone))


def _snapshot(events: list[Event]) -> dict[str, int]:
    state: dict[str, int] = {}
    for event in events:
        _apply(state, event)
    return state


def _apply(state: dict[str, int], event: Event) -> None:
    """As clients do: only a higher revision counts."""
    message = event.data.message
    if message is not None:
        state[message.id] = max(state.get(message.id, 0), message.rev)
