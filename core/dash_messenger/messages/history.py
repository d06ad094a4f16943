"""Reading messages: a page of them, some by their ids, one before it is sent.

Owns ``message.history``, ``message.get`` and ``message.preview``. Invariant: a page has only
messages that the reader may see, ascending by number, from one snapshot whose log position it says.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Annotated, Any

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from msgspec.structs import replace
from sqlalchemy import Connection, Select, bindparam, select

from dash_messenger.accounts.directory import Name, users_by_id
from dash_messenger.conversations.access import Membership, Right, require
from dash_messenger.errors import InvalidParams
from dash_messenger.ids import IdMaker, id_param
from dash_messenger.messages.lines import lines_of, mentioned
from dash_messenger.messages.pipeline import Preparation
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.events import LogEntry, event_body
from dash_messenger.protocol.jsonrpc import MAX_PAGE_BYTES, size_of
from dash_messenger.protocol.models import Message
from dash_messenger.realtime.views import Late, Renderer, TellDrawn, Views, choose_view, late_for
from dash_messenger.store import Store
from dash_messenger.store.access import may_read_message
from dash_messenger.store.rows import MESSAGE_COLUMNS, message_of
from dash_messenger.store.tables import marks, messages

__all__ = ["History", "draw"]

MAX_PAGE = 100
# Nothing follows a preview: it waits for its drawing as long as that may take.
PREVIEW_WITHIN_S = 10.0

Id = Annotated[str, Meta(max_length=64)]
Number = Annotated[int, Meta(ge=0, le=2**53)]

# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_INTERVAL = select(*MESSAGE_COLUMNS).where(
    messages.c.conversation_id == bindparam("conversation"),
    messages.c.number.between(bindparam("low"), bindparam("high")),
)
_OLDEST_FIRST = _INTERVAL.order_by(messages.c.number)
_NEWEST_FIRST = _INTERVAL.order_by(messages.c.number.desc())
_BY_ID = (
    select(*MESSAGE_COLUMNS)
    .where(
        messages.c.id.in_(bindparam("ids", expanding=True)),
        may_read_message(bindparam("of_user")),
    )
    .order_by(messages.c.number)
)
_MARKS = select(marks.c.message_id, marks.c.mark, marks.c.reactions).where(
    marks.c.message_id.in_(bindparam("ids", expanding=True)),
    marks.c.user_id == bindparam("of_user"),
)


class MessageHistory(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``message.history``.

    At most one of ``before``, ``after`` and ``around`` (message numbers) places the page; without
    one it ends with the newest. ``views`` asks for drawings; on a socket they are as in ``sync``.
    """

    conversation: Id
    before: Number | None = None
    after: Number | None = None
    around: Number | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_PAGE)] = 50
    views: Views = []


class Own(Struct, frozen=True, omit_defaults=True):
    """What the reader has put on a message: the mark of its type, and reactions."""

    mark: Raw | None = None
    reactions: list[str] = []


class HistoryPage(Struct, frozen=True):
    """Result of ``message.history``; ``seq`` is the log position that the page is as new as.

    ``own`` has what the reader has put on some of the messages, by the message's id. A page ends by
    the number of its messages, or at 1 MB: ``more_before`` and ``more_after`` say what there is.
    ``events`` are who joined and left and what the conversation was called: what happened since the
    message before the page, up to its last one, or till now where no more messages follow; of more
    than 256 the last. Pages that join have each of them once.
    """

    messages: list[Message]
    users: dict[str, Name]
    seq: int
    more_before: bool
    more_after: bool
    own: dict[str, Own] = {}
    events: list[LogEntry] = []


