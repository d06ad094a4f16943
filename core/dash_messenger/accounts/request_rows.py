"""Messages that wait to be accepted: the rows of requests, and how a conversation is opened.

Owns these rows, but for the one that `store/message_inserts` writes with the message, and the row
of a member who has not come in yet: their membership ended before it began, so that they are no
member for anything that asks. Must not know commands. Invariants: whoever was asked is told in the
transaction that changes what waits for them, and nobody else is; what was declined looks to its
sender as if nobody had answered; what is opened once stays so.
"""

from __future__ import annotations

from typing import Any

from msgspec import Struct
from sqlalchemy import (
    BindParameter,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)

from dash_messenger.protocol.events import ConversationAdded, MemberJoined, RequestUpdated
from dash_messenger.protocol.models import User
from dash_messenger.store import Transaction
from dash_messenger.store.access import IS_PRESENT
from dash_messenger.store.consent import mark_refusals
from dash_messenger.store.tables import conversations, members, message_requests, messages, users

__all__ = [
    "MAX_TEXT_CHARACTERS",
    "MessageRequest",
    "await_member",
    "conversation_of",
    "decline_request",
    "has_come_in",
    "is_asked",
    "open_for",
    "requests_page",
    "was_asked",
    "withdraw_message",
    "withdraw_request",
]

# Enough to decide by; a page of them fits into `MAX_PAGE_BYTES`.
MAX_TEXT_CHARACTERS = 1_000


class MessageRequest(Struct, frozen=True):
    """A message that waits, without all but its ``text``, of which the beginning is here."""

    user: str
    since_ms: int
    text: str | None


# All statements are made once: SQLAlchemy takes longer to build one than SQLite to run it.
_USER: BindParameter[str] = bindparam("user")
_OTHER: BindParameter[str] = bindparam("other")
_CONVERSATION: BindParameter[str] = bindparam("conversation")
_r = message_requests.c
_TO_USER = (_r.to_id == _USER) & (_r.from_id == _OTHER)
_WAITS = _r.declined_at_ms.is_(None) & _r.withdrawn_at_ms.is_(None)
_PAGE = (
    select(
        _r.from_id.label("user"),
        _r.asked_at_ms.label("since_ms"),
        func.substr(
            messages.c.text, literal_column("1"), literal_column(str(MAX_TEXT_CHARACTERS))
        ).label("text"),
    )
    .join(messages, messages.c.id == _r.message_id)
    .where(_r.to_id == _USER, _WAITS, _r.from_id > bindparam("after"))
    .order_by(_r.from_id)
    .limit(bindparam("limit"))
)
_NOT_WITHDRAWN = _r.withdrawn_at_ms.is_(None)
_WAS_ASKED = select(_r.from_id).where(_TO_USER)
_IS_ASKED = _WAS_ASKED.where(_NOT_WITHDRAWN)
_DECLINE = (
    update(message_requests)
    .where(_TO_USER, _WAITS)
    .values(declined_at_ms=bindparam("now_ms"))
    .returning(_r.from_id)
)
_WITHDRAW = update(message_requests).values(withdrawn_at_ms=bindparam("now_ms"))
_WITHDRAWN = (_r.to_id, _r.declined_at_ms)
_WITHDRAW_FROM = _WITHDRAW.where(_r.from_id == _USER, _r.to_id == _OTHER, _NOT_WITHDRAWN).returning(
    *_WITHDRAWN
)
_WITHDRAW_MESSAGE = _WITHDRAW.where(
    _r.from_id == _USER, _r.message_id == bindparam("message"), _NOT_WITHDRAWN
).returning(*_WITHDRAWN)
_FORGET = delete(message_requests).where(_TO_USER).returning(_r.declined_at_ms, _r.withdrawn_at_ms)
_PERSON = select(users.c.username, users.c.display_name).where(users.c.id == _USER)
_OF_PAIR = select(conversations.c.id).where(conversations.c.direct_key == bindparam("pair"))
_MEMBER = (members.c.conversation_id == _CONVERSATION) & (members.c.user_id == _USER)
_STANDS = select(members.c.to_seq).where(_MEMBER)
_COME_IN = (
    update(members)
    .where(_MEMBER, ~IS_PRESENT)
    .values(to_seq=None, joined_at_ms=bindparam("now_ms"))
)


