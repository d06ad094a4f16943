"""Who is there, told to the connections that watch them, once a second at most.

Owns who is connected, since when others are not, which connection watches whom, and which of that
it may be told. Must not know settings and blocks: `accounts/presence` asks the policy and says the
outcome here. Nothing is stored: it is lost with the process, and what a connection watches with the
connection. Invariants: nothing is told of somebody whose answer is not known, or was asked for
before they or the one who watches changed their privacy; somebody who comes back within `GRACE_S`
was never gone; a connection gets at most one notification in `EVERY_S`; the loop is given back
after `WRITES_A_SLICE` writes.
"""

from __future__ import annotations

import asyncio
from collections import OrderedDict
from collections.abc import Callable, Iterable, Mapping
from types import MappingProxyType
from typing import Protocol, TypeAlias

import msgspec

from dash_messenger.clock import Clock
from dash_messenger.protocol.frames import text_frame
from dash_messenger.protocol.jsonrpc import encode_notification
from dash_messenger.protocol.models import Presence
from dash_messenger.realtime.delivery import WRITES_A_SLICE

__all__ = ["EVERY_S", "GRACE_S", "Attendance", "Later", "Question", "Watcher"]

EVERY_S = 1.0
# A reload, or another network, takes no longer; then others see no flicker.
GRACE_S = 10.0
# Those who left lately, for whom what is stored is not as new.
REMEMBERED = 10_000
MINUTE_MS = 60_000
HOUR_MS = 60 * MINUTE_MS
DAY_MS = 24 * HOUR_MS
FIVE_MINUTES_MS = 5 * MINUTE_MS

_encoder = msgspec.json.Encoder()
_NOT_SHOWN = msgspec.Raw(b"null")


class Watcher(Protocol):
    """A connection that hears of others."""

    user: str
    session: str

    def write(self, frames: bytes) -> None:
        """Send; never waits."""


class Timer(Protocol):
    """What is to happen later."""

    def cancel(self) -> None:
        """Not any more."""


Later: TypeAlias = Callable[[float, Callable[[], None]], Timer]


class Question(msgspec.Struct, frozen=True):
    """What is being asked of the policy: nothing that changes after it is answered by it."""

    changes: int


class _Person:
    """Somebody who is watched: by which connections, and whether each is told (None: not known)."""

    __slots__ = ("id", "seen_at_ms", "watchers")

    def __init__(self, id: str) -> None:
        self.id = id
        self.seen_at_ms: int | None = None
        self.watchers: dict[Watcher, bool | None] = {}