class MessageGet(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``message.get``: ids of messages, and views as in ``message.history``."""

    messages: Annotated[list[Id], Meta(min_length=1, max_length=MAX_PAGE)]
    views: Views = []


class MessagesFound(Struct, frozen=True):
    """Result of ``message.get``: those that there are and that the reader may see.

    With ``more``, not all had room in 1 MB: ask again for those that did not come.
    """

    messages: list[Message]
    users: dict[str, Name]
    own: dict[str, Own] = {}
    more: bool = False


class MessagePreview(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``message.preview``: a message that is not sent yet."""

    type: Annotated[str, Meta(max_length=64)]
    content: Raw
    views: Views = []


class Previewed(Struct, frozen=True):
    """Result of ``message.preview``: how it would read and look."""

    text: str
    view: Raw | UnsetType = UNSET


class History:
    """The commands that read messages."""

    def __init__(
        self,
        store: Store,
        renderer: Renderer,
        preparation: Preparation,
        tell_drawn: TellDrawn = lambda connection, message, view, drawing: None,
        page_bytes: int = MAX_PAGE_BYTES,
    ) -> None:
        self._store = store
        self._page_bytes = page_bytes
        self._renderer = renderer
        self._tell_drawn = tell_drawn
        self._preparation = preparation
        self._new_id = IdMaker()

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "message.history",
                MessageHistory,
                HistoryPage,
                self.history,
                "A page of messages, oldest first.",
                rate="dear read",
            ),
            Command(
                "message.get",
                MessageGet,
                MessagesFound,
                self.get,
                "Some messages by their ids.",
                rate="dear read",
            ),
            Command(
                "message.preview",
                MessagePreview,
                Previewed,
                self.preview,
                "How a message would look, without sending it.",
                rate="preview",
            ),
        ]

    async def history(self, caller: Caller, params: MessageHistory) -> HistoryPage:
        """The page.

        Raises:
            NotFound: not a member.
        """
        user, conversation = caller.user_id, id_param(params.conversation)
        places = (params.before, params.after, params.around)
        if sum(place is not None for place in places) > 1:
            raise InvalidParams(field="before", reason="give one of before, after and around")
        page = await self._store.read(
            lambda connection: _page(connection, conversation, user, params, self._page_bytes),
            dear=True,
        )
        view = choose_view(self._renderer, caller, params.views)
        late = late_for(caller, self._tell_drawn)
        drawn = await draw(self._renderer, page.messages, view, late)
        room = self._page_bytes - size_of(page.events)
        kept = _fitting(drawn, page.own, _anchor(drawn, params), room)
        after = drawn[kept.start - 1].seq if kept.start > 0 else 0
        until = drawn[kept.stop - 1].seq if kept.stop < len(drawn) else page.seq
        return replace(
            page,
            messages=drawn[kept],
            events=[event for event in page.events if after < event.seq <= until],
            more_before=page.more_before or kept.start > 0,
            more_after=page.more_after or kept.stop < len(drawn),
        )

    async def get(self, caller: Caller, params: MessageGet) -> MessagesFound:
        """The messages; those that the reader may not see are left out."""
        user = caller.user_id
        ids = [id_param(id, "messages") for id in params.messages]

        def work(connection: Connection) -> MessagesFound:
            values = {"ids": ids, "of_user": user}
            found, is_whole = _fetch(connection, _BY_ID, values, self._page_bytes)
            senders = {one.sender for one in found}
            return MessagesFound(
                found,
                users_by_id(connection, user, senders),
                own_of(connection, user, found),
                more=not is_whole,
            )

        found = await self._store.read(work, dear=True)
        view = choose_view(self._renderer, caller, params.views)
        late = late_for(caller, self._tell_drawn)
        drawn = await draw(self._renderer, found.messages, view, late)
        kept = _fitting(drawn, found.own, 0, self._page_bytes)
        return replace(found, messages=drawn[kept], more=found.more or kept.stop < len(drawn))

    async def preview(self, caller: Caller, params: MessagePreview) -> Previewed:
        """How the message would read and look. It is not prepared: nothing is looked up or stored.

        Raises:
            UnknownType, ContentInvalid: the content is not acceptable.
            ContentTooCostly: working on it takes too much.
            PluginFailed: the type's code failed.
            Busy, TimedOut: try again later.
        """
        prepared = await self._preparation.preview(params.type, params.content, caller.user_id)
        view = choose_view(self._renderer, caller, params.views)
        if view is None:
            return Previewed(prepared.text)
        message = Message(
            id=self._new_id(),
            conversation="",
            seq=0,
            rev=0,
            number=0,
            sender=caller.user_id,
            client_id="",
            type=params.type,
            content=Raw(prepared.content),
            text=prepared.text,
            sent_at_ms=0,
            state=UNSET if prepared.state is None else Raw(prepared.state),
        )
        drawn = await self._renderer.draw([message], [view], ready_within_s=PREVIEW_WITHIN_S)
        return Previewed(prepared.text, drawn[message.id, message.rev, view])


def own_of(connection: Connection, user: str, found: Sequence[Message]) -> dict[str, Own]:
    """What ``user`` has put on these messages, by id."""
    if not found:
        return {}
    rows = connection.execute(_MARKS, {"ids": [one.id for one in found], "of_user": user})
    return {
        row.message_id: Own(
            None if row.mark is None else Raw(row.mark),
            [] if row.reactions is None else msgspec.json.decode(row.reactions),
        )
        for row in rows
    }


