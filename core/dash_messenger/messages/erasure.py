"""Erasing messages: what is taken from the tables when nobody may read them any more.

Owns what is left of a message that was deleted: number, author and times. Must not know who may
delete. Invariant: content, older revisions, reactions and references to files go in one
transaction. What both of a direct conversation have deleted is erased in the background, some
messages at a time, so that other writes get their turns.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from functools import partial

from sqlalchemy import BindParameter, Connection, bindparam, delete, select, update

from dash_messenger.background import Timer
from dash_messenger.conversations.deletion import cleared_for_all
from dash_messenger.store import Store, Transaction
from dash_messenger.store.blob_references import forget
from dash_messenger.store.tables import blob_references, marks, messages, revisions

__all__ = ["ERASED", "Erasure", "erase_around"]

# Columns of a message that was deleted.
ERASED: Mapping[str, None] = dict.fromkeys(("content", "state", "text", "reactions"), None)
# In one transaction: a few milliseconds of the writer.
PAGE = 100

# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_IDS: BindParameter[Sequence[str]] = bindparam("ids", expanding=True)
_REVISIONS = delete(revisions).where(revisions.c.message_id.in_(_IDS))
_MARKS = delete(marks).where(marks.c.message_id.in_(_IDS))
_REFERRERS = (
    select(blob_references.c.referrer)
    .where(blob_references.c.referrer.in_(bindparam("referrers", expanding=True)))
    .distinct()
)
_FOUND = (
    select(messages.c.id)
    .where(
        messages.c.conversation_id == bindparam("conversation"),
        messages.c.number > bindparam("after"),
        messages.c.number <= bindparam("up_to"),
    )
    .order_by(messages.c.number)
    .limit(bindparam("page"))
)
_ERASE = (
    update(messages)
    .where(messages.c.id.in_(_IDS), messages.c.deleted_at_ms.is_(None))
    .values(**ERASED, rev=messages.c.rev + 1, deleted_at_ms=bindparam("now_ms"))
)


def erase_around(connection: Connection, ids: Sequence[str], now_ms: int) -> None:
    """Take away all that belongs to these messages, but not their rows."""
    connection.execute(_REVISIONS, {"ids": ids})
    connection.execute(_MARKS, {"ids": ids})
    named = [f"message:{id}" for id in ids]
    for referrer in connection.execute(_REFERRERS, {"referrers": named}).scalars().all():
        forget(connection, referrer, now_ms)


class Erasure:
    """Erases what both of a direct conversation have deleted."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def erase(self, timer: Timer) -> None:
        """The handler of `conversations/deletion.ERASE`. No event tells of it: nobody may read."""
        after: int | None = 0
        while after is not None:
            after = await self._store.write(partial(_erase_page, timer.key, after))


def _erase_page(conversation: str, after: int, transaction: Transaction) -> int | None:
    """The number up to which it is done, or None if all is."""
    connection = transaction.connection
    up_to = cleared_for_all(connection, conversation)
    page = {"conversation": conversation, "after": after, "up_to": up_to, "page": PAGE}
    ids = connection.execute(_FOUND, page).scalars().all()
    if not ids:
        return None
    erase_around(connection, ids, transaction.now_ms)
    connection.execute(_ERASE, {"ids": ids, "now_ms": transaction.now_ms})
    # Numbers of a conversation are dense.
    return after + len(ids)