class Attendance:
    """One for a process; everything is called on the loop."""

    def __init__(self, clock: Clock, later: Later | None = None) -> None:
        self._clock = clock
        self._later = later or _on_loop
        self._timer: Timer | None = None
        self._connections: set[Watcher] = set()
        # By user: how many connections.
        self._here: dict[str, int] = {}
        # Whose last connection went, and when: the first went first.
        self._leaving: dict[str, int] = {}
        self._left: OrderedDict[str, int] = OrderedDict()
        # By session, until somebody stores it.
        self._unstored: dict[str, int] = {}
        self._people: dict[str, _Person] = {}
        self._lists: dict[Watcher, tuple[_Person, ...]] = {}
        self._by_user: dict[str, tuple[Watcher, ...]] = {}
        self._news: set[_Person] = set()
        self._due: dict[Watcher, set[_Person]] = {}
        # While something is asked: who changed their privacy, at which count.
        self._changes = 0
        self._changed: dict[str, int] = {}
        self._asking = 0

    def close(self) -> None:
        """Tell nothing more."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None

    # Who is there.

    def came(self, connection: Watcher) -> None:
        """There is a connection."""
        user = connection.user
        self._connections.add(connection)
        self._here[user] = self._here.get(user, 0) + 1
        if self._here[user] == 1 and self._leaving.pop(user, None) is None:
            self._note(user)

    def went(self, connection: Watcher) -> None:
        """A connection is gone, which had come."""
        user, now_ms = connection.user, self._clock()
        self._connections.discard(connection)
        for person in self._lists.get(connection, ()):
            self._unwatch(connection, person)
        self._drop(connection)
        self._unstored[connection.session] = now_ms
        self._here[user] -= 1
        if not self._here[user]:
            del self._here[user]
            self._leaving[user] = now_ms
            self._arm()

    def is_here(self, user: str) -> bool:
        """Whether somebody is connected, or was until a moment ago."""
        return user in self._here or user in self._leaving

    def take_last_uses(self, *, of_all: bool = False) -> dict[str, int]:
        """When sessions were last used whose connections are gone, each said once.

        With ``of_all`` also the others, which are used now.
        """
        taken, self._unstored = self._unstored, {}
        if of_all:
            now_ms = self._clock()
            taken |= {connection.session: now_ms for connection in self._connections}
        return taken

    # Who watches whom.

    def watch(self, connection: Watcher, users: Iterable[str]) -> None:
        """A connection watches these from now on, and no others; nothing is told of the new ones
        until `answer` says of whom. One that is gone meanwhile watches nobody.
        """
        if connection not in self._connections:
            return
        before = {person.id: person for person in self._lists.get(connection, ())}
        wanted = dict.fromkeys(users)
        for id, person in before.items():
            if id not in wanted:
                self._unwatch(connection, person)
        if not wanted:
            self._drop(connection)
            return
        now = []
        for id in wanted:
            # Of one id there is one string, however often it comes.
            person = self._people.get(id) or self._people.setdefault(id, _Person(id))
            person.watchers.setdefault(connection, None)
            now.append(person)
        if connection not in self._lists:
            others = self._by_user.get(connection.user, ())
            self._by_user[connection.user] = (*others, connection)
        self._lists[connection] = tuple(now)

    def watched_by(self, user: str) -> set[str]:
        """Whom the connections of a user watch."""
        return {
            person.id
            for connection in self._by_user.get(user, ())
            for person in self._lists[connection]
        }

    def watchers_of(self, user: str) -> set[str]:
        """The users whose connections watch somebody."""
        person = self._people.get(user)
        return set() if person is None else {one.user for one in person.watchers}

    # What may be told.

    def changed(self, user: str) -> bool:
        """What somebody shows or is shown may be otherwise now: nothing of it is told until it was
        asked again. Whether anybody is concerned.
        """
        self._changes += 1
        if self._asking:
            self._changed[user] = self._changes
        person = self._people.get(user)
        if person is not None:
            person.watchers = dict.fromkeys(person.watchers)
        for connection in self._by_user.get(user, ()):
            for other in self._lists[connection]:
                other.watchers[connection] = None
        return person is not None or user in self._by_user

    def ask(self) -> Question:
        """The policy is asked from now on, until `asked`."""
        self._asking += 1
        return Question(self._changes)

    def asked(self) -> None:
        """What `ask` began is over."""
        self._asking -= 1
        if not self._asking:
            self._changed.clear()

    def answer(
        self,
        question: Question,
        viewer: str,
        shown: Mapping[str, bool],
        *,
        answered: Watcher | None = None,
        seen_at_ms: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """``viewer`` is shown some of those whom their connections watch, others not.

        ``answered`` is a connection that is not told so, as it gets an answer.
        """
        if self.is_late(question, viewer):
            return
        for connection in self._by_user.get(viewer, ()):
            for person in self._lists[connection]:
                told = shown.get(person.id)
                if told is None or self.is_late(question, person.id):
                    continue
                if person.seen_at_ms is None:
                    person.seen_at_ms = seen_at_ms.get(person.id)
                if person.watchers[connection] is None and connection is not answered:
                    self._due.setdefault(connection, set()).add(person)
                    self._arm()
                person.watchers[connection] = told

    def is_late(self, question: Question, user: str) -> bool:
        """Whether somebody changed what they show after this was asked."""
        return self._changed.get(user, 0) > question.changes

    def told(self, connection: Watcher) -> dict[str, Presence]:
        """How those are whom a connection watches and is shown."""
        return {
            person.id: self.of(person.id, person.seen_at_ms)
            for person in self._lists.get(connection, ())
            if person.watchers[connection]
        }

    def of(self, user: str, stored_ms: int | None) -> Presence:
        """How somebody is, as others see it; ``stored_ms`` is what else is known of when it was."""
        if self.is_here(user):
            return Presence(online=True)
        left_ms = self._left.get(user)
        seen = [at_ms for at_ms in (left_ms, stored_ms) if at_ms is not None]
        return Presence(
            online=False,
            last_seen_ms=rounded(max(seen), self._clock()) if seen else msgspec.UNSET,
        )

    # Telling it.

    def _note(self, user: str) -> None:
        person = self._people.get(user)
        if person is not None:
            self._news.add(person)
            self._arm()

    def _arm(self) -> None:
        if self._timer is None:
            self._timer = self._later(EVERY_S, self._tick)

    def _tick(self) -> None:
        self._timer = None
        self._leave()
        for person in self._news:
            for connection, shown in person.watchers.items():
                if shown:
                    self._due.setdefault(connection, set()).add(person)
        self._news.clear()
        if self._due:
            due, self._due = self._due, {}
            self._tell([*due.items()], {})
        elif self._leaving:
            self._arm()

    def _leave(self) -> None:
        """Those who did not come back within the grace are gone."""
        now_ms = self._clock()
        gone = []
        for user, at_ms in self._leaving.items():
            if 0 <= now_ms - at_ms < GRACE_S * 1_000:
                break
            gone.append(user)
        for user in gone:
            self._left[user] = self._leaving.pop(user)
            self._left.move_to_end(user)
            self._note_left(user)
        while len(self._left) > REMEMBERED:
            self._left.popitem(last=False)

    def _note_left(self, user: str) -> None:
        person = self._people.get(user)
        if person is not None:
            person.seen_at_ms = self._left[user]
            self._news.add(person)

    def _tell(self, due: list[tuple[Watcher, set[_Person]]], parts: dict[str, msgspec.Raw]) -> None:
        """Write to some now, and to the others after the loop has had its turn."""
        for _ in range(min(WRITES_A_SLICE, len(due))):
            connection, people = due.pop()
            said: dict[str, msgspec.Raw] = {}
            for person in people:
                # It may have changed since.
                shown = person.watchers.get(connection)
                if shown is None:
                    continue
                if not shown:
                    said[person.id] = _NOT_SHOWN
                    continue
                part = parts.get(person.id)
                if part is None:
                    now = self.of(person.id, person.seen_at_ms)
                    part = parts[person.id] = msgspec.Raw(_encoder.encode(now))
                said[person.id] = part
            if said:
                connection.write(text_frame(encode_notification("presence", {"users": said})))
        if due:
            # The next round begins when this one has ended: whoever comes and goes meanwhile waits.
            self._timer = self._later(0, lambda: self._go_on(due, parts))
        elif self._leaving or self._news or self._due:
            self._arm()

    def _go_on(
        self, due: list[tuple[Watcher, set[_Person]]], parts: dict[str, msgspec.Raw]
    ) -> None:
        self._timer = None
        self._tell(due, parts)

    # Forgetting.

    def _drop(self, connection: Watcher) -> None:
        self._due.pop(connection, None)
        if self._lists.pop(connection, None) is None:
            return
        others = tuple(one for one in self._by_user[connection.user] if one is not connection)
        if others:
            self._by_user[connection.user] = others
        else:
            del self._by_user[connection.user]

    def _unwatch(self, connection: Watcher, person: _Person) -> None:
        person.watchers.pop(connection, None)
        if not person.watchers:
            self._people.pop(person.id, None)
            self._news.discard(person)


def rounded(at_ms: int, now_ms: int) -> int:
    """When somebody was last seen, as others are told it.

    To the minute within the hour, to five within two days, then to the day, whose noon (UTC) it is:
    so that it is that day in nearly every zone.
    """
    ago_ms = now_ms - at_ms
    if ago_ms < HOUR_MS:
        return at_ms - at_ms % MINUTE_MS
    if ago_ms < 2 * DAY_MS:
        return at_ms - at_ms % FIVE_MINUTES_MS
    return at_ms - at_ms % DAY_MS + DAY_MS // 2


def _on_loop(delay_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(delay_s, call)
