"""Who reacted to a message, and who has read it.

Owns ``message.reacted_by`` and ``message.read_by``. Nothing is stored for it: what somebody reacted
with stands in their mark on the message, and who has read it is found from how far members have
read. Invariant: only who may read the message learns of either, and a page looks at a bounded
number of rows, however large the group.
"""

from __future__ import annotations

from collections.abc import Callable, Iterable
from typing import Annotated, Any

from msgspec import Meta, Struct
from sqlalchemy import Connection, Select, and_, bindparam, select

from dash_messenger.accounts.policy import as_shown_to, shows_receipt
from dash_messenger.characters import canonical_emoji
from dash_messenger.conversations.access import Right
from dash_messenger.errors import InvalidParams
from dash_messenger.ids import id_param
from dash_messenger.messages.reactions import MAX_EMOJI_CHARACTERS, put_by
from dash_messenger.messages.revisions import find
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import Message, User
from dash_messenger.store import Store
from dash_messenger.store.access import FIRST_NUMBER, IS_PRESENT
from dash_messenger.store.rows import USER_COLUMNS, user_of
from dash_messenger.store.tables import conversations, marks, members, read_positions, users

__all__ = ["MessagePeople"]

MAX_PEOPLE_PAGE = 200
# So many rows are decoded in about a millisecond; whoever asks goes on behind them.
MAX_LOOKED_AT = 1_000

Id = Annotated[str, Meta(max_length=64)]
Limit = Annotated[int, Meta(ge=1, le=MAX_PEOPLE_PAGE)]


class MessageReactedBy(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``message.reacted_by``; ``after`` is the ``next`` of the page before."""

    message: Id
    emoji: Annotated[str, Meta(min_length=1, max_length=MAX_EMOJI_CHARACTERS)]
    after: Id | None = None
    limit: Limit = MAX_PEOPLE_PAGE


class MessageReadBy(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``message.read_by``; ``after`` is the ``next`` of the page before."""

    message: Id
    after: Id | None = None
    limit: Limit = MAX_PEOPLE_PAGE


class PeoplePage(Struct, frozen=True):
    """People in the order of their ids; ``next`` is where the next page goes on, or null.

    A page may have fewer than were asked for, even none, and yet not be the last.
    """

    users: list[User]
    next: str | None


class MessagePeople:
    """The commands that tell who did something with a message."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "message.reacted_by",
                MessageReactedBy,
                PeoplePage,
                self.reacted_by,
                "Who put an emoji on a message, a page at a time.",
                rate="cheap read",
            ),
            Command(
                "message.read_by",
                MessageReadBy,
                PeoplePage,
                self.read_by,
                "Which members have read a message, but for its author and the caller.",
                rate="cheap read",
            ),
        ]

    async def reacted_by(self, caller: Caller, params: MessageReactedBy) -> PeoplePage:
        """A page of those who put the emoji, also of those who have left since.

        Raises:
            NotFound: no such message, deleted, or not for the caller.
            InvalidParams: this is no emoji.
        """
        emoji = canonical_emoji(params.emoji)
        if not emoji:
            raise InvalidParams(field="emoji", reason="is no emoji")

        def query(message: Message) -> Select[Any]:
            return (
                select(*USER_COLUMNS, marks.c.reactions)
                .select_from(marks.join(users, users.c.id == marks.c.user_id))
                .where(marks.c.message_id == message.id, marks.c.reactions.is_not(None))
                .order_by(marks.c.user_id)
            )

        return await self._page(
            caller, params, marks.c.user_id, query, lambda message, row: emoji in put_by(row[-1])
        )

    async def read_by(self, caller: Caller, params: MessageReadBy) -> PeoplePage:
        """A page of the members now who may read the message, have read as far and show it.

        Raises:
            NotFound: no such message, deleted, or not for the caller.
        """
        user = caller.user_id
        pending = self._store.pending_positions()

        def query(message: Message) -> Select[Any]:
            return (
                select(*USER_COLUMNS, read_positions.c.read_no)
                .select_from(
                    members.join(conversations, conversations.c.id == members.c.conversation_id)
                    .join(users, users.c.id == members.c.user_id)
                    .outerjoin(
                        read_positions,
                        and_(
                            read_positions.c.conversation_id == members.c.conversation_id,
                            read_positions.c.user_id == members.c.user_id,
                        ),
                    )
                )
                .where(
                    members.c.conversation_id == message.conversation,
                    IS_PRESENT,
                    message.number >= FIRST_NUMBER,
                    members.c.user_id.not_in([user, message.sender]),
                    shows_receipt(conversations.c.kind, members.c.user_id, bindparam("viewer")),
                )
                .order_by(members.c.user_id)
            )

        def has_read(message: Message, row: Any) -> bool:
            unstored = pending(message.conversation, row.id)
            return max(row.read_no or 0, unstored) >= message.number

        return await self._page(caller, params, members.c.user_id, query, has_read)

    async def _page(
        self,
        caller: Caller,
        params: MessageReactedBy | MessageReadBy,
        place: Any,
        query: Callable[[Message], Select[Any]],
        belongs: Callable[[Message, Any], bool],
    ) -> PeoplePage:
        user, message = caller.user_id, id_param(params.message, "message")
        after = id_param(params.after, "after") if params.after else None

        def work(connection: Connection) -> PeoplePage:
            found = find(connection, message, user)
            found.require(user, Right.READ)
            wanted = query(found.message).limit(MAX_LOOKED_AT)
            if after is not None:
                wanted = wanted.where(place > after)
            rows = connection.execute(wanted, {"viewer": user}).all()
            shown, end = _first((row for row in rows if belongs(found.message, row)), params.limit)
            if end is None and len(rows) == MAX_LOOKED_AT:
                end = rows[-1].id
            return PeoplePage(as_shown_to(connection, user, map(user_of, shown)), end)

        return await self._store.read(work)


def _first(rows: Iterable[Any], limit: int) -> tuple[list[Any], str | None]:
    """The first rows, and the last one's id if there are more."""
    shown: list[Any] = []
    for row in rows:
        if len(shown) == limit:
            return shown, shown[-1].id
        shown.append(row)
    return shown, None
