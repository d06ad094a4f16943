"""Blocking: nothing of somebody reaches one any more, and nothing of oneself reaches them.

Owns the commands ``user.block``, ``user.unblock`` and ``user.blocked``; what a block stops is
`policy`'s. Invariants: the other one is told nothing; what it ended, unblocking does not bring
back.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import Connection

from dash_messenger.accounts.contact_rows import asks, decline, telling_both, withdraw
from dash_messenger.accounts.directory import (
    MAX_NAME_CHARACTERS,
    Name,
    find_other,
    own_user,
    users_by_id,
)
from dash_messenger.accounts.privacy_rows import (
    block,
    blocked_page,
    blocked_since,
    count_blocked,
    log_end,
    unblock,
)
from dash_messenger.accounts.request_rows import decline_request, withdraw_request
from dash_messenger.errors import TooManyBlocks
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import User
from dash_messenger.store import Store, Transaction

__all__ = ["Blocks"]

MAX_BLOCKED_PAGE = 200
MAX_BLOCKED = 5_000
# Before the first.
_FIRST = "0" * 32

Id = Annotated[str, Meta(max_length=64)]
Somebody = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]


class UserBlock(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``user.block``: an id or user name."""

    user: Somebody


class UserUnblock(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``user.unblock``: an id or user name."""

    user: Somebody


class BlockNow(Struct, frozen=True):
    """Since when the caller has blocked somebody, null where they have not."""

    user: User
    since_ms: int | None


class UserBlocked(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``user.blocked``; ``after`` is the last ``user`` of the page before."""

    after: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_BLOCKED_PAGE)] = MAX_BLOCKED_PAGE


class Block(Struct, frozen=True):
    """Whom the caller has blocked, and since when."""

    user: str
    since_ms: int


class BlockedFound(Struct, frozen=True):
    """Result of ``user.blocked``, in the order of ids.

    It is as new as event ``seq`` of one's own log.
    """

    blocked: list[Block]
    users: dict[str, Name]
    more: bool
    seq: int


class Blocks:
    """The commands about blocking. ``introduce`` is told of whom others see otherwise."""

    def __init__(self, store: Store, introduce: Callable[[User], None]) -> None:
        self._store = store
        self._introduce = introduce

    def commands(self) -> list[Command]:
        """What a client may ask about blocking."""
        return [
            Command(
                "user.block",
                UserBlock,
                BlockNow,
                self.block,
                "Hear nothing more of somebody, without their knowing.",
                rate="change",
            ),
            Command(
                "user.unblock",
                UserUnblock,
                BlockNow,
                self.unblock,
                "Let somebody reach one again.",
                rate="change",
            ),
            Command(
                "user.blocked",
                UserBlocked,
                BlockedFound,
                self.blocked,
                "Whom one has blocked, a page at a time.",
                rate="cheap read",
            ),
        ]

    async def block(self, caller: Caller, params: UserBlock) -> BlockNow:
        """Blocked, now or before; requests between the two are over, a contact stays one.

        Once this returns, nothing more of the other reaches the caller.

        Raises:
            UnknownUser: nobody is called so.
            InvalidParams: it is oneself.
            TooManyBlocks: of others.
        """
        user = caller.user_id
        other = await self._store.read(lambda connection: find_other(connection, user, params.user))

        def work(transaction: Transaction) -> tuple[bool, User, BlockNow]:
            connection = transaction.connection
            since_ms = blocked_since(connection, user, other.id)
            own = own_user(connection, user)
            if since_ms is not None:
                return False, own, BlockNow(other, since_ms)
            if count_blocked(connection, user, MAX_BLOCKED) >= MAX_BLOCKED:
                raise TooManyBlocks(limit=MAX_BLOCKED)
            with telling_both(transaction, user, other.id):
                if asks(connection, other.id, user):
                    decline(transaction, user, other.id)
                withdraw(transaction, user, other.id)
            decline_request(transaction, user, other.id)
            withdraw_request(transaction, user, other.id)
            block(transaction, user, other)
            return True, own, BlockNow(other, transaction.now_ms)

        is_new, own, answer = await self._store.write(work)
        if is_new:
            self._introduce(own)
        return answer

    async def unblock(self, caller: Caller, params: UserUnblock) -> BlockNow:
        """Not blocked; what was refused meanwhile stays so.

        Raises:
            UnknownUser: nobody is called so.
            InvalidParams: it is oneself.
        """
        user = caller.user_id
        other = await self._store.read(lambda connection: find_other(connection, user, params.user))

        def work(transaction: Transaction) -> tuple[bool, User]:
            is_blocked = blocked_since(transaction.connection, user, other.id) is not None
            if is_blocked:
                unblock(transaction, user, other)
            return is_blocked, own_user(transaction.connection, user)

        was_blocked, own = await self._store.write(work)
        if was_blocked:
            self._introduce(own)
        return BlockNow(other, None)

    async def blocked(self, caller: Caller, params: UserBlocked) -> BlockedFound:
        """A page of them, from one snapshot."""
        user = caller.user_id
        after = id_param(params.after, "after") if params.after else _FIRST

        def work(connection: Connection) -> BlockedFound:
            found, more = blocked_page(connection, user, after, params.limit)
            people = users_by_id(connection, user, {id for id, _ in found})
            blocked = [Block(*one) for one in found]
            return BlockedFound(blocked, people, more, log_end(connection, user))

        return await self._store.read(work)
