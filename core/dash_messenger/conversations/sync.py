"""Coming back: the list of conversations as it is now, and what was missed in a log.

Owns ``sync`` and ``log.read``. Invariants: a socket is subscribed before its snapshot is taken, so
that nothing falls between; an answer is from one snapshot; where not everything that was missed can
be given, ``resync`` says so.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterable, Mapping
from functools import partial
from typing import Annotated, Any, NamedTuple, Protocol

from msgspec import UNSET, Meta, Raw, Struct
from sqlalchemy import Connection

from dash_messenger.accounts.directory import Name
from dash_messenger.conversations.access import DEFAULT_RIGHTS, Right, in_order, require
from dash_messenger.conversations.summaries import Summary, names_in, summaries
from dash_messenger.errors import InvalidParams, Resync
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command, Listener
from dash_messenger.protocol.events import Event, LogEntry, MemberRemoved, event_body
from dash_messenger.protocol.jsonrpc import MAX_PAGE_BYTES, size_of
from dash_messenger.protocol.models import Message
from dash_messenger.realtime.views import Late, Renderer, Views, choose_view, late_for
from dash_messenger.store import LogPage, PendingPositions, Store, read_log
from dash_messenger.store.backend import ReaderConnection

__all__ = ["ConversationSync", "Subscriptions"]

MAX_CONVERSATIONS = 100
MAX_EVENTS = 500
# 64 bits hold every number of 18 digits.
MAX_POSITION_DIGITS = 18
# After a restart thousands ask at once: the others wait here, each in its turn, instead of filling
# the readers' queue, which would be busy for everybody.
SYNCS_AT_ONCE = 100
# Drawings are made for so many events of a page before it is seen whether there is room for more.
DRAWN_AT_ONCE = 100
# Negotiated by `sync`; none so far.
FEATURES: frozenset[str] = frozenset()
_DEFAULT_RIGHTS = {kind: in_order(some) for kind, some in DEFAULT_RIGHTS.items()}

Id = Annotated[str, Meta(max_length=64)]


class Subscriptions(Protocol):
    """Who hears what: the hub."""

    def subscribe(
        self, connection: Any, conversations: Collection[str], first_numbers: Mapping[str, int]
    ) -> None:
        """Let a connection hear these conversations from now on.

        ``first_numbers`` has the first message that its user may read, where it is not the first
        of all.
        """

    def tell_drawn(self, reader: Any, message: Message, view: str, drawing: Raw) -> None:
        """Tell a connection how a message looks."""


class SyncParams(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``sync``.

    ``since`` is the token of the answer before, or null for everything; while ``more`` is true,
    the next call with the new token goes on. ``views`` are the drawings wanted, best first.
    """

    since: Annotated[str, Meta(max_length=200)] | None = None
    views: Views = []
    features: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=32)] = []
    limit: Annotated[int, Meta(ge=1, le=MAX_CONVERSATIONS)] = MAX_CONVERSATIONS


class Me(Struct, frozen=True):
    """The user whose session it is; ``seq`` is where their own log ends."""

    id: str
    username: str
    display_name: str
    photo: str | None
    role: str
    language: str | None
    theme: str | None
    seq: int


class Synced(Struct, frozen=True):
    """Result of ``sync``: what changed since, the latest change first.

    ``rights`` are what a member may do in a conversation, by its kind, where its summary says
    nothing else.
    """

    epoch: str
    since: str
    me: Me
    conversations: list[Summary]
    users: dict[str, Name]
    more: bool
    features: list[str]
    view: str | None
    rights: dict[str, list[Right]]


