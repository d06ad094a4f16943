"""Who is connected, who reads which conversation, and the way of an event to all of them.

Owns the connections and the fan-out. Must not know how messages are stored, and asks nothing of
the database: what it knows of membership came from `subscribe` and from the events themselves.
Invariants: the events of a log reach each connection in order; a member hears nothing from before
joining, learns nothing of messages from before, and hears nothing after a removal was applied; an
event is encoded once for each view and class of readers, never for each reader; of revisions that
follow each other quickly only some are sent (`coalescing`); nobody waits for another conversation's
drawing; the loop is given back at least every `SLICE_S`, or `CROWDED_FACTOR` times that while many
conversations wait.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections import OrderedDict, deque
from collections.abc import Callable, Coroutine, Iterable, Mapping, Sequence
from functools import partial
from types import MappingProxyType
from typing import Any, Protocol, TypeAlias

import structlog
from msgspec import UNSET, Raw, Struct, UnsetType

from dash_messenger.errors import CloseCode
from dash_messenger.protocol.frames import text_frame
from dash_messenger.protocol.jsonrpc import (
    Event,
    Message,
    encode_event,
    encode_notification,
    hide,
    number_in,
)
from dash_messenger.realtime.coalescing import Pacing

__all__ = ["Drawn", "Draws", "Hub", "Reader"]

SLICE_S = 0.005
# A write costs 1 µs here and 5 µs in the kernel after the slice, where no clock of ours sees it.
WRITES_A_SLICE = 600
# With so many conversations waiting, a slice is `CROWDED_FACTOR` times as long: else a loop that
# reads a thousand requests in each turn would take in more than it sends.
CROWDED = 200
CROWDED_FACTOR = 4
# What one conversation may write before another gets its turn.
WRITES_A_TURN = 100
# A burst of messages may take so long to be drawn; what is older is drawn when somebody looks.
LATE_WITHIN_S = 10.0
# Up to here a tuple is smaller than a set and not slower.
SMALL = 8
# Everything of one person's that is open at once: pages, phones, scripts. What each may let wait
# (`Limits.max_outbound_bytes`) is counted as often.
MAX_SOCKETS_OF_A_USER = 50
# Sessions whose closing a handshake under way may not have seen.
REMEMBERED_SESSIONS = 10_000

log = structlog.get_logger(__name__)

ViewKey: TypeAlias = tuple[str, int, str]
Drawings: TypeAlias = Mapping[ViewKey, Raw | UnsetType]


class Reader(Protocol):
    """A connection, as the hub needs it. ``view`` counts as it stands at `Hub.subscribe`."""

    user: str
    session: str
    view: str | None

    def write(self, frames: bytes) -> None:
        """Send; never waits."""

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Close; calls `Hub.disconnect`."""


class Draws(Protocol):
    """Draws messages off the loop."""

    def needs_children(self, message: Message, view: str) -> bool:
        """Whether drawing it takes more than the one hop that all logs share."""

    async def draw(
        self,
        messages: Sequence[Message],
        views: Iterable[str],
        *,
        late: Callable[[Message, str, Raw], None] | None = None,
        within_s: float = 1.0,
    ) -> dict[ViewKey, Raw | UnsetType]:
        """Each message in each view; never raises for a single drawing. ``late`` hears of those
        that were not ready in time."""


class Drawn(Struct, frozen=True):
    """Parameters of ``message.drawn``: how a message looks that was sent without its view."""

    conversation: str
    message: str
    rev: int
    view: Raw


class _OnlineUser:
    """A user with at least one connection. Conversations are the user's, not a connection's."""

    __slots__ = ("channels", "id", "readers")

    def __init__(self, user: str) -> None:
        self.id = user
        self.readers: tuple[Reader, ...] = ()
        self.channels: tuple[_Channel, ...] = ()


class _Channel:
    """A conversation with members who are connected."""

    __slots__ = ("first_numbers", "id", "last_first_number", "members", "readers")

    def __init__(self, conversation: str) -> None:
        self.id = conversation
        self.members: tuple[_OnlineUser, ...] | set[_OnlineUser] = ()
        # The first message that a member may read, by user, where that is not the first of all;
        # and a number that none of them exceeds: only below it something may have to be hidden.
        self.first_numbers: dict[str, int] = {}
        self.last_first_number = 1
        # Their connections by view, found when needed and good until something changes. Neither
        # the mapping nor its lists are ever changed: a delivery under way goes on with them.
        self.readers: _Readers | None = None


