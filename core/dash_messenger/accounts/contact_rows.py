"""What two people are to each other: the rows of contacts and of requests, and their events.

Owns these rows and what each of the two sees of them. Must not know commands. Invariants: somebody
is one thing to another, of contact, sent and received; being contacts is mutual; whoever sees
something change is told in the transaction that changes it, and nobody else is. What was declined
looks to the one who asked as if nobody had answered.
"""

from __future__ import annotations

from collections.abc import Collection, Iterator
from contextlib import contextmanager
from typing import Any

from msgspec import UNSET
from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    Select,
    bindparam,
    delete,
    func,
    insert,
    literal_column,
    select,
    update,
)

from dash_messenger.accounts.request_rows import open_for
from dash_messenger.folding import words_of
from dash_messenger.protocol.events import ContactUpdated
from dash_messenger.protocol.models import Contact, User
from dash_messenger.store import Transaction
from dash_messenger.store.tables import contact_requests, contacts, users

__all__ = [
    "PAGES",
    "ask",
    "asks",
    "befriend",
    "contact_in",
    "contacts_among",
    "decline",
    "end",
    "is_active",
    "knows",
    "open_requests",
    "put_label",
    "telling_both",
    "withdraw",
]

# All statements are made once: SQLAlchemy takes longer to build one than SQLite to run it.
_USER: BindParameter[str] = bindparam("user")
_OTHER: BindParameter[str] = bindparam("other")
_c, _r = contacts.c, contact_requests.c
_IS_OPEN = _r.withdrawn_at_ms.is_(None)
_NONE: ColumnElement[None] = literal_column("NULL")

# Rows of one shape, by what somebody is. Each with the column of that somebody.
_STATES: dict[str, tuple[Select[Any], Any]] = {
    "contact": (
        select(
            _c.contact_id.label("user"), _c.since_ms, _c.label.label("called"), _NONE.label("note")
        ).where(_c.user_id == _USER),
        _c.contact_id,
    ),
    "sent": (
        select(
            _r.to_id.label("user"), _r.asked_at_ms.label("since_ms"), _NONE.label("called"), _r.note
        ).where(_r.from_id == _USER, _IS_OPEN),
        _r.to_id,
    ),
    "received": (
        select(
            _r.from_id.label("user"),
            _r.asked_at_ms.label("since_ms"),
            _NONE.label("called"),
            _r.note,
        ).where(_r.to_id == _USER, _r.declined_at_ms.is_(None), _IS_OPEN),
        _r.from_id,
    ),
}
# A page of each state in the order of ids; parameters: ``user``, ``after``, ``limit``.
PAGES: dict[str, Select[Any]] = {
    state: query.where(other > bindparam("after")).order_by(other).limit(bindparam("limit"))
    for state, (query, other) in _STATES.items()
}
_AMONG = {
    state: query.where(other.in_(bindparam("others", expanding=True)))
    for state, (query, other) in _STATES.items()
}

_PERSON = select(users.c.username, users.c.display_name).where(users.c.id == _USER)
_ACTIVE = select(users.c.id).where(users.c.id == _USER, users.c.deactivated_at_ms.is_(None))
_OPEN = select(func.count()).select_from(
    select(_r.to_id).where(_r.from_id == _USER, _IS_OPEN).limit(bindparam("limit")).subquery()
)
_OWN_REQUEST = (_r.from_id == _USER) & (_r.to_id == _OTHER)
_REQUEST = select(_r.withdrawn_at_ms).where(_OWN_REQUEST)
_ASK_AGAIN = (
    update(contact_requests)
    .where(_OWN_REQUEST)
    .values(withdrawn_at_ms=None, note=bindparam("said"))
)
_WITHDRAW = (
    update(contact_requests)
    .where(_OWN_REQUEST, _IS_OPEN)
    .values(withdrawn_at_ms=bindparam("now_ms"))
)
_DECLINE = update(contact_requests).where(_OWN_REQUEST).values(declined_at_ms=bindparam("now_ms"))
_FORGET_REQUEST = delete(contact_requests).where(_OWN_REQUEST)
_OWN_CONTACT = (_c.user_id == _USER) & (_c.contact_id == _OTHER)
_FORGET_CONTACT = delete(contacts).where(_OWN_CONTACT)
_LABEL = (
    update(contacts)
    .where(_OWN_CONTACT)
    .values(label=bindparam("called"), label_words=bindparam("words"))
)


