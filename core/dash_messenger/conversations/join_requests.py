"""Who asks to join a group: the list for those who may invite, and their answers.

Owns both commands; the rows are `join_request_rows`'. Invariant: who was declined sees no
difference.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import Connection

from dash_messenger.accounts.policy import as_shown_to
from dash_messenger.conversations.access import Right, require
from dash_messenger.conversations.join_request_rows import (
    decline_request,
    find_request,
    waiting_requests,
)
from dash_messenger.conversations.memberships import join, present
from dash_messenger.errors import NotFound
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import User
from dash_messenger.store import Store, Transaction
from dash_messenger.store.rows import user_of

__all__ = ["JoinRequests"]

MAX_REQUESTS_PAGE = 200
# Before the first.
_FIRST = "0" * 32

Id = Annotated[str, Meta(max_length=64)]


class JoinRequestList(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.join_requests``; ``after`` is the last id of the page before."""

    conversation: Id
    after: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_REQUESTS_PAGE)] = MAX_REQUESTS_PAGE


class JoinRequest(Struct, frozen=True):
    """Somebody who asks to join: since when, and by which ``invitation``."""

    user: User
    at_ms: int
    invitation: str


class JoinRequestsFound(Struct, frozen=True):
    """Result of ``conversation.join_requests``: those that wait, in the order of users' ids."""

    requests: list[JoinRequest]
    more: bool


class JoinAnswer(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.join_answer``: whether somebody who asks may come in."""

    conversation: Id
    user: Id
    accept: bool


class JoinAnswered(Struct, frozen=True):
    """Result of ``conversation.join_answer``: as it is now."""

    user: str
    accepted: bool


class JoinRequests:
    """The commands ``conversation.join_requests`` and ``conversation.join_answer``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def commands(self) -> list[Command]:
        """What a client may ask about requests to join."""
        return [
            Command(
                "conversation.join_requests",
                JoinRequestList,
                JoinRequestsFound,
                self.list,
                "Who asks to join a group, a page at a time.",
                rate="cheap read",
            ),
            Command(
                "conversation.join_answer",
                JoinAnswer,
                JoinAnswered,
                self.answer,
                "Let somebody who asks into a group, or decline.",
                rate="change",
            ),
        ]

    async def list(self, caller: Caller, params: JoinRequestList) -> JoinRequestsFound:
        """Whose request waits.

        Raises:
            NotFound: not a member.
            Forbidden: the caller may invite nobody.
            Refused: a direct conversation.
        """
        user, conversation = caller.user_id, id_param(params.conversation)
        after = id_param(params.after, "after") if params.after else _FIRST

        def work(connection: Connection) -> JoinRequestsFound:
            require(connection, user, conversation, Right.INVITE)
            rows = waiting_requests(connection, conversation, after, params.limit + 1)
            page = rows[: params.limit]
            shown = as_shown_to(connection, user, map(user_of, page))
            return JoinRequestsFound(
                [
                    JoinRequest(one, row.asked_at_ms, row.invitation_id)
                    for one, row in zip(shown, page, strict=True)
                ],
                len(rows) > params.limit,
            )

        return await self._store.read(work)

    async def answer(self, caller: Caller, params: JoinAnswer) -> JoinAnswered:
        """The answer; giving the same again changes nothing. Who was declined may be let in later.

        Raises:
            NotFound: not a member, or the user does not ask.
            Forbidden: the caller may invite nobody.
            Refused: a direct conversation.
        """
        user, conversation = caller.user_id, id_param(params.conversation)
        other = id_param(params.user, "user")

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            require(connection, user, conversation, Right.INVITE)
            asked = find_request(connection, conversation, other)
            if asked is None:
                # Somebody else was faster: they are in.
                if params.accept and present(connection, conversation, [other]):
                    return
                raise NotFound
            if params.accept:
                join(transaction, conversation, user, [user_of(asked)], via="request")
            else:
                decline_request(transaction, conversation, user, other)

        await self._store.write(work)
        return JoinAnswered(other, params.accept)
