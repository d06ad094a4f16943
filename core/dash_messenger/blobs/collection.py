"""Removing files that nobody needs: what waited too long, what gives way, what a kill left behind.

Owns which rows of ``blobs`` go, and their contents after them. Must not know quotas. Invariant: a
blob that something refers to never goes, nor a content that a blob has.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial

from sqlalchemy import ColumnElement, Connection, delete, or_, select

from dash_messenger.blobs.content_files import Contents
from dash_messenger.locks import Locks
from dash_messenger.store import Store, Transaction
from dash_messenger.store.tables import blob_references, blobs

__all__ = ["AT_ONCE", "MIN_CHARGED_BYTES", "Collector", "Removed", "charged"]

# A write holds up everybody's messages for as long as it takes.
AT_ONCE = 500

# A file takes at least one block of the disk, and a row: many empty ones are not free.
MIN_CHARGED_BYTES = 4_096

# ``(owner, bytes that it counted)`` of each blob that went.
Removed = list[tuple[str, int]]
Hear = Callable[[Removed], None]


def charged(size: int) -> int:
    """What a file of ``size`` bytes counts."""
    return max(size, MIN_CHARGED_BYTES)


class Collector:
    """Removes blobs of one server. ``removed`` hears what went; ``locks`` are those of `keep`."""

    def __init__(
        self, store: Store, contents: Contents, locks: Locks[bytes], removed: Hear
    ) -> None:
        self._store = store
        self._contents = contents
        self._locks = locks
        self._removed = removed
        self._doubtful: set[bytes] = set()

    def doubt(self, digest: bytes) -> None:
        """Look at the next collection whether this content has a blob."""
        self._doubtful.add(digest)

    async def collect(self, before_ms: int) -> int:
        """Remove blobs that nothing has referred to since ``before_ms``; how many."""
        gone = await self._remove(blobs.c.unreferenced_at_ms < before_ms)
        doubtful, self._doubtful = self._doubtful, set()
        for digest in sorted(doubtful):
            await self._drop_unused(digest)
        return len(gone)

    async def give_way(self, owner: str, wanted_bytes: int, fresh_since_ms: int | None) -> int:
        """Remove an owner's blobs that nothing refers to, the oldest first; how many bytes went.

        Uploads since ``fresh_since_ms`` stay: somebody is about to send them. What was sent and
        deleted goes at any age.
        """
        which: list[ColumnElement[bool]] = [blobs.c.owner_id == owner]
        if fresh_since_ms is not None:
            was_needed = blobs.c.unreferenced_at_ms > blobs.c.made_at_ms
            which.append(or_(blobs.c.unreferenced_at_ms < fresh_since_ms, was_needed))
        freed = 0
        while freed < wanted_bytes:
            gone = await self._remove(*which, enough_bytes=wanted_bytes - freed)
            if not gone:
                break
            freed += sum(size for _, size in gone)
        return freed

    async def collect_strays(self) -> int:
        """Remove contents that no blob has: the server was killed before their rows; how many."""
        found = 0
        for folder in range(256):
            digests = await self._contents.listed(folder)
            for n in range(0, len(digests), AT_ONCE):
                some = digests[n : n + AT_ONCE]
                strays = await self._store.read(partial(_without_rows, digests=some))
                for digest in strays:
                    await self._drop_unused(digest)
                found += len(strays)
        return found

    async def _remove(
        self, *which: ColumnElement[bool], enough_bytes: int | None = None
    ) -> Removed:
        def work(transaction: Transaction) -> list[tuple[str, int, bytes]]:
            connection = transaction.connection
            rows = connection.execute(
                select(blobs.c.id, blobs.c.owner_id, blobs.c.bytes, blobs.c.hash)
                .where(blobs.c.unreferenced_at_ms.is_not(None), *which)
                .order_by(blobs.c.unreferenced_at_ms, blobs.c.id)
                .limit(AT_ONCE)
            ).all()
            ids = [row.id for row in rows]
            # A reference may have come since it was marked: it never goes then.
            kept = select(blob_references.c.blob_id).where(blob_references.c.blob_id.in_(ids))
            referred = {row[0] for row in connection.execute(kept)}
            gone, freed = [], 0
            for row in rows:
                if row.id not in referred and (enough_bytes is None or freed < enough_bytes):
                    gone.append(row)
                    freed += charged(row.bytes)
            connection.execute(delete(blobs).where(blobs.c.id.in_([row.id for row in gone])))
            return [(row.owner_id, row.bytes, bytes(row.hash)) for row in gone]

        rows = await self._store.write(work)
        gone = [(owner, charged(size)) for owner, size, _ in rows]
        self._removed(gone)
        for digest in sorted({digest for _, _, digest in rows}):
            await self._drop_unused(digest)
        return gone

    async def _drop_unused(self, digest: bytes) -> None:
        """Remove a content, unless a blob has it; none gets it meanwhile."""
        async with self._locks(digest):
            if await self._store.read(partial(_without_rows, digests=[digest])):
                await self._contents.remove(digest)


def _without_rows(connection: Connection, digests: list[bytes]) -> list[bytes]:
    rows = connection.execute(select(blobs.c.hash).where(blobs.c.hash.in_(digests)))
    known = {bytes(row[0]) for row in rows}
    return [digest for digest in digests if digest not in known]
