"""Who needs a blob, beside messages: rows that keep it from being collected.

Owns the rows of ``blob_references`` that are not messages'. Invariant: a blob is marked as unneeded
in the transaction that takes its last reference away.
"""

from __future__ import annotations

from sqlalchemy import Connection, delete, select, update

from dash_messenger.errors import NotFound
from dash_messenger.store import Transaction
from dash_messenger.store.blob_references import CoreBlobRows
from dash_messenger.store.tables import blob_references, blobs

__all__ = ["refer", "refer_instead", "release"]


def refer(connection: Connection, id: str, referrer: str) -> None:
    """Note that ``referrer`` needs a blob.

    Raises:
        NotFound: there is none.
    """
    rows = CoreBlobRows(connection)
    if rows.blob_owner(id) is None:
        raise NotFound
    rows.refer(id, referrer)


def release(connection: Connection, id: str, referrer: str, now_ms: int) -> None:
    """Note that ``referrer`` needs a blob no longer."""
    connection.execute(
        delete(blob_references).where(
            blob_references.c.blob_id == id, blob_references.c.referrer == referrer
        )
    )
    others = select(blob_references.c.blob_id).where(blob_references.c.blob_id == id)
    if connection.execute(others).first() is None:
        connection.execute(update(blobs).where(blobs.c.id == id).values(unreferenced_at_ms=now_ms))


def refer_instead(
    transaction: Transaction, referrer: str, before: str | None, after: str | None
) -> None:
    """Let ``referrer`` need the blob ``after``, if any, and no longer ``before``.

    Raises:
        NotFound: there is no such blob.
    """
    if after == before:
        return
    if after is not None:
        refer(transaction.connection, after, referrer)
    if before is not None:
        release(transaction.connection, before, referrer, transaction.now_ms)