async def draw(
    renderer: Renderer, found: Sequence[Message], view: str | None, late: Late | None = None
) -> list[Message]:
    """The messages with their drawings in ``view``, where they have one that is ready."""
    if view is None or not found:
        return list(found)
    drawn = await renderer.draw(found, [view], late=late)
    return [replace(one, view=drawn[(one.id, one.rev, view)]) for one in found]


def _fetch(
    connection: Connection, query: Select[Any], values: Mapping[str, Any], max_bytes: int
) -> tuple[list[Message], bool]:
    """Messages in their order that there is room for; whether that is all.

    There is at least one, if there are any. Rows are fetched one by one.
    """
    rows = connection.execute(query, values)
    found: list[Message] = []
    size = 0
    for row in rows:
        message = message_of(row)
        size += size_of(message)
        if found and size > max_bytes:
            rows.close()
            return found, False
        found.append(message)
    return found, True


def _anchor(found: Sequence[Message], params: MessageHistory) -> int:
    """The place in a page of what must be there, whatever has to go."""
    if params.after is not None:
        return 0
    if params.around is not None:
        before = sum(message.number < params.around for message in found)
        return max(0, min(before, len(found) - 1))
    return len(found) - 1


def _fitting(
    found: Sequence[Message], own: Mapping[str, Own], anchor: int, max_bytes: int
) -> slice:
    """Those around ``anchor`` that there is room for, with what was put on them and drawn."""
    if not found:
        return slice(0, 0)
    sizes = [size_of(message) + size_of(own.get(message.id)) for message in found]
    first = last = anchor
    size = sizes[anchor]
    if sum(sizes) <= max_bytes:
        return slice(0, len(found))
    while True:
        nearer = [at for at in (first - 1, last + 1) if 0 <= at < len(found)]
        nearer.sort(key=lambda at: abs(at - anchor))
        if not nearer or size + sizes[nearer[0]] > max_bytes:
            return slice(first, last + 1)
        size += sizes[nearer[0]]
        first, last = min(first, nearer[0]), max(last, nearer[0])


def _page(
    connection: Connection, conversation: str, user: str, params: MessageHistory, max_bytes: int
) -> HistoryPage:
    own = require(connection, user, conversation, Right.READ)
    found = _between(connection, conversation, own, params, max_bytes)
    first, last = own.first_number, own.message_no
    if found:
        more_before, more_after = found[0].number > first, found[-1].number < last
    else:
        # Past one end: what there is lies on the other side.
        more_before = params.after is not None and first <= last
        more_after = params.before is not None and first <= last
    # Past one end there are none: the page that ends there has them.
    is_empty = first > last and params.before is None
    events = lines_of(connection, conversation, own, found) if found or is_empty else []
    named = {one.sender for one in found}.union(*map(mentioned, events))
    return HistoryPage(
        found,
        users_by_id(connection, user, named),
        own.seq,
        more_before,
        more_after,
        own_of(connection, user, found),
        [event_body(event) for event in events],
    )


def _between(
    connection: Connection,
    conversation: str,
    own: Membership,
    params: MessageHistory,
    max_bytes: int,
) -> list[Message]:
    # Numbers are dense: a page is an interval of them, read by the index alone, from the message
    # that must be there on, since there may not be room for all.
    def select_between(low: int, high: int, room: int, *, newest: bool = False) -> list[Message]:
        values = {"conversation": conversation, "low": low, "high": high}
        query = _NEWEST_FIRST if newest else _OLDEST_FIRST
        found, _ = _fetch(connection, query, values, room)
        return found[::-1] if newest else found

    if params.after is not None:
        low = max(params.after + 1, own.first_number)
        return select_between(low, low + params.limit - 1, max_bytes)
    if params.around is not None:
        low = params.around - params.limit // 2
        low = max(own.first_number, min(low, own.message_no - params.limit + 1))
        high = min(low + params.limit - 1, own.message_no)
        # Where nothing was said since the reader came, the interval is empty, and stays so.
        middle = max(low, min(params.around, high))
        before = select_between(low, middle - 1, max_bytes // 2, newest=True)
        return before + select_between(middle, high, max_bytes // 2)
    high = own.message_no if params.before is None else params.before - 1
    high = min(high, own.message_no)
    low = max(high - params.limit + 1, own.first_number)
    return select_between(low, high, max_bytes, newest=True)
