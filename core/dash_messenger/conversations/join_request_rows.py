"""Who asks to join a group: the rows, and who is told.

Owns both. Must not know commands. Invariants: a request changes in the same transaction as the
events that say so to those who may answer it, and to nobody else; what was declined stays, so that
asking again is the same request; who is in the group, or banned from it, asks for nothing.
"""

from __future__ import annotations

from typing import Any

from sqlalchemy import Connection, bindparam, delete, insert, select, update

from dash_messenger.conversations.access import STANDING, Right, rights_of
from dash_messenger.protocol.events import JoinRequestUpdated
from dash_messenger.protocol.models import User
from dash_messenger.store import Transaction
from dash_messenger.store.access import IS_PRESENT
from dash_messenger.store.rows import USER_COLUMNS, user_of
from dash_messenger.store.tables import (
    IS_ABOVE_MEMBERS,
    conversations,
    join_requests,
    members,
    users,
)

__all__ = [
    "add_request",
    "decline_request",
    "find_request",
    "has_asked",
    "settle_requests",
    "waiting_requests",
]

_r = join_requests.c
_OF_USER = (_r.conversation_id == bindparam("in_conversation")) & (_r.user_id == bindparam("user"))
# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_ASKED = select(_r.asked_at_ms).where(_OF_USER)
_REQUESTS = (
    select(*USER_COLUMNS, _r.invitation_id, _r.asked_at_ms, _r.declined_at_ms)
    .join(join_requests, _r.user_id == users.c.id)
    .where(_r.conversation_id == bindparam("in_conversation"), users.c.deactivated_at_ms.is_(None))
)
_REQUEST = _REQUESTS.where(_r.user_id == bindparam("user"))
_WAITING = (
    _REQUESTS.where(_r.declined_at_ms.is_(None), _r.user_id > bindparam("after"))
    .order_by(_r.user_id)
    .limit(bindparam("limit"))
)
_ADD = insert(join_requests)
_DECLINE = (
    update(join_requests)
    .where(_OF_USER, _r.declined_at_ms.is_(None))
    .values(declined_at_ms=bindparam("now_ms"))
)
_SETTLE = (
    delete(join_requests)
    .where(
        _r.conversation_id == bindparam("in_conversation"),
        _r.user_id.in_(bindparam("users", expanding=True)),
    )
    .returning(_r.user_id, _r.declined_at_ms)
)
_USER = select(*USER_COLUMNS).where(users.c.id == bindparam("user"))
_ABOVE = (
    select(members.c.user_id, *STANDING)
    .join(conversations, conversations.c.id == members.c.conversation_id)
    .join(users, users.c.id == members.c.user_id)
    .where(members.c.conversation_id == bindparam("in_conversation"), IS_ABOVE_MEMBERS, IS_PRESENT)
)


def has_asked(connection: Connection, conversation: str, user: str) -> bool:
    """Whether somebody asks to join; who was declined does not know that they do so no longer."""
    asked = {"in_conversation": conversation, "user": user}
    return connection.execute(_ASKED, asked).first() is not None


def find_request(connection: Connection, conversation: str, user: str) -> Any:
    """Somebody's request beside their columns, declined or not, or None."""
    asked = {"in_conversation": conversation, "user": user}
    return connection.execute(_REQUEST, asked).first()


def waiting_requests(
    connection: Connection, conversation: str, after: str, limit: int
) -> list[Any]:
    """Those that wait, in the order of ids, beside the columns of who asks."""
    asked = {"in_conversation": conversation, "after": after, "limit": limit}
    return list(connection.execute(_WAITING, asked))


def add_request(transaction: Transaction, conversation: str, user: str, invitation: str) -> None:
    """Have somebody ask, if they do not already."""
    if has_asked(transaction.connection, conversation, user):
        return
    transaction.connection.execute(
        _ADD,
        {
            "conversation_id": conversation,
            "user_id": user,
            "invitation_id": invitation,
            "asked_at_ms": transaction.now_ms,
        },
    )
    _tell(transaction, conversation, user, user, waiting=True)


def decline_request(transaction: Transaction, conversation: str, by: str, user: str) -> None:
    """Have a request wait no longer, which who asks is not told."""
    declined = transaction.connection.execute(
        _DECLINE,
        {"in_conversation": conversation, "user": user, "now_ms": transaction.now_ms},
    )
    if declined.rowcount:
        _tell(transaction, conversation, by, user, waiting=False)


def settle_requests(transaction: Transaction, conversation: str, by: str, ids: list[str]) -> None:
    """Forget what these people ask: they are in the group now, or may not come."""
    settled = transaction.connection.execute(
        _SETTLE, {"in_conversation": conversation, "users": ids}
    ).all()
    for user, declined_at_ms in settled:
        if declined_at_ms is None:
            _tell(transaction, conversation, by, user, waiting=False)


def _tell(
    transaction: Transaction, conversation: str, by: str, user: str, *, waiting: bool
) -> None:
    """Tell those who may answer: nobody may who is no more than a member."""
    connection = transaction.connection
    asking = user_of(connection.execute(_USER, {"user": user}).one())
    data = JoinRequestUpdated(
        conversation, User(asking.id, asking.username, asking.display_name), waiting
    )
    for row in connection.execute(_ABOVE, {"in_conversation": conversation}).all():
        if Right.INVITE in rights_of(row):
            transaction.append(row.user_id, by, data)
