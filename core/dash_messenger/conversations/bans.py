"""Who may not come back into a group: banning somebody, lifting that, and the list of the banned.

Owns the rows. Who may is `access`'s. Invariants: nobody is a member of a group and banned from it;
a ban changes in the same transaction as the event that says so.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import Connection, delete, insert, select

from dash_messenger.accounts.policy import as_shown_to
from dash_messenger.conversations.access import Right, require, require_over
from dash_messenger.conversations.join_request_rows import settle_requests
from dash_messenger.conversations.memberships import end_membership, present
from dash_messenger.errors import InvalidParams, NotFound
from dash_messenger.ids import id_param
from dash_messenger.protocol import events
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import User
from dash_messenger.store import Store, Transaction
from dash_messenger.store.rows import USER_COLUMNS, user_of
from dash_messenger.store.tables import bans, users

__all__ = ["Bans", "is_banned"]

MAX_BANNED_PAGE = 200

Id = Annotated[str, Meta(max_length=64)]


class ConversationBan(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.ban``: ``user`` need not be a member."""

    conversation: Id
    user: Id


class ConversationUnban(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.unban``."""

    conversation: Id
    user: Id


class BanChanged(Struct, frozen=True):
    """Result of ``conversation.ban`` and ``conversation.unban``: as it is now."""

    user: str
    banned: bool


class ConversationBanned(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.banned``; ``after`` is the last id of the page before."""

    conversation: Id
    after: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_BANNED_PAGE)] = MAX_BANNED_PAGE


class Banned(Struct, frozen=True):
    """Somebody who cannot be added: who banned them, and when."""

    user: User
    by: str
    at_ms: int


class BannedFound(Struct, frozen=True):
    """Result of ``conversation.banned``, in the order of ids."""

    banned: list[Banned]
    more: bool


class Bans:
    """The commands of family ``conversation`` about bans."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def commands(self) -> list[Command]:
        """What a client may ask about bans."""
        return [
            Command(
                "conversation.ban",
                ConversationBan,
                BanChanged,
                self.ban,
                "Remove somebody from a group, and let nobody add them.",
                rate="change",
            ),
            Command(
                "conversation.unban",
                ConversationUnban,
                BanChanged,
                self.unban,
                "Let somebody who was banned be added again.",
                rate="change",
            ),
            Command(
                "conversation.banned",
                ConversationBanned,
                BannedFound,
                self.banned,
                "Who is banned from a group, a page at a time.",
                rate="cheap read",
            ),
        ]

    async def ban(self, caller: Caller, params: ConversationBan) -> BanChanged:
        """Once this returns, nothing later of the conversation reaches the user.

        Raises:
            InvalidParams: oneself.
            NotFound: not a member oneself, or there is no such user.
            Forbidden: the caller may not ban them.
            Refused: a direct conversation.
        """
        user = caller.user_id
        conversation, other = id_param(params.conversation), id_param(params.user, "user")
        if other == user:
            raise InvalidParams(field="user", reason="nobody bans themselves")

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            require(connection, user, conversation, Right.BAN)
            if present(connection, conversation, [other]):
                require_over(connection, user, conversation, Right.BAN, other)
                end_membership(transaction, conversation, user, other)
            elif connection.execute(select(users.c.id).where(users.c.id == other)).first() is None:
                raise NotFound
            elif is_banned(connection, conversation, other):
                return
            connection.execute(
                insert(bans).values(
                    conversation_id=conversation,
                    user_id=other,
                    by_id=user,
                    at_ms=transaction.now_ms,
                )
            )
            transaction.append(conversation, user, events.MemberBanned(other, on=True))
            settle_requests(transaction, conversation, user, [other])

        await self._store.write(work)
        return BanChanged(other, banned=True)

    async def unban(self, caller: Caller, params: ConversationUnban) -> BanChanged:
        """They may be added again, as somebody who was not banned may be.

        Raises:
            NotFound: not a member oneself.
            Forbidden: the caller may ban nobody.
            Refused: a direct conversation.
        """
        user = caller.user_id
        conversation, other = id_param(params.conversation), id_param(params.user, "user")

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            require(connection, user, conversation, Right.BAN)
            if not is_banned(connection, conversation, other):
                return
            connection.execute(
                delete(bans).where(bans.c.conversation_id == conversation, bans.c.user_id == other)
            )
            transaction.append(conversation, user, events.MemberBanned(other, on=False))

        await self._store.write(work)
        return BanChanged(other, banned=False)

    async def banned(self, caller: Caller, params: ConversationBanned) -> BannedFound:
        """Who is banned now.

        Raises:
            NotFound: not a member oneself.
            Forbidden: the caller may ban nobody.
            Refused: a direct conversation.
        """
        user, conversation = caller.user_id, id_param(params.conversation)
        after = id_param(params.after, "after") if params.after else None

        def work(connection: Connection) -> BannedFound:
            require(connection, user, conversation, Right.BAN)
            query = (
                select(*USER_COLUMNS, bans.c.by_id, bans.c.at_ms)
                .join(bans, bans.c.user_id == users.c.id)
                .where(bans.c.conversation_id == conversation)
                .order_by(bans.c.user_id)
                .limit(params.limit + 1)
            )
            if after is not None:
                query = query.where(bans.c.user_id > after)
            rows = connection.execute(query).all()
            page = rows[: params.limit]
            shown = as_shown_to(connection, user, map(user_of, page))
            return BannedFound(
                [Banned(one, row.by_id, row.at_ms) for one, row in zip(shown, page, strict=True)],
                len(rows) > params.limit,
            )

        return await self._store.read(work)


def is_banned(connection: Connection, conversation: str, user: str) -> bool:
    """Whether somebody cannot come into a group."""
    found = select(bans.c.user_id).where(
        bans.c.conversation_id == conversation, bans.c.user_id == user
    )
    return connection.execute(found).first() is not None
