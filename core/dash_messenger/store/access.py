"""Who may read what: the conditions *is a member now* and *may read this message*.

Owns both, for every query that asks; must not know commands or connections. Invariant: a member
reads the messages from the number on that their membership began with, all of them where the
conversation shows its history to everybody, and nothing that they have deleted for themselves;
somebody who left, or was removed, reads nothing.

What a member learns of events about messages that they may not read: `is_hidden` and `hide` in
`protocol/events`.
"""

from __future__ import annotations

from typing import TypeAlias

from sqlalchemy import (
    BindParameter,
    ColumnElement,
    Connection,
    and_,
    case,
    exists,
    literal_column,
    select,
)

from dash_messenger.store.tables import conversations, members, messages, sessions, users

__all__ = [
    "FIRST_NUMBER",
    "FIRST_SEQ",
    "IS_PRESENT",
    "is_member",
    "is_open",
    "may_read_message",
    "session_is_open",
]

# An id, or where one goes in a statement that is made once.
UserParam: TypeAlias = str | BindParameter[str]

# Of a row of `members`: whether it is of somebody who is in the conversation now.
IS_PRESENT: ColumnElement[bool] = members.c.to_seq.is_(None)

# Written into the statements: each value that is bound costs 4 µs whenever one of them is run.
_SHOWS_ALL = and_(
    conversations.c.history == literal_column("'all'"), members.c.cleared_no.is_(None)
)
_ONE: ColumnElement[int] = literal_column("1")

# Of a row of `members` joined with its conversation: where what the member may read begins.
FIRST_NUMBER: ColumnElement[int] = case((_SHOWS_ALL, _ONE), else_=members.c.from_number)
FIRST_SEQ: ColumnElement[int] = case((_SHOWS_ALL, _ONE), else_=members.c.from_seq)


def is_member(
    user: UserParam, conversation: ColumnElement[str] | str = conversations.c.id
) -> ColumnElement[bool]:
    """Whether a row of `members` says that ``user`` is in ``conversation`` now."""
    return (members.c.conversation_id == conversation) & (members.c.user_id == user) & IS_PRESENT


def may_read_message(user: UserParam) -> ColumnElement[bool]:
    """Whether ``user`` may read the message of a row of `messages` now."""
    return (
        exists()
        .where(
            is_member(user, messages.c.conversation_id),
            conversations.c.id == messages.c.conversation_id,
            messages.c.number >= FIRST_NUMBER,
        )
        # Whatever else the query joins: these are rows of its own.
        .correlate(messages)
    )


def session_is_open(now_ms: int | ColumnElement[int]) -> ColumnElement[bool]:
    """Whether a session may act: a condition on a row of `sessions` joined with its user."""
    return and_(
        sessions.c.closed_at_ms.is_(None),
        sessions.c.expires_at_ms > now_ms,
        users.c.deactivated_at_ms.is_(None),
    )


def is_open(connection: Connection, session: str, now_ms: int) -> bool:
    """Whether a session that was open still is."""
    row = connection.execute(
        select(sessions.c.id)
        .join(users, users.c.id == sessions.c.user_id)
        .where(sessions.c.id == session, session_is_open(now_ms))
    ).first()
    return row is not None
