"""Who is there, and who is told it: a clock and timers that move only when told to."""

from __future__ import annotations

import json
from collections.abc import Callable
from typing import Any

import pytest
from dash_messenger.protocol.models import Presence
from dash_messenger.realtime import presence as module
from dash_messenger.realtime.presence import EVERY_S, GRACE_S, Attendance, rounded
from dash_messenger.testing import FakeClock
from msgspec import to_builtins

MINUTE_MS, HOUR_MS, DAY_MS = 60_000, 3_600_000, 86_400_000


class Timers:
    """What `Attendance` wants to be called later, and the clock that decides when."""

    def __init__(self) -> None:
        self.clock = FakeClock()
        self.waiting: list[tuple[int, Callable[[], None], Timers.Handle]] = []

    class Handle:
        cancelled = False

        def cancel(self) -> None:
            self.cancelled = True

    def later(self, delay_s: float, call: Callable[[], None]) -> Handle:
        handle = self.Handle()
        self.waiting.append((self.clock() + int(delay_s * 1_000), call, handle))
        return handle

    def advance(self, s: float) -> None:
        """Let time pass, a second at a time: what is due is done in its order."""
        ends = self.clock() + int(s * 1_000)
        while True:
            due = sorted((one for one in self.waiting if one[0] <= ends), key=lambda one: one[0])
            if not due:
                break
            at_ms, call, handle = due[0]
            self.waiting.remove(due[0])
            self.clock.now_ms = max(self.clock(), at_ms)
            if not handle.cancelled:
                call()
        self.clock.now_ms = ends


class Socket:
    def __init__(self, user: str, n: int = 1) -> None:
        self.user, self.session = user, f"session {n} of {user}"
        self.heard: list[dict[str, Any]] = []

    def write(self, frames: bytes) -> None:
        said = json.loads(frames[frames.index(b"{") :])
        assert said["method"] == "presence"
        self.heard.append(said["params"]["users"])

    def take(self) -> list[dict[str, Any]]:
        taken, self.heard = self.heard, []
        return taken


@pytest.fixture
def timers() -> Timers:
    return Timers()


@pytest.fixture
def room(timers: Timers) -> Attendance:
    return Attendance(timers.clock, timers.later)


def come(room: Attendance, user: str, n: int = 1) -> Socket:
    socket = Socket(user, n)
    room.came(socket)
    return socket


def watch(room: Attendance, socket: Socket, *users: str, hidden: tuple[str, ...] = ()) -> Any:
    """What a connection is answered that asks about these people."""
    room.watch(socket, users)
    question = room.ask()
    shown = {user: user not in hidden for user in users}
    room.answer(question, socket.user, shown, answered=socket)
    room.asked()
    return to_builtins(room.told(socket))


ONLINE = {"online": True}


