"""Who needs a blob, and who may read it for that: checked in the transaction that stores it.

Owns the rows of ``blob_references``. Invariants: a message never refers to a blob that its author
could not read; a blob is marked as unneeded in the transaction that takes its last reference away.
"""

from __future__ import annotations

from collections.abc import Iterable, Sequence

from sqlalchemy import Connection, bindparam, delete, exists, insert, select, update

from dash_messenger.errors import BlobUnusable
from dash_messenger.store.access import is_member, may_read_message
from dash_messenger.store.backend import BlobRows
from dash_messenger.store.consent import SHOWS_PHOTO
from dash_messenger.store.tables import blob_references, blobs, members, messages

__all__ = ["CoreBlobRows", "check_usable", "forget", "may_read", "refer_message"]

# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_OWN = blob_references.c.referrer == bindparam("of")
_OTHER = blob_references.alias()
_UNREFER = (
    update(blobs)
    .where(
        blobs.c.id.in_(select(blob_references.c.blob_id).where(_OWN)),
        ~exists().where(_OTHER.c.blob_id == blobs.c.id, _OTHER.c.referrer != bindparam("of")),
    )
    .values(unreferenced_at_ms=bindparam("now_ms"))
)
_FORGET = delete(blob_references).where(_OWN)


def check_usable(rows: BlobRows, user: str, blobs: Sequence[str]) -> None:
    """Return if ``user`` may send all of these.

    One's own uploads may be sent, what plugins offer to everybody, and what a message holds that
    one may read: that is how a message is forwarded.

    Raises:
        BlobUnusable: naming the first that may not, or that does not exist.
    """
    for blob in blobs:
        try:
            bytes.fromhex(blob)
        except ValueError:
            raise BlobUnusable(blob=blob[:64]) from None
        owner = rows.blob_owner(blob)
        if owner is None or (owner != user and not may_read(rows, user, blob)):
            raise BlobUnusable(blob=blob)


def may_read(rows: BlobRows, user: str, blob: str) -> bool:
    """Whether something refers to a blob that ``user`` may see now."""
    for referrer in rows.blob_referrers(blob):
        kind, _, id = referrer.partition(":")
        if (
            kind == "plugin"
            or (kind == "user" and rows.shows_photo(id, user))
            or (kind == "message" and rows.may_read_message(id, user))
            or (kind == "conversation" and rows.is_member(id, user))
        ):
            return True
    return False


def refer_message(rows: BlobRows, message: str, blobs: Sequence[str]) -> None:
    """Note that a message refers to these blobs."""
    for blob in dict.fromkeys(blobs):
        rows.refer(blob, f"message:{message}")


class CoreBlobRows:
    """`BlobRows` by SQLAlchemy, on any connection."""

    def __init__(self, connection: Connection) -> None:
        self._connection = connection

    def blob_owner(self, blob: str) -> str | None:
        query = select(blobs.c.owner_id).where(blobs.c.id == blob)
        owner: str | None = self._connection.execute(query).scalar()
        return owner

    def blob_referrers(self, blob: str) -> Iterable[str]:
        query = select(blob_references.c.referrer).where(blob_references.c.blob_id == blob)
        return self._connection.execute(query).scalars().all()

    def may_read_message(self, message: str, user: str) -> bool:
        query = select(messages.c.id).where(messages.c.id == message, may_read_message(user))
        return self._connection.execute(query).first() is not None

    def is_member(self, conversation: str, user: str) -> bool:
        query = select(members.c.user_id).where(is_member(user, conversation))
        return self._connection.execute(query).first() is not None

    def shows_photo(self, user: str, viewer: str) -> bool:
        asked = {"owner": user, "viewer": viewer}
        return self._connection.execute(SHOWS_PHOTO, asked).first() is not None

    def refer(self, blob: str, referrer: str) -> None:
        connection = self._connection
        there = select(blob_references.c.blob_id).where(
            blob_references.c.blob_id == blob, blob_references.c.referrer == referrer
        )
        if connection.execute(there).first() is None:
            connection.execute(insert(blob_references).values(blob_id=blob, referrer=referrer))
        connection.execute(update(blobs).where(blobs.c.id == blob).values(unreferenced_at_ms=None))


def forget(connection: Connection, referrer: str, now_ms: int) -> None:
    """Drop all references of a referrer; what nothing refers to any more is collected later."""
    connection.execute(_UNREFER, {"of": referrer, "now_ms": now_ms})
    connection.execute(_FORGET, {"of": referrer})