_Readers: TypeAlias = dict[str | None, list[Reader]]


class Hub:
    """One for a process. Everything is called on the loop."""

    def __init__(self, renderer: Draws) -> None:
        self._renderer = renderer
        self._connections: set[Reader] = set()
        self._users: dict[str, _OnlineUser] = {}
        self._channels: dict[str, _Channel] = {}
        # By conversation: who joined at which seq, until that event is on its way.
        self._joined: dict[str, dict[str, int]] = {}
        self._closed_sessions: OrderedDict[str, None] = OrderedDict()
        self._lanes: dict[str, _Lane] = {}
        self._turns: deque[_Lane] = deque()
        self._running = False
        self._undrawn: list[Event] = []
        # Logs with events that are being drawn or wait for it, and how many.
        self._drawing: dict[str, int] = {}
        self._drawer: asyncio.Task[None] | None = None
        # Logs with something that is drawn in children, each by itself: what waits there.
        self._alone: dict[str, list[Event]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        self._backlog = 0
        self._pacing = Pacing(_later, self._send)

    async def aclose(self) -> None:
        """Stop; what was not sent is read from the logs later."""
        self._pacing.close()
        self._turns.clear()
        self._lanes.clear()
        self._undrawn.clear()
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._drawer = None

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    @property
    def backlog(self) -> int:
        """Events taken and not yet on their way; senders may be told to wait when it grows."""
        return self._backlog

    # Connections and what they hear.

    def connect(self, connection: Reader) -> CloseCode | None:
        """Take a connection: it hears its user's own log from now on.

        If it may not stay, the code to close it with: its session was closed while it was let in,
        or its user has `MAX_SOCKETS_OF_A_USER` already.
        """
        if connection.session in self._closed_sessions:
            return CloseCode.SESSION_CLOSED
        user = self._users.get(connection.user)
        if user is None:
            user = self._users[connection.user] = _OnlineUser(connection.user)
        elif len(user.readers) >= MAX_SOCKETS_OF_A_USER:
            return CloseCode.TOO_MANY_SOCKETS
        self._connections.add(connection)
        user.readers = (*user.readers, connection)
        self._forget_readers(user)
        return None

    def disconnect(self, connection: Reader) -> None:
        """Forget a connection. Forgetting it twice does nothing."""
        if connection not in self._connections:
            return
        self._connections.remove(connection)
        user = self._users[connection.user]
        self._forget_readers(user)
        user.readers = tuple(reader for reader in user.readers if reader is not connection)
        if not user.readers:
            del self._users[user.id]
            for channel in user.channels:
                self._leave(channel, user)

    def subscribe(
        self,
        connection: Reader,
        conversations: Iterable[str],
        first_numbers: Mapping[str, int] = MappingProxyType({}),
    ) -> None:
        """Its user hears these conversations from now on; its ``view`` counts from now on.

        ``first_numbers`` has, by conversation, the first message that the user may read, where it
        is not the first of all. Call it before taking the snapshot that the client continues from.
        A list that was read before a removal was applied must not be given: read it again.
        """
        user = self._users.get(connection.user)
        if user is None:
            return
        self._forget_readers(user)
        have = {channel.id for channel in user.channels}
        user.channels += tuple(
            self._join(conversation, user)
            for conversation in dict.fromkeys(conversations)
            if conversation not in have
        )
        for conversation, number in first_numbers.items():
            self._begin_at(conversation, user.id, number)

    def reads(self, user: str, conversation: str) -> bool:
        """Whether a user is connected and hears a conversation."""
        online = self._users.get(user)
        channel = self._channels.get(conversation)
        return online is not None and channel is not None and online in channel.members

    def tell_drawn(self, reader: Any, message: Message, view: str, drawing: Raw) -> None:
        """Tell one connection how a message looks that it was sent without its ``view``.

        Nothing is told where its user may not see the message any more.
        """
        conversation, number = message.conversation, message.number
        if reader not in self._connections or not self.reads(reader.user, conversation):
            return
        if self._channels[conversation].first_numbers.get(reader.user, 1) <= number:
            reader.write(_drawn_frame(message, drawing))

    def close_sessions(self, sessions: Iterable[str], code: CloseCode) -> None:
        """Close every connection that one of these sessions opened, also one just being opened."""
        ended = set(sessions)
        for session in ended:
            self._closed_sessions[session] = None
        while len(self._closed_sessions) > REMEMBERED_SESSIONS:
            self._closed_sessions.popitem(last=False)
        for connection in [each for each in self._connections if each.session in ended]:
            connection.close(code, code.name.lower())

    def apply(self, events: Sequence[Event]) -> None:
        """Take over changes of membership. Called after the commit, before any acknowledgement."""
        for event in events:
            if event.kind == "member.joined":
                joined = str(event.data["user"]["id"])
                # Until this event is sent, earlier ones may wait that are not for the new member.
                self._joined.setdefault(event.log, {})[joined] = event.seq
                self._admit(event.log, joined, int(event.data.get("from_number", 1)))
            elif event.kind == "member.removed":
                self._expel(event.log, str(event.data["user"]))

    def _admit(self, conversation: str, user_id: str, first_number: int) -> None:
        user = self._users.get(user_id)
        if user is not None:
            if not self.reads(user_id, conversation):
                user.channels += (self._join(conversation, user),)
            self._begin_at(conversation, user_id, first_number)

    def _begin_at(self, conversation: str, user_id: str, first_number: int) -> None:
        channel = self._channels.get(conversation)
        if channel is not None and first_number > channel.first_numbers.get(user_id, 1):
            channel.first_numbers[user_id] = first_number
            channel.last_first_number = max(channel.last_first_number, first_number)

    def _expel(self, conversation: str, user_id: str) -> None:
        user, channel = self._users.get(user_id), self._channels.get(conversation)
        if user is None or channel is None or user not in channel.members:
            return
        user.channels = tuple(each for each in user.channels if each is not channel)
        self._leave(channel, user)
        lane = self._lanes.get(conversation)
        if lane is not None:
            lane.removed.update(user.readers)

    def _join(self, conversation: str, user: _OnlineUser) -> _Channel:
        channel = self._channels.get(conversation)
        if channel is None:
            channel = self._channels[conversation] = _Channel(conversation)
        channel.readers = None
        members = channel.members
        if isinstance(members, set):
            members.add(user)
        elif len(members) < SMALL:
            channel.members = (*members, user)
        else:
            channel.members = {*members, user}
        return channel

    def _leave(self, channel: _Channel, user: _OnlineUser) -> None:
        channel.readers = None
        channel.first_numbers.pop(user.id, None)
        if not channel.first_numbers:
            channel.last_first_number = 1
        members = channel.members
        if isinstance(members, set):
            members.discard(user)
            if len(members) <= SMALL // 2:
                channel.members = tuple(members)
        else:
            channel.members = tuple(member for member in members if member is not user)
            if not channel.members:
                del self._channels[channel.id]

    def _forget_readers(self, user: _OnlineUser) -> None:
        for channel in user.channels:
            channel.readers = None

    def _readers_of(self, log_id: str) -> _Readers:
        """The connections that hear a log, by view."""
        channel = self._channels.get(log_id)
        if channel is None:
            user = self._users.get(log_id)
            return {} if user is None else _by_view((user,))
        if channel.readers is None:
            channel.readers = _by_view(channel.members)
        return channel.readers

    # Notifications outside any log.

    def notify_user(self, user: str, method: str, params: object) -> None:
        """Tell all connections of a user."""
        online = self._users.get(user)
        if online is not None:
            frame = text_frame(encode_notification(method, params))
            for reader in online.readers:
                reader.write(frame)

    def notify_conversation(
        self, conversation: str, method: str, params: object, *, but: str | None = None
    ) -> None:
        """Tell everybody who hears a conversation, except user ``but``."""
        readers = self._readers_of(conversation)
        if readers:
            frame = text_frame(encode_notification(method, params))
            for some in list(readers.values()):
                for reader in some:
                    if reader.user != but:
                        reader.write(frame)

    def notify_company(self, user: str, method: str, params: object) -> None:
        """Tell everybody who hears a conversation that ``user`` hears, each once.

        A user who is not connected is in no company that is known here.
        """
        online = self._users.get(user)
        if online is not None:
            company = {member for channel in online.channels for member in channel.members}
            readers = [reader for member in company for reader in member.readers]
            self._tell(text_frame(encode_notification(method, params)), readers)

    def _tell(self, frame: bytes, readers: list[Reader]) -> None:
        """Write to some now, and to the others after the loop has had its turn."""
        for reader in readers[:WRITES_A_SLICE]:
            reader.write(frame)
        if len(readers) > WRITES_A_SLICE:
            asyncio.get_running_loop().call_soon(self._tell, frame, readers[WRITES_A_SLICE:])

    # Events.

    def announce(self, events: Sequence[Event]) -> None:
        """Send the events of one commit to whoever hears their logs; returns soon."""
        by_log: dict[str, list[Event]] = {}
        for event in events:
            by_log.setdefault(event.log, []).append(event)
        for log_id, some in by_log.items():
            due = self._pacing.take(log_id, some)
            if due:
                self._prepare(log_id, due)
        self._begin_sending()

    def _send(self, events: list[Event]) -> None:
        """Send events of one log that have waited for their time."""
        self._prepare(events[0].log, events)
        self._begin_sending()

    def _prepare(self, log_id: str, events: list[Event]) -> None:
        if log_id in self._drawing or self._wants_drawing(log_id, events):
            self._drawing[log_id] = self._drawing.get(log_id, 0) + len(events)
            self._undrawn += events
            self._backlog += len(events)
        else:
            self._enqueue(log_id, events, {})

    def _begin_sending(self) -> None:
        if self._undrawn and self._drawer is None:
            self._drawer = self._start(self._draw())
        self._run()

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _wants_drawing(self, log_id: str, events: list[Event]) -> bool:
        for event in events:
            if event.message is not None:
                readers = self._readers_of(log_id)
                return len(readers) > 1 or bool(readers and None not in readers)
        return False

    async def _draw(self) -> None:
        """Have everything that waits drawn in one hop, until nothing waits.

        Only what is quick is drawn so; a log with something else in it goes its own way.
        """
        try:
            while self._undrawn:
                events, self._undrawn = self._undrawn, []
                by_log: dict[str, list[Event]] = {}
                for event in events:
                    by_log.setdefault(event.log, []).append(event)
                alone = [log for log, some in by_log.items() if self._goes_alone(log, some)]
                for log_id in alone:
                    del by_log[log_id]
                if alone:
                    events = [event for some in by_log.values() for event in some]
                drawn = await self._drawings(events)
                for log_id, some in by_log.items():
                    self._drawing_done(log_id, some, drawn)
                self._run()
        finally:
            self._drawer = None

    def _drawing_done(self, log_id: str, events: list[Event], drawn: Drawings) -> None:
        self._backlog -= len(events)
        self._drawing[log_id] -= len(events)
        if not self._drawing[log_id]:
            del self._drawing[log_id]
        try:
            self._enqueue(log_id, events, drawn)
        # A root: one log that cannot be sent must not stop the others.
        except Exception:
            log.exception("announcing_failed", log=log_id)

    def _goes_alone(self, log_id: str, events: list[Event]) -> bool:
        """Whether these events are left to the task of their log."""
        waiting = self._alone.get(log_id)
        if waiting is not None:
            waiting += events
            return True
        needs_children = self._needs_children
        for view in self._readers_of(log_id):
            if view is None:
                continue
            for event in events:
                if event.message is not None and needs_children(event.message, view):
                    self._alone[log_id] = events
                    self._start(self._draw_alone(log_id))
                    return True
        return False

    def _needs_children(self, message: Message, view: str) -> bool:
        try:
            return self._renderer.needs_children(message, view)
        # Drawing it fails as well, and readers are shown the text.
        except Exception:
            log.exception("drawing_failed", messages=1)
            return False

    async def _draw_alone(self, log_id: str) -> None:
        """Have the events of one log drawn, until nothing waits in it."""
        while events := self._alone[log_id]:
            self._alone[log_id] = []
            drawn = await self._drawings(events, partial(self._tell_late, log_id))
            self._drawing_done(log_id, events, drawn)
            self._run()
        del self._alone[log_id]

    async def _drawings(
        self, events: list[Event], late: Callable[[Message, str, Raw], None] | None = None
    ) -> Drawings:
        wanted: dict[str, list[Message]] = {}
        for event in events:
            if event.message is not None:
                for view in self._readers_of(event.log):
                    if view is not None:
                        wanted.setdefault(view, []).append(event.message)
        if late is not None and wanted:
            # They are of one log, so that all views want the same.
            return await self._ask_for(next(iter(wanted.values())), tuple(wanted), late)
        drawn: Drawings = {}
        for view, messages in wanted.items():
            some = await self._ask_for(messages, (view,))
            drawn = {**drawn, **some} if drawn else some
        return drawn

    async def _ask_for(
        self,
        messages: list[Message],
        views: tuple[str, ...],
        late: Callable[[Message, str, Raw], None] | None = None,
    ) -> Drawings:
        try:
            return await self._renderer.draw(messages, views, late=late, within_s=LATE_WITHIN_S)
        # The root of a task: without drawings readers are shown the text.
        except Exception:
            log.exception("drawing_failed", messages=len(messages))
            return {}

    def _tell_late(self, log_id: str, message: Message, view: str, drawing: Raw) -> None:
        """Send a drawing that was not ready when its event went out, after that event."""
        frame = _drawn_frame(message, drawing)
        lane = self._lanes.get(log_id)
        under_way = lane is not None
        if lane is None:
            lane = _Lane(log_id)
        lane.late.append((view, message.number, frame))
        if not under_way and self._load(lane):
            self._lanes[log_id] = lane
            self._turns.append(lane)
            self._run()

    def _enqueue(self, log_id: str, events: list[Event], drawn: Drawings) -> None:
        lane = self._lanes.get(log_id)
        under_way = lane is not None
        if lane is None:
            lane = _Lane(log_id)
        lane.next.extend(events)
        if drawn:
            # All that was drawn in one hop, shared by its lanes: a copy for each would be a square.
            lane.drawn = {**lane.drawn, **drawn} if lane.drawn else drawn
        self._backlog += len(events)
        # Under way: what comes meanwhile goes together in the next write.
        if not under_way and self._load(lane):
            self._lanes[log_id] = lane
            self._turns.append(lane)

    def _load(self, lane: _Lane) -> bool:
        """Encode what waits in a lane for those who hear it now; False if nobody does."""
        events, drawn, late = lane.next, lane.drawn, lane.late
        lane.next, lane.drawn, lane.late, lane.removed = [], {}, [], set()
        lane.parts, lane.part, lane.at = [], 0, 0
        if events:
            self._load_events(lane, events, drawn)
        channel = self._channels.get(lane.log)
        for view, number, frame in late:
            readers = self._readers_of(lane.log).get(view, [])
            if channel is not None and number < channel.last_first_number:
                first_numbers = channel.first_numbers
                readers = [one for one in readers if first_numbers.get(one.user, 1) <= number]
            if readers:
                lane.parts.append((frame, readers))
        return bool(lane.parts)

    def _load_events(self, lane: _Lane, events: list[Event], drawn: Drawings) -> None:
        self._backlog -= len(events)
        joined = self._joined.get(lane.log)
        hidden = self._hidden_in(lane.log, events)
        for view, all_readers in self._readers_of(lane.log).items():
            frames = [_encode(event, view, drawn) for event in events]
            classes = [(frames, all_readers)]
            if hidden is not None:
                classes = hidden.classes(frames, all_readers)
            for heard_by_all, readers in classes:
                if joined:
                    old = [reader for reader in readers if reader.user not in joined]
                    lane.parts += [
                        (b"".join(heard), [reader])
                        for reader in readers
                        if reader.user in joined
                        and (heard := _since(joined[reader.user], events, heard_by_all))
                    ]
                    readers = old
                if readers:
                    lane.parts.append((b"".join(heard_by_all), readers))
        if joined:
            last = events[-1].seq
            for user in [user for user, since in joined.items() if since <= last]:
                del joined[user]
            if not joined:
                del self._joined[lane.log]

    def _hidden_in(self, log_id: str, events: list[Event]) -> _Hidden | None:
        """The events that tell of messages from before somebody's time, or None."""
        channel = self._channels.get(log_id)
        if channel is None or channel.last_first_number == 1:
            return None
        numbers = [number_in(event) for event in events]
        oldest = min((number for number in numbers if number is not None), default=None)
        if oldest is None or oldest >= channel.last_first_number:
            return None
        # Whoever had the largest may have left.
        channel.last_first_number = max(channel.first_numbers.values())
        if oldest >= channel.last_first_number:
            return None
        return _Hidden(events, numbers, channel.first_numbers)

    def _run(self) -> None:
        if not self._running and self._turns:
            self._running = True
            self._slice()

    def _slice(self) -> None:
        """Write for a while, each lane in its turn, then give the loop back."""
        turns = self._turns
        factor = CROWDED_FACTOR if len(turns) > CROWDED else 1
        ends = time.perf_counter() + SLICE_S * factor
        budget = WRITES_A_SLICE * factor
        while turns and budget > 0 and time.perf_counter() < ends:
            lane = turns.popleft()
            try:
                # A single lane need not stop for others.
                budget -= lane.write(min(budget, WRITES_A_TURN) if turns else budget)
                goes_on = lane.part < len(lane.parts) or (
                    bool(lane.next or lane.late) and self._load(lane)
                )
            # A root: one log that cannot be sent must not stop the others.
            except Exception:
                log.exception("announcing_failed", log=lane.log)
                goes_on = False
            if goes_on:
                turns.append(lane)
            else:
                self._lanes.pop(lane.log, None)
        if turns:
            asyncio.get_running_loop().call_soon(self._slice)
        else:
            self._running = False


class _Hidden:
    """Events of one log of which some readers must learn no more than that they happened."""

    def __init__(
        self, events: list[Event], numbers: list[int | None], first_numbers: Mapping[str, int]
    ) -> None:
        self._numbers = numbers
        self._first_numbers = first_numbers
        self._frames = [text_frame(encode_event(hide(event))) for event in events]
        # Readers whose time begins between the same two of these numbers see the same.
        self._bounds = sorted({number for number in numbers if number is not None})

    def classes(
        self, frames: list[bytes], readers: list[Reader]
    ) -> list[tuple[list[bytes], list[Reader]]]:
        """The readers by what they may see, with the frames for each class."""
        by_class: dict[int, list[Reader]] = {}
        for reader in readers:
            first_number = self._first_numbers.get(reader.user, 1)
            by_class.setdefault(bisect_left(self._bounds, first_number), []).append(reader)
        return [
            (frames if hidden == 0 else self._seen(frames, self._bounds[hidden - 1]), some)
            for hidden, some in by_class.items()
        ]

    def _seen(self, frames: list[bytes], last_hidden: int) -> list[bytes]:
        return [
            frame if number is None or number > last_hidden else hidden
            for frame, number, hidden in zip(frames, self._numbers, self._frames, strict=True)
        ]


class _Lane:
    """The events of one log on their way: what is being written, and what comes after it."""

    __slots__ = ("at", "drawn", "late", "log", "next", "part", "parts", "removed")

    def __init__(self, log_id: str) -> None:
        self.log = log_id
        self.next: list[Event] = []
        self.drawn: Drawings = {}
        # Drawings of what went before: the view, the message's number, the frame.
        self.late: list[tuple[str, int, bytes]] = []
        self.parts: list[tuple[bytes, list[Reader]]] = []
        self.part = 0
        self.at = 0
        # Connections that must hear nothing of what is being written any more.
        self.removed: set[Reader] = set()

    def write(self, limit: int) -> int:
        """Write to at most ``limit`` connections; returns to how many."""
        frames, readers = self.parts[self.part]
        some = readers[self.at : self.at + limit]
        if self.removed:
            some = [reader for reader in some if reader not in self.removed]
        for reader in some:
            reader.write(frames)
        self.at += limit
        if self.at >= len(readers):
            self.part += 1
            self.at = 0
        return max(len(some), 1)


def _drawn_frame(message: Message, drawing: Raw) -> bytes:
    params = Drawn(message.conversation, message.id, message.rev, drawing)
    return text_frame(encode_notification("message.drawn", params))


def _later(delay_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(delay_s, call)


def _by_view(users: Iterable[_OnlineUser]) -> _Readers:
    readers: _Readers = {}
    for user in users:
        for reader in user.readers:
            readers.setdefault(reader.view, []).append(reader)
    return readers


def _encode(event: Event, view: str | None, drawn: Drawings) -> bytes:
    message = event.message
    if message is None or view is None:
        return text_frame(encode_event(event))
    return text_frame(encode_event(event, drawn.get((message.id, message.rev, view), UNSET)))


def _since(seq: int, events: list[Event], frames: list[bytes]) -> list[bytes]:
    return [frame for event, frame in zip(events, frames, strict=True) if event.seq >= seq]
