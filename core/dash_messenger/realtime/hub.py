"""The hub: who is connected, and the way of an event to all who hear it.

Owns the connections and puts the parts together: `channels` knows who hears what, `coalescing`
which revisions are sent, `drawing` has messages drawn, `delivery` writes, `presence` tells of who
comes and goes. Must not know how messages are stored, and asks nothing of the database: what it
knows of membership came from `subscribe` and from the events themselves. Invariants: a member hears
nothing from before joining, learns nothing of messages from before, and hears nothing after a
removal was applied.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Collection, Iterable, Iterator, Mapping, Sequence
from types import MappingProxyType
from typing import Any

from msgspec import UNSET, Raw

from dash_messenger.clock import now_ms
from dash_messenger.errors import CloseCode
from dash_messenger.protocol.events import (
    Event,
    MemberJoined,
    MemberRemoved,
    PreferencesUpdated,
    is_hidden,
)
from dash_messenger.protocol.frames import text_frame
from dash_messenger.protocol.jsonrpc import encode_notification
from dash_messenger.protocol.models import Message
from dash_messenger.realtime.channels import Channels, OnlineUser, Reader
from dash_messenger.realtime.coalescing import Coalescing
from dash_messenger.realtime.delivery import SLICE_S, WRITES_A_SLICE, Delivery, drawn_frame
from dash_messenger.realtime.drawing import DrawingQueue, Draws
from dash_messenger.realtime.presence import Attendance

__all__ = ["Hub", "Reader"]

# Everything of one person's that is open at once: pages, phones, scripts. What each may let wait
# (`Limits.max_outbound_bytes`) is counted as often.
MAX_SOCKETS_OF_A_USER = 50
# Sessions whose closing a handshake under way may not have seen.
REMEMBERED_SESSIONS = 10_000


class Hub:
    """One for a process. Everything is called on the loop."""

    def __init__(
        self,
        renderer: Draws,
        *,
        max_sockets_of_a_user: int = MAX_SOCKETS_OF_A_USER,
        slice_s: float = SLICE_S,
        attendance: Attendance | None = None,
    ) -> None:
        self._slice_s = slice_s
        self._attendance = attendance or Attendance(now_ms)
        self._max_sockets_of_a_user = max_sockets_of_a_user
        self._connections: set[Reader] = set()
        self._closed_sessions: OrderedDict[str, None] = OrderedDict()
        self._channels = Channels()
        self._delivery = Delivery(self._channels, slice_s)
        self._drawing = DrawingQueue(renderer, self._channels, self._delivery)
        self._coalescing = Coalescing(_later, self._send)

    async def aclose(self) -> None:
        """Stop; what was not sent is read from the logs later."""
        self._coalescing.close()
        self._attendance.close()
        self._delivery.close()
        await self._drawing.aclose()

    @property
    def connections(self) -> int:
        """How many connections there are."""
        return len(self._connections)

    @property
    def backlog(self) -> int:
        """Events taken and not yet on their way; senders may be told to wait when it grows."""
        return self._drawing.backlog + self._delivery.backlog

    # Connections and what they hear.

    def connect(self, connection: Reader) -> CloseCode | None:
        """Take a connection: it hears its user's own log from now on.

        If it may not stay, the code to close it with: its session was closed while it was let in,
        or its user has as many sockets as one may have.
        """
        if connection.session in self._closed_sessions:
            return CloseCode.SESSION_CLOSED
        user = self._channels.users.get(connection.user)
        if user is not None and len(user.readers) >= self._max_sockets_of_a_user:
            return CloseCode.TOO_MANY_SOCKETS
        self._connections.add(connection)
        self._channels.add(connection)
        self._attendance.came(connection)
        return None

    def disconnect(self, connection: Reader) -> None:
        """Forget a connection. Forgetting it twice does nothing."""
        if connection in self._connections:
            self._connections.remove(connection)
            self._channels.remove(connection)
            self._attendance.went(connection)

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
        self._channels.subscribe(connection.user, conversations, first_numbers)

    def reads(self, user: str, conversation: str) -> bool:
        """Whether a user is connected and hears a conversation."""
        return self._channels.hears(user, conversation)

    def tell_drawn(self, reader: Any, message: Message, view: str, drawing: Raw) -> None:
        """Tell one connection how a message looks that it was sent without its ``view``.

        Nothing is told where its user may not see the message any more.
        """
        conversation, number = message.conversation, message.number
        if reader not in self._connections or not self.reads(reader.user, conversation):
            return
        first_number = self._channels.channels[conversation].first_numbers.get(reader.user, 1)
        if not is_hidden(number, first_number):
            reader.write(drawn_frame(message, drawing))

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
        """Take over who may read what. Called after the commit, before any acknowledgement."""
        for event in events:
            data = event.data
            # Not `isinstance`, which is slow where it is false of a struct.
            if type(data) is MemberJoined:
                self._delivery.joined(event.log, data.user.id, event.seq)
                self._channels.admit(event.log, data.user.id, data.from_number)
            elif type(data) is MemberRemoved:
                self._expel(event.log, data.user)
            elif type(data) is PreferencesUpdated:
                self._clear(event.log, data)

    def _clear(self, user: str, data: PreferencesUpdated) -> None:
        cleared_no = data.preferences.cleared_no
        if cleared_no is not UNSET and self.reads(user, data.conversation):
            self._channels.begin_at(data.conversation, user, cleared_no + 1)

    def _expel(self, conversation: str, user_id: str) -> None:
        self._delivery.removed(conversation, self._channels.expel(conversation, user_id))

    # Notifications outside any log.

    def notify_user(self, user: str, method: str, params: object) -> None:
        """Tell all connections of a user."""
        online = self._channels.users.get(user)
        if online is not None:
            frame = text_frame(encode_notification(method, params))
            for reader in online.readers:
                reader.write(frame)

    def notify_conversation(
        self,
        conversation: str,
        method: str,
        params: object,
        *,
        but: str | None = None,
        only: Callable[[str], bool] | None = None,
    ) -> None:
        """Tell everybody who hears a conversation, except user ``but`` and whom ``only`` denies."""
        readers = self._channels.readers_of(conversation)
        if readers:
            frame = text_frame(encode_notification(method, params))
            for some in list(readers.values()):
                for reader in some:
                    if reader.user != but and (only is None or only(reader.user)):
                        reader.write(frame)

    def company_of(self, user: str) -> Collection[str]:
        """Everybody who hears a conversation that ``user`` hears."""
        online = self._channels.users.get(user)
        channels = () if online is None else online.channels
        return {member.id for channel in channels for member in channel.members}

    def notify_company(
        self,
        user: str,
        method: str,
        params: object,
        *,
        instead: object = None,
        to: Collection[str] | None = None,
    ) -> None:
        """Tell everybody who hears a conversation that ``user`` hears, each once.

        With ``to`` only those get ``params``, and the others ``instead``: two encodings, never one
        for each. A user who is not connected is in no company that is known here.
        """
        online = self._channels.users.get(user)
        if online is not None:
            frame = text_frame(encode_notification(method, params))
            other = frame if to is None else text_frame(encode_notification(method, instead))
            self._tell(frame, other, to, _company_of(online))

    def _tell(
        self,
        frame: bytes,
        other: bytes,
        to: Collection[str] | None,
        company: Iterator[tuple[Reader, ...]],
    ) -> None:
        """Write to some now, and to the others after the loop has had its turn."""
        ends, budget = time.perf_counter() + self._slice_s, WRITES_A_SLICE
        for readers in company:
            for reader in readers:
                reader.write(frame if to is None or reader.user in to else other)
            budget -= len(readers)
            if budget <= 0 or time.perf_counter() > ends:
                asyncio.get_running_loop().call_soon(self._tell, frame, other, to, company)
                return

    # Events.

    def announce(self, events: Sequence[Event]) -> None:
        """Send the events of one commit to whoever hears their logs; returns soon."""
        by_log: dict[str, list[Event]] = {}
        for event in events:
            by_log.setdefault(event.log, []).append(event)
        for log_id, some in by_log.items():
            due = self._coalescing.take(log_id, some)
            if due and not self._drawing.take(log_id, due):
                self._delivery.enqueue(log_id, due, {})
        self._drawing.run()
        self._delivery.run()

    def _send(self, events: list[Event]) -> None:
        """Send events of one log that have waited for their time."""
        if not self._drawing.take(events[0].log, events):
            self._delivery.enqueue(events[0].log, events, {})
        self._drawing.run()
        self._delivery.run()


def _company_of(user: OnlineUser) -> Iterator[tuple[Reader, ...]]:
    """The connections of everybody who hears what ``user`` hears, once; nothing where it was."""
    told: set[OnlineUser] = set()
    for channel in user.channels:
        # Who hears it may change before this goes on.
        for member in tuple(channel.members):
            yield () if member in told else member.readers
            told.add(member)


def _later(delay_s: float, call: Callable[[], None]) -> asyncio.TimerHandle:
    return asyncio.get_running_loop().call_later(delay_s, call)
