"""Requests: messages of people who may not write to one, which wait until one accepts or declines.

Owns the commands of family ``request``; the rows are `request_rows`', who may ask is `policy`'s.
Invariants: until it is accepted nothing but the text of a request is shown, and nothing of its
conversation; who is declined cannot tell.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import Connection

from dash_messenger.accounts.directory import (
    MAX_NAME_CHARACTERS,
    Name,
    find_other,
    users_by_id,
)
from dash_messenger.accounts.policy import require_unblocked
from dash_messenger.accounts.privacy_rows import log_end
from dash_messenger.accounts.request_rows import (
    MessageRequest,
    conversation_of,
    decline_request,
    has_come_in,
    is_asked,
    open_for,
    requests_page,
)
from dash_messenger.errors import NotFound
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import User
from dash_messenger.store import Store, Transaction

__all__ = ["MessageRequests"]

MAX_REQUESTS_PAGE = 200
# Before the first.
_FIRST = "0" * 32

Id = Annotated[str, Meta(max_length=64)]
Somebody = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]


class RequestList(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``request.list``; ``after`` is the last ``user`` of the page before."""

    after: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_REQUESTS_PAGE)] = MAX_REQUESTS_PAGE


class RequestsFound(Struct, frozen=True):
    """Result of ``request.list``, in the order of ids.

    It is as new as event ``seq`` of one's own log.
    """

    requests: list[MessageRequest]
    users: dict[str, Name]
    more: bool
    seq: int


class RequestAccept(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``request.accept``: an id or user name."""

    user: Somebody


class RequestAccepted(Struct, frozen=True):
    """Result of ``request.accept``: the conversation, which is in one's list now."""

    user: User
    conversation: str


class RequestDecline(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``request.decline``: an id or user name."""

    user: Somebody


class RequestDeclined(Struct, frozen=True):
    """Result of ``request.decline``."""

    user: User


class MessageRequests:
    """The commands of family ``request``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def commands(self) -> list[Command]:
        """What a client may ask about requests."""
        return [
            Command(
                "request.list",
                RequestList,
                RequestsFound,
                self.list,
                "Messages of people who may not write to one, a page at a time.",
                rate="cheap read",
            ),
            Command(
                "request.accept",
                RequestAccept,
                RequestAccepted,
                self.accept,
                "Have the conversation of somebody who wrote in one's list.",
                rate="change",
            ),
            Command(
                "request.decline",
                RequestDecline,
                RequestDeclined,
                self.decline,
                "Hear no more of somebody's message, without their knowing.",
                rate="change",
            ),
        ]

    async def list(self, caller: Caller, params: RequestList) -> RequestsFound:
        """A page of them, from one snapshot."""
        user = caller.user_id
        after = id_param(params.after, "after") if params.after else _FIRST

        def work(connection: Connection) -> RequestsFound:
            found, more = requests_page(connection, user, after, params.limit)
            people = users_by_id(connection, user, {one.user for one in found})
            return RequestsFound(found, people, more, log_end(connection, user))

        return await self._store.read(work)

    async def accept(self, caller: Caller, params: RequestAccept) -> RequestAccepted:
        """In one's list, now or before: also what was declined.

        Raises:
            UnknownUser: nobody is called so.
            NotFound: they have not written.
            BlockedByYou: they are blocked.
        """
        user, other = caller.user_id, await self._other(caller, params.user)

        def work(transaction: Transaction) -> RequestAccepted:
            connection = transaction.connection
            conversation = conversation_of(connection, user, other.id)
            if conversation is None:
                raise NotFound
            if not has_come_in(connection, conversation, user):
                if not is_asked(connection, user, other.id):
                    raise NotFound
                require_unblocked(connection, user, other.id)
                open_for(transaction, user, other.id, by=user)
            return RequestAccepted(other, conversation)

        return await self._store.write(work)

    async def decline(self, caller: Caller, params: RequestDecline) -> RequestDeclined:
        """Declined, if there was anything; whoever wrote is told nothing, and cannot write again.

        Raises:
            UnknownUser: nobody is called so.
        """
        user, other = caller.user_id, await self._other(caller, params.user)
        await self._store.write(lambda transaction: decline_request(transaction, user, other.id))
        return RequestDeclined(other)

    async def _other(self, caller: Caller, name: str) -> User:
        """Somebody else, by id or user name.

        Raises:
            UnknownUser: nobody is called so.
            InvalidParams: it is oneself.
        """
        user = caller.user_id
        return await self._store.read(lambda connection: find_other(connection, user, name))
