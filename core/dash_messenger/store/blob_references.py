"""Which messages refer to which blobs: checked and written in the transaction that stores them.

Owns the rows of ``blob_references`` that name messages. Works on the driver's cursor, as
`message_inserts` does. Invariant: a message never refers to a blob that its author could not read.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any

from dash_messenger.errors import BlobUnusable
from dash_messenger.store.access import IS_MEMBER_SQL, MAY_READ_SQL

__all__ = ["check_usable", "forget_message", "may_read", "refer_message"]

_raw = bytearray.fromhex


def check_usable(cursor: Any, user: str, blobs: Sequence[str]) -> None:
    """Return if ``user`` may send all of these.

    One's own uploads may be sent, what plugins offer to everybody, and what a message holds that
    one may read: that is how a message is forwarded.

    Raises:
        BlobUnusable: naming the first that may not, or that does not exist.
    """
    for blob in blobs:
        try:
            key = _raw(blob)
        except ValueError:
            raise BlobUnusable(blob=blob[:64]) from None
        row = cursor.execute("SELECT owner_id FROM blobs WHERE id = ?", (key,)).fetchone()
        if row is None:
            raise BlobUnusable(blob=blob)
        if bytes(row[0]).hex() != user and not may_read(cursor, user, blob):
            raise BlobUnusable(blob=blob)


def may_read(cursor: Any, user: str, blob: str) -> bool:
    """Whether something refers to a blob that ``user`` may see now."""
    referrers = cursor.execute(
        "SELECT referrer FROM blob_references WHERE blob_id = ?", (_raw(blob),)
    ).fetchall()
    for (referrer,) in referrers:
        kind, _, id = referrer.partition(":")
        if kind in ("plugin", "user"):
            return True
        query = _MAY_READ.get(kind)
        if (
            query is not None
            and cursor.execute(query, (_raw(id), _raw(user))).fetchone() is not None
        ):
            return True
    return False


# A referrer of another kind lets nobody read.
_MAY_READ = {
    "conversation": f"SELECT 1 WHERE {IS_MEMBER_SQL}",
    "message": f"SELECT 1 FROM messages m WHERE m.id = ? AND {MAY_READ_SQL}",  # noqa: S608
}


def refer_message(cursor: Any, message: str, blobs: Sequence[str]) -> None:
    """Note that a message refers to these blobs."""
    for blob in dict.fromkeys(blobs):
        cursor.execute(
            "INSERT OR IGNORE INTO blob_references (blob_id, referrer) VALUES (?, ?)",
            (_raw(blob), f"message:{message}"),
        )
        cursor.execute("UPDATE blobs SET unreferenced_at_ms = NULL WHERE id = ?", (_raw(blob),))


def forget_message(cursor: Any, message: str, now_ms: int) -> None:
    """Drop a message's references; blobs that nothing refers to any more are collected later."""
    referrer = f"message:{message}"
    cursor.execute(
        "UPDATE blobs SET unreferenced_at_ms = ? WHERE id IN "
        "(SELECT blob_id FROM blob_references WHERE referrer = ?) AND NOT EXISTS "
        "(SELECT 1 FROM blob_references r WHERE r.blob_id = blobs.id AND r.referrer <> ?)",
        (now_ms, referrer, referrer),
    )
    cursor.execute("DELETE FROM blob_references WHERE referrer = ?", (referrer,))
