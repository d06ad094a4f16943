"""Reading messages: a page of them, some by their ids, one before it is sent.

Owns ``message.history``, ``message.get`` and ``message.preview``. Invariant: a page has only
messages that the reader may see, ascending by number, from one snapshot whose log position it says.
"""

from __future__ import annotations

from collections.abc import Callable, Sequence
from functools import partial
from typing import Annotated, Any, TypeAlias

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, select

from dash_messenger.commands import Caller, Command
from dash_messenger.errors import InvalidParams
from dash_messenger.ids import IdMaker
from dash_messenger.limits import Buckets
from dash_messenger.plugins.views import Late, Renderer
from dash_messenger.preparing import Preparation
from dash_messenger.protocol import Message
from dash_messenger.store import Store
from dash_messenger.store.access import may_read_message
from dash_messenger.store.logs import MESSAGE_COLUMNS, message_of
from dash_messenger.store.tables import marks, messages
from dash_messenger.summaries import Membership, id_param, membership
from dash_messenger.users import Name, users_by_id

__all__ = ["History", "Views", "choose_view", "draw", "late_for", "select_messages"]

MAX_PAGE = 100
# Nothing follows a preview: it waits for its drawing as long as that may take.
PREVIEW_WITHIN_S = 10.0

Id = Annotated[str, Meta(max_length=64)]
Number = Annotated[int, Meta(ge=0, le=2**53)]
# Tells a connection, of a message, how it looks in a view.
TellDrawn: TypeAlias = Callable[[Any, Message, str, Raw], None]
Views = Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=8)]


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

    ``own`` has what the reader has put on some of the messages, by the message's id.
    """

    messages: list[Message]
    users: dict[str, Name]
    seq: int
    more_before: bool
    more_after: bool
    own: dict[str, Own] = {}


class MessageGet(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``message.get``: ids of messages, and views as in ``message.history``."""

    messages: Annotated[list[Id], Meta(min_length=1, max_length=MAX_PAGE)]
    views: Views = []


class MessagesFound(Struct, frozen=True):
    """Result of ``message.get``: those that there are and that the reader may see."""

    messages: list[Message]
    users: dict[str, Name]
    own: dict[str, Own] = {}


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
        *,
        rate_limits: bool,
    ) -> None:
        self._store = store
        self._renderer = renderer
        self._tell_drawn = tell_drawn
        self._preparation = preparation
        self._previews = Buckets(burst=60, per_s=2, enabled=rate_limits)
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
            ),
            Command(
                "message.get",
                MessageGet,
                MessagesFound,
                self.get,
                "Some messages by their ids.",
            ),
            Command(
                "message.preview",
                MessagePreview,
                Previewed,
                self.preview,
                "How a message would look, without sending it.",
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
            lambda connection: _page(connection, conversation, user, params)
        )
        view = choose_view(self._renderer, caller, params.views)
        late = late_for(caller, self._tell_drawn)
        drawn = await draw(self._renderer, page.messages, view, late)
        return replace(page, messages=drawn)

    async def get(self, caller: Caller, params: MessageGet) -> MessagesFound:
        """The messages; those that the reader may not see are left out."""
        user = caller.user_id
        ids = [id_param(id, "messages") for id in params.messages]

        def work(connection: Connection) -> MessagesFound:
            found = select_messages(
                connection,
                messages.c.id.in_(ids) & may_read_message(user),
            )
            senders = {one.sender for one in found}
            return MessagesFound(
                found, users_by_id(connection, senders), own_of(connection, user, found)
            )

        found = await self._store.read(work)
        view = choose_view(self._renderer, caller, params.views)
        late = late_for(caller, self._tell_drawn)
        return replace(found, messages=await draw(self._renderer, found.messages, view, late))

    async def preview(self, caller: Caller, params: MessagePreview) -> Previewed:
        """How the message would read and look. It is not prepared: nothing is looked up or stored.

        Raises:
            UnknownType, ContentInvalid: the content is not acceptable.
            ContentTooCostly: working on it takes too much.
            PluginFailed: the type's code failed.
            Busy, TimedOut: try again later.
        """
        self._previews.take(caller.user_id)
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
    rows = connection.execute(
        select(marks.c.message_id, marks.c.mark, marks.c.reactions).where(
            marks.c.message_id.in_([one.id for one in found]), marks.c.user_id == user
        )
    )
    return {
        row.message_id: Own(
            None if row.mark is None else Raw(row.mark),
            [] if row.reactions is None else msgspec.json.decode(row.reactions),
        )
        for row in rows
    }


def choose_view(renderer: Renderer, caller: Caller, wanted: Sequence[str]) -> str | None:
    """The view to draw in: the first of ``wanted`` there is, else what the connection has."""
    if wanted:
        return renderer.choose(wanted)
    return None if caller.connection is None else caller.connection.view


def late_for(caller: Caller, tell_drawn: TellDrawn) -> Late | None:
    """Tells the caller's connection of drawings that are not ready when the answer goes out."""
    return None if caller.connection is None else partial(tell_drawn, caller.connection)


async def draw(
    renderer: Renderer, found: Sequence[Message], view: str | None, late: Late | None = None
) -> list[Message]:
    """The messages with their drawings in ``view``, where they have one that is ready."""
    if view is None or not found:
        return list(found)
    drawn = await renderer.draw(found, [view], late=late)
    return [replace(one, view=drawn[(one.id, one.rev, view)]) for one in found]


def select_messages(connection: Connection, condition: ColumnElement[bool]) -> list[Message]:
    """The messages that fit, ascending by number."""
    rows = connection.execute(select(*MESSAGE_COLUMNS).where(condition).order_by(messages.c.number))
    return [message_of(row) for row in rows]


def _page(
    connection: Connection, conversation: str, user: str, params: MessageHistory
) -> HistoryPage:
    own = membership(connection, conversation, user)
    found = _between(connection, conversation, own, params)
    first, last = own.first_number, own.message_no
    if found:
        more_before, more_after = found[0].number > first, found[-1].number < last
    else:
        # Past one end: what there is lies on the other side.
        more_before = params.after is not None and first <= last
        more_after = params.before is not None and first <= last
    return HistoryPage(
        found,
        users_by_id(connection, {one.sender for one in found}),
        own.seq,
        more_before,
        more_after,
        own_of(connection, user, found),
    )


def _between(
    connection: Connection, conversation: str, own: Membership, params: MessageHistory
) -> list[Message]:
    # Numbers are dense: a page is an interval of them, read by the index alone.
    if params.after is not None:
        low = max(params.after + 1, own.first_number)
        high = low + params.limit - 1
    elif params.around is not None:
        low = params.around - params.limit // 2
        low = max(own.first_number, min(low, own.message_no - params.limit + 1))
        high = low + params.limit - 1
    else:
        high = own.message_no if params.before is None else params.before - 1
        high = min(high, own.message_no)
        low = max(high - params.limit + 1, own.first_number)
    return select_messages(
        connection,
        (messages.c.conversation_id == conversation) & messages.c.number.between(low, high),
    )
