"""How many messages are unread: those beyond the read position, but for the deleted ones.

Owns the rule, whose cost does not grow with what is unread; `summaries` applies it to the list.
Must not know where a position comes from. Invariant: a message that was deleted before it was read
is unread for nobody.
"""

from __future__ import annotations

from sqlalchemy import (
    ColumnElement,
    Connection,
    ScalarSelect,
    bindparam,
    func,
    literal_column,
    select,
)

from dash_messenger.store.tables import conversations, messages

__all__ = ["deleted_beyond", "unread"]

# Of more deleted messages beyond a position only so many are left out, so that looking stays cheap.
MAX_DELETED_COUNTED = 100


def deleted_beyond(position: ColumnElement[int]) -> ScalarSelect[int]:
    """How many messages beyond ``position`` were deleted, in the query's row of a conversation."""
    found = (
        select(messages.c.number)
        .where(
            messages.c.conversation_id == conversations.c.id,
            messages.c.number > position,
            messages.c.deleted_at_ms.is_not(None),
        )
        .correlate_except(messages)
        .limit(literal_column(str(MAX_DELETED_COUNTED)))
        .subquery()
    )
    return select(func.count()).select_from(found).scalar_subquery()


def unread(connection: Connection, conversation: str, message_no: int, read_no: int) -> int:
    """How many messages up to ``message_no`` are unread for whoever has read to ``read_no``."""
    if message_no <= read_no:
        return 0
    values = {"unread_in": conversation, "unread_after": read_no}
    return max(0, message_no - read_no - connection.execute(_DELETED, values).scalar_one())


_DELETED = select(
    deleted_beyond(bindparam("unread_after", type_=conversations.c.message_no.type))
).where(conversations.c.id == bindparam("unread_in"))