def test_who_comes_and_goes_is_told_to_who_watches(room: Attendance, timers: Timers) -> None:
    ann, eve = come(room, "ann"), come(room, "eve")
    assert watch(room, ann, "ben", "cleo") == {"ben": {"online": False}, "cleo": {"online": False}}
    ben = come(room, "ben")
    timers.advance(EVERY_S)
    assert ann.take() == [{"ben": ONLINE}]
    left_ms = timers.clock()
    room.went(ben)
    timers.advance(GRACE_S + EVERY_S)
    assert ann.take() == [{"ben": {"online": False, "last_seen_ms": left_ms // 60_000 * 60_000}}]
    assert eve.heard == []
    # Nothing waits any more, so nothing is done.
    timers.advance(5)
    assert timers.waiting == []


def test_who_comes_back_within_the_grace_was_never_gone(room: Attendance, timers: Timers) -> None:
    ann, ben = come(room, "ann"), come(room, "ben")
    watch(room, ann, "ben")
    for n in range(3):
        room.went(ben)
        timers.advance(GRACE_S - 1)
        assert watch(room, ann, "ben") == {"ben": ONLINE}
        ben = come(room, "ben", n)
        timers.advance(GRACE_S)
    assert ann.heard == []


def test_somebody_with_two_connections_is_there_until_the_last_is_gone(
    room: Attendance, timers: Timers
) -> None:
    ann, ben, other = come(room, "ann"), come(room, "ben"), come(room, "ben", 2)
    watch(room, ann, "ben")
    room.went(ben)
    timers.advance(2 * GRACE_S)
    assert ann.heard == []
    room.went(other)
    timers.advance(2 * GRACE_S)
    assert [said["ben"]["online"] for said in ann.heard] == [False]


def test_what_changes_within_a_second_is_one_notification(room: Attendance, timers: Timers) -> None:
    ann = come(room, "ann")
    people = [f"user{n}" for n in range(20)]
    watch(room, ann, *people)
    for user in people[:12]:
        come(room, user)
    timers.advance(0.5)
    for user in people[12:]:
        come(room, user)
    timers.advance(EVERY_S)
    [said] = ann.take()
    assert said == dict.fromkeys(people, ONLINE)


def test_many_watchers_are_told_a_slice_at_a_time(
    room: Attendance, timers: Timers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "WRITES_A_SLICE", 2)
    watchers = [come(room, f"user{n}") for n in range(5)]
    for socket in watchers:
        watch(room, socket, "ben")
    come(room, "ben")
    # The others come after the loop has had its turn.
    at_ms, call, _ = timers.waiting.pop()
    timers.clock.now_ms = at_ms
    call()
    assert sum(len(socket.heard) for socket in watchers) == 2
    # In between one of the others is no longer shown it.
    waiting = next(socket for socket in watchers if not socket.heard)
    room.changed(waiting.user)
    timers.advance(EVERY_S)
    assert [len(socket.heard) for socket in watchers] == [
        int(one is not waiting) for one in watchers
    ]


def test_each_list_replaces_the_one_before(room: Attendance, timers: Timers) -> None:
    ann = come(room, "ann")
    watch(room, ann, "ben", "cleo")
    assert watch(room, ann, "cleo", "dan") == {"cleo": {"online": False}, "dan": {"online": False}}
    for user in ("ben", "cleo", "dan"):
        come(room, user)
    timers.advance(EVERY_S)
    assert ann.take() == [{"cleo": ONLINE, "dan": ONLINE}]
    assert watch(room, ann) == {}
    assert (room._people, room._lists, room._by_user) == ({}, {}, {})


def test_a_connection_that_is_gone_hears_nothing_and_is_forgotten(
    room: Attendance, timers: Timers
) -> None:
    ann = come(room, "ann")
    watch(room, ann, "ben")
    come(room, "ben")
    room.went(ann)
    # What it asked before it went comes late.
    room.watch(ann, ["cleo"])
    timers.advance(2 * GRACE_S)
    assert ann.heard == []
    assert (room._people, room._lists, room._by_user, room._due) == ({}, {}, {}, {})


def test_nothing_is_told_of_who_is_hidden(room: Attendance, timers: Timers) -> None:
    ann = come(room, "ann")
    assert watch(room, ann, "ben", hidden=("ben",)) == {}
    ben = come(room, "ben")
    timers.advance(EVERY_S)
    room.went(ben)
    timers.advance(2 * GRACE_S)
    assert ann.heard == []


def test_until_it_is_asked_again_nothing_is_told_of_who_changed_what_they_show(
    room: Attendance, timers: Timers
) -> None:
    ann = come(room, "ann")
    watch(room, ann, "ben")
    come(room, "ben")
    assert room.changed("ben")
    assert not room.changed("cleo")
    timers.advance(2)
    assert ann.heard == []
    question = room.ask()
    room.answer(question, "ann", {"ben": False})
    room.asked()
    timers.advance(EVERY_S)
    assert ann.take() == [{"ben": None}]
    room.changed("ann")
    room.answer(room.ask(), "ann", {"ben": True})
    timers.advance(EVERY_S)
    assert ann.take() == [{"ben": ONLINE}]


@pytest.mark.parametrize("who", ["ann", "ben"])
def test_what_was_asked_before_a_change_is_not_told_after_it(
    room: Attendance, timers: Timers, who: str
) -> None:
    ann = come(room, "ann")
    come(room, "ben")
    room.watch(ann, ["ben"])
    before = room.ask()
    room.changed(who)
    after = room.ask()
    room.answer(after, "ann", {"ben": False})
    room.asked()
    # The older answer comes last.
    room.answer(before, "ann", {"ben": True}, answered=ann)
    room.asked()
    assert room.told(ann) == {}
    assert room.is_late(before, who) is False
    timers.advance(EVERY_S)
    assert [said for said in ann.take() if said != {"ben": None}] == []


def test_when_somebody_was_last_seen_is_rounded() -> None:
    now_ms = 20_000 * DAY_MS + 17 * HOUR_MS + 7 * MINUTE_MS + 31_000
    cases = [
        (20_000, now_ms - 31_000),
        (31 * MINUTE_MS, now_ms - 31 * MINUTE_MS - 31_000),
        (2 * HOUR_MS, now_ms - 2 * HOUR_MS - 2 * MINUTE_MS - 31_000),
        (3 * DAY_MS, 19_997 * DAY_MS + 12 * HOUR_MS),
    ]
    for ago_ms, expected_ms in cases:
        assert rounded(now_ms - ago_ms, now_ms) == expected_ms, ago_ms


def test_of_two_times_the_later_counts(room: Attendance, timers: Timers) -> None:
    stored_ms = timers.clock() - 3 * HOUR_MS
    assert room.of("ben", None) == Presence(online=False)
    assert room.of("ben", stored_ms).last_seen_ms == rounded(stored_ms, timers.clock())
    ben = come(room, "ben")
    left_ms = timers.clock()
    room.went(ben)
    timers.advance(GRACE_S + EVERY_S)
    assert room.of("ben", stored_ms).last_seen_ms == rounded(left_ms, timers.clock())


def test_last_uses_of_sessions_are_said_once(room: Attendance, timers: Timers) -> None:
    ann, ben = come(room, "ann"), come(room, "ben")
    room.went(ann)
    at_ms = timers.clock()
    timers.advance(5)
    assert room.take_last_uses() == {ann.session: at_ms}
    assert room.take_last_uses() == {}
    assert room.take_last_uses(of_all=True) == {ben.session: timers.clock()}


def test_of_those_who_left_the_latest_are_remembered(
    room: Attendance, timers: Timers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(module, "REMEMBERED", 2)
    for user in ("ann", "ben", "cleo"):
        room.went(come(room, user))
        timers.advance(1)
    timers.advance(2 * GRACE_S)
    known = [user for user in ("ann", "ben", "cleo") if room.of(user, None) != Presence(False)]
    assert known == ["ben", "cleo"]


def test_a_clock_that_is_set_back_keeps_nobody_there(room: Attendance, timers: Timers) -> None:
    ann, ben = come(room, "ann"), come(room, "ben")
    watch(room, ann, "ben")
    room.went(ben)
    timers.clock.now_ms -= DAY_MS
    # Its own timers do not go by it.
    _, call, _ = timers.waiting.pop()
    call()
    assert [said["ben"]["online"] for said in ann.take()] == [False]