def requests_page(
    connection: Connection, user: str, after: str, limit: int
) -> tuple[list[MessageRequest], bool]:
    """A page of what waits for ``user``, in the order of senders' ids; whether there is more."""
    asked = {"user": user, "after": after, "limit": limit + 1}
    rows = connection.execute(_PAGE, asked).all()
    return [MessageRequest(row.user, row.since_ms, row.text) for row in rows[:limit]], len(
        rows
    ) > limit


def is_asked(connection: Connection, user: str, other: str) -> bool:
    """Whether ``other`` has asked ``user``, who may have declined."""
    return connection.execute(_IS_ASKED, {"user": user, "other": other}).first() is not None


def was_asked(connection: Connection, user: str, other: str) -> bool:
    """The same, also of what its sender has taken back."""
    return connection.execute(_WAS_ASKED, {"user": user, "other": other}).first() is not None


def conversation_of(connection: Connection, user: str, other: str) -> str | None:
    """The direct conversation of two people, if there is one."""
    found: str | None = connection.execute(_OF_PAIR, {"pair": _pair(user, other)}).scalar()
    return found


def has_come_in(connection: Connection, conversation: str, user: str) -> bool:
    """Whether somebody of a direct conversation is its member: not who has yet to accept it."""
    return (
        connection.execute(_STANDS, {"conversation": conversation, "user": user}).scalar_one()
        is None
    )


def await_member(transaction: Transaction, conversation: str, user: str) -> None:
    """Have the other one of a new direct conversation come in once they accept."""
    transaction.connection.execute(
        insert(members),
        {
            "conversation_id": conversation,
            "user_id": user,
            "from_seq": 1,
            "from_number": 1,
            "to_seq": 0,
            "joined_at_ms": transaction.now_ms,
        },
    )


def decline_request(transaction: Transaction, user: str, other: str) -> None:
    """Have ``user`` hear no more of what ``other`` wrote, if it waits."""
    asked = {"user": user, "other": other, "now_ms": transaction.now_ms}
    if transaction.connection.execute(_DECLINE, asked).first() is not None:
        _tell_gone(transaction, user, other, by=user)


def withdraw_request(transaction: Transaction, user: str, other: str) -> None:
    """Have what ``user`` wrote to ``other`` wait no more, if it does."""
    _withdraw(transaction, _WITHDRAW_FROM, user, {"other": other})


def withdraw_message(transaction: Transaction, user: str, message: str) -> None:
    """The same of a message of ``user``, which may be none of those that wait."""
    _withdraw(transaction, _WITHDRAW_MESSAGE, user, {"message": message})


def _withdraw(transaction: Transaction, statement: Any, user: str, which: dict[str, str]) -> None:
    asked = {"user": user, "now_ms": transaction.now_ms, **which}
    row = transaction.connection.execute(statement, asked).first()
    if row is not None and row.declined_at_ms is None:
        _tell_gone(transaction, row.to_id, user, by=user)


def open_for(transaction: Transaction, user: str, other: str, *, by: str) -> None:
    """Have ``user`` be a member of the direct conversation that ``other`` began, if there is one.

    What ``other`` wrote waits no more, be it declined or not.
    """
    connection, between = transaction.connection, {"user": user, "other": other}
    conversation = conversation_of(connection, user, other)
    if conversation is None:
        return
    come_in = {"user": user, "conversation": conversation, "now_ms": transaction.now_ms}
    if not connection.execute(_COME_IN, come_in).rowcount:
        return
    request = connection.execute(_FORGET, between).first()
    mark_refusals(connection, user, other)
    transaction.append(conversation, by, MemberJoined(_person(connection, user), from_number=1))
    transaction.append(user, by, ConversationAdded(conversation))
    if request is not None and request.declined_at_ms is None and request.withdrawn_at_ms is None:
        _tell_gone(transaction, user, other, by=by)


def _tell_gone(transaction: Transaction, user: str, other: str, *, by: str) -> None:
    person = _person(transaction.connection, other)
    transaction.append(user, by, RequestUpdated(person, None))


def _person(connection: Connection, user: str) -> User:
    row = connection.execute(_PERSON, {"user": user}).one()
    return User(user, row.username, row.display_name)


def _pair(user: str, other: str) -> str:
    return ":".join(sorted((user, other)))