def contacts_among(
    connection: Connection, user: str, others: Collection[str]
) -> dict[str, Contact]:
    """What each of ``others`` is to ``user``, by id; who is nothing to them is left out."""
    if not others:
        return {}
    asked = {"user": user, "others": list(others)}
    return {
        row.user: contact_in(row, state)
        for state, query in _AMONG.items()
        for row in connection.execute(query, asked)
    }


def contact_in(row: Any, state: Any) -> Contact:
    """The contact in a row of a page of that state."""
    return Contact(
        row.user,
        state,
        row.since_ms,
        UNSET if row.called is None else row.called,
        UNSET if row.note is None else row.note,
    )


def is_active(connection: Connection, user: str) -> bool:
    """Whether somebody has an account that is not deactivated."""
    return connection.execute(_ACTIVE, {"user": user}).first() is not None


def open_requests(connection: Connection, user: str, most: int) -> int:
    """How many requests of ``user`` have no answer that they know of, counted up to ``most``."""
    return int(connection.execute(_OPEN, {"user": user, "limit": most}).scalar_one())


def asks(connection: Connection, user: str, other: str) -> bool:
    """Whether ``user`` waits for an answer of ``other``, who may have declined."""
    row = connection.execute(_REQUEST, {"user": user, "other": other}).first()
    return row is not None and row.withdrawn_at_ms is None


def knows(connection: Connection, user: str, other: str) -> bool:
    """Whether ``user`` has a contact in ``other``, asks them, or ever did."""
    if connection.execute(_REQUEST, {"user": user, "other": other}).first() is not None:
        return True
    return bool(contacts_among(connection, user, [other]))


@contextmanager
def telling_both(transaction: Transaction, user: str, other: str) -> Iterator[None]:
    """Tell each of the two what the other is to them after the block, if they see it change."""
    connection = transaction.connection
    # In one order, whoever acts: two who act on each other at once wait for the same log first.
    sides = sorted(((user, other), (other, user)))
    before = [_seen(connection, *side) for side in sides]
    yield
    for (viewer, seen), earlier in zip(sides, before, strict=True):
        now = _seen(connection, viewer, seen)
        if now != earlier:
            person = connection.execute(_PERSON, {"user": seen}).one()
            named = User(seen, person.username, person.display_name)
            transaction.append(viewer, user, ContactUpdated(named, now))


def _seen(connection: Connection, viewer: str, seen: str) -> Contact | None:
    return contacts_among(connection, viewer, [seen]).get(seen)


def ask(transaction: Transaction, user: str, other: str, note: str | None) -> bool:
    """Have ``user`` ask ``other``; whether it is the first time.

    One who declined, and one who was asked before, is asked the same once more.
    """
    connection, between = transaction.connection, {"user": user, "other": other}
    if connection.execute(_REQUEST, between).first() is not None:
        connection.execute(_ASK_AGAIN, {**between, "said": note})
        return False
    connection.execute(
        insert(contact_requests).values(
            from_id=user, to_id=other, note=note, asked_at_ms=transaction.now_ms
        )
    )
    return True


def withdraw(transaction: Transaction, user: str, other: str) -> None:
    """Take the request of ``user`` back, if there is one."""
    now_ms = transaction.now_ms
    transaction.connection.execute(_WITHDRAW, {"user": user, "other": other, "now_ms": now_ms})


def decline(transaction: Transaction, user: str, other: str) -> None:
    """Have ``user`` hear no more of what ``other`` asks, if they do."""
    now_ms = transaction.now_ms
    transaction.connection.execute(_DECLINE, {"user": other, "other": user, "now_ms": now_ms})


def befriend(transaction: Transaction, user: str, other: str) -> None:
    """Have ``user`` make two people contacts of each other; nobody asks any more.

    A message of one that the other has not accepted is accepted by it.
    """
    for one, another in ((user, other), (other, user)):
        transaction.connection.execute(_FORGET_REQUEST, {"user": one, "other": another})
        transaction.connection.execute(
            insert(contacts).values(user_id=one, contact_id=another, since_ms=transaction.now_ms)
        )
        open_for(transaction, one, another, by=user)


def end(transaction: Transaction, user: str, other: str) -> None:
    """Make two people contacts no longer, if they are."""
    for one, another in ((user, other), (other, user)):
        transaction.connection.execute(_FORGET_CONTACT, {"user": one, "other": another})


def put_label(transaction: Transaction, user: str, other: str, label: str | None) -> None:
    """Have ``user`` call a contact so, and find them by it."""
    words = None if label is None else "".join(f" {word}" for word in words_of(label))
    transaction.connection.execute(
        _LABEL, {"user": user, "other": other, "called": label, "words": words}
    )