class LogRead(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``log.read``: ``log`` is a conversation's id, or one's own id."""

    log: Id
    after: Annotated[int, Meta(ge=0, le=2**53)]
    limit: Annotated[int, Meta(ge=1, le=MAX_EVENTS)] = MAX_EVENTS
    epoch: Annotated[str, Meta(max_length=64)] | None = None
    views: Views = []


class LogRange(Struct, frozen=True):
    """Result of ``log.read``: all of the log in ``(after, seq]``; it goes on to ``newest``.

    A page ends by the number of its events, or at 1 MB: where ``seq`` is below ``newest``, read on.
    """

    events: list[LogEntry]
    after: int
    seq: int
    newest: int


class _Found(NamedTuple):
    """What a snapshot has for an answer."""

    me: Me
    conversations: list[Summary]
    users: dict[str, Name]
    change_no: int
    more: bool


class _Subscribing:
    """A connection whose conversations are being read."""

    was_removed = False


class ConversationSync:
    """The commands ``sync`` and ``log.read``."""

    def __init__(
        self,
        store: Store,
        subscriptions: Subscriptions,
        renderer: Renderer,
        page_bytes: int = MAX_PAGE_BYTES,
    ) -> None:
        self._store = store
        self._page_bytes = page_bytes
        self._subscriptions = subscriptions
        self._renderer = renderer
        self._places = asyncio.Semaphore(SYNCS_AT_ONCE)
        # Of users whose connections are being subscribed: whether they were removed meanwhile.
        self._subscribing: dict[str, list[_Subscribing]] = {}
        # While there are any: the batch that last wrote to each log.
        self._touched: dict[str, int] = {}
        self._batches = 0

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "sync",
                SyncParams,
                Synced,
                self.sync,
                "What changed since one was here last.",
                rate="cheap read",
            ),
            Command(
                "log.read",
                LogRead,
                LogRange,
                self.read,
                "The events of a log that one missed.",
                rate="dear read",
            ),
        ]

    async def sync(self, caller: Caller, params: SyncParams) -> Synced:
        """The changes; a socket hears of everything later by itself."""
        user, connection = caller.user_id, caller.connection
        since = _Token.parse(params.since, self._store.epoch)
        view = self._renderer.choose(params.views)
        found: _Found | None = None
        if connection is not None:
            connection.view = view
        async with self._places:
            if connection is not None:
                found = await self._subscribe(user, connection, since)
            if found is None:
                pending = self._store.pending_positions()
                found = await self._store.read_changes(
                    lambda reader: _snapshot(reader, user, since, params.limit, pending)
                )
        page = found.conversations if found.more else None
        return Synced(
            epoch=self._store.epoch,
            since=since.next(self._store.epoch, found.change_no, page),
            me=found.me,
            conversations=found.conversations,
            users=found.users,
            more=found.more,
            features=sorted(FEATURES.intersection(params.features)),
            view=view,
            rights=_DEFAULT_RIGHTS,
        )

    def hear(self, events: list[Event]) -> None:
        """Note what is committed while connections are being subscribed, before it is answered."""
        if not self._subscribing:
            return
        self._batches += 1
        for event in events:
            self._touched[event.log] = self._batches
            if type(event.data) is MemberRemoved:
                for one in self._subscribing.get(event.data.user, ()):
                    one.was_removed = True

    async def _subscribe(self, user: str, connection: Listener, since: _Token) -> _Found | None:
        """Subscribe; the answer, where nothing is new, else None: then a snapshot must be read."""
        here = _Subscribing()
        waiting = self._subscribing.setdefault(user, [])
        waiting.append(here)
        try:
            while True:
                here.was_removed, began = False, self._batches
                present, nothing_new = await self._store.read_changes(
                    lambda reader: _look(reader, user, since)
                )
                # A list that was read before a removal must not open a conversation to whom it
                # shut out: read again.
                if not here.was_removed:
                    break
            if nothing_new is not None and self._was_touched(began, (user, *present)):
                # It may be neither in what was read nor heard.
                nothing_new = None
        finally:
            waiting.remove(here)
            if not waiting:
                del self._subscribing[user]
            if not self._subscribing:
                self._touched.clear()
        later = {id: number for id, number in present.items() if number > 1}
        self._subscriptions.subscribe(connection, present, later)
        return nothing_new

    def _was_touched(self, since_batch: int, logs: Iterable[str]) -> bool:
        touched = self._touched
        return bool(touched) and any(touched.get(log, 0) > since_batch for log in logs)

    async def read(self, caller: Caller, params: LogRead) -> LogRange:
        """The interval after the cursor, at most ``limit`` events of it.

        Raises:
            NotFound: neither one's own log nor that of a conversation one is a member of.
            Resync: too far behind, or the cursor is of another epoch.
        """
        user, log = caller.user_id, id_param(params.log, "log")
        if params.epoch is not None and params.epoch != self._store.epoch:
            raise Resync
        page = await self._store.read(
            lambda connection: self._read_log(connection, user, log, params),
            dear=True,
        )
        view = choose_view(self._renderer, caller, params.views)
        if view is None:
            bodies = [event_body(event) for event in page.events]
            return LogRange(bodies, page.after, page.seq, page.newest)
        late = late_for(caller, self._subscriptions.tell_drawn)
        return await self._drawn(page, view, late)

    def _read_log(self, connection: Connection, user: str, log: str, params: LogRead) -> LogPage:
        read = partial(read_log, connection, log, limit=params.limit, max_bytes=self._page_bytes)
        if log == user:
            return read(params.after)
        own = require(connection, user, log, Right.READ)
        # What lies before one's joining is nobody's gap.
        return read(max(params.after, own.from_seq - 1), first_number=own.first_number)

    async def _drawn(self, page: LogPage, view: str, late: Late | None) -> LogRange:
        """The page with its drawings, which may leave room for fewer events."""
        bodies: list[LogEntry] = []
        size, events = 0, page.events
        for at in range(0, len(events), DRAWN_AT_ONCE):
            some = events[at : at + DRAWN_AT_ONCE]
            found = [event.data.message for event in some if event.data.message is not None]
            drawn = await self._renderer.draw(found, [view], late=late) if found else {}
            for event in some:
                message = event.data.message
                drawing = UNSET if message is None else drawn[(message.id, message.rev, view)]
                body = event_body(event, drawing)
                size += size_of(body)
                if bodies and size > self._page_bytes:
                    return LogRange(bodies, page.after, event.after, page.newest)
                bodies.append(body)
        return LogRange(bodies, page.after, page.seq, page.newest)


class _Token(NamedTuple):
    """What ``since`` means: everything up to change ``low`` is known.

    While pages go on, ``high`` is the change that the first page was as new as, and ``before`` the
    (change, id) that the last page ended with.
    """

    low: int = 0
    high: int = 0
    before: tuple[int, str] | None = None

    @classmethod
    def parse(cls, text: str | None, epoch: str) -> _Token:
        """A token of another epoch says nothing about this one: everything is given."""
        if not text:
            return cls()
        of, *parts = text.split(".")
        try:
            if of != epoch:
                return cls()
            if len(parts) == 1:
                return cls(_position(parts[0]))
            low, high, change_no, last = parts
            before = (_position(change_no), id_param(last, "since"))
            return cls(_position(low), _position(high), before)
        except ValueError:
            raise InvalidParams(field="since", reason="is not a token of this server") from None

    def next(self, epoch: str, change_no: int, page: list[Summary] | None) -> str:
        """The token to give back; ``page`` is what was given if there is more."""
        high = self.high if self.before is not None else change_no
        if page is None:
            return f"{epoch}.{high}"
        return f"{epoch}.{self.low}.{high}.{page[-1].change_no}.{page[-1].id}"


def _position(digits: str) -> int:
    """A position in the token: no larger than the database can be asked about."""
    if not digits.isdecimal() or len(digits) > MAX_POSITION_DIGITS:
        raise ValueError("not a position")
    return int(digits)


def _look(
    reader: ReaderConnection, user: str, since: _Token
) -> tuple[dict[str, int], _Found | None]:
    """The first message to be read in each conversation; the answer, where nothing is new."""
    present, change_no = reader.standing(user)
    if since.before is not None or not since.low or change_no > since.low:
        return present, None
    own = reader.own_row(user)
    return present, _Found(Me(*own.row), [], {}, own.newest_change_no, False)


def _snapshot(
    reader: ReaderConnection, user: str, since: _Token, limit: int, pending: PendingPositions
) -> _Found:
    found = summaries(
        reader.connection,
        user,
        changed_since=since.low,
        before=since.before,
        limit=limit + 1,
        pending=pending,
    )
    page, own = found[:limit], reader.own_row(user)
    return _Found(
        Me(*own.row),
        page,
        names_in(reader.connection, user, page),
        own.newest_change_no,
        len(found) > limit,
    )
