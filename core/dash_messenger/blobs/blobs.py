"""Files and who may have them.

Owns the rows of ``blobs`` and the contents, which lie in the data folder under their hash.
Invariants: an id says nothing about a content; nobody reads a blob but its owner while nothing
refers to it, and those who may see what does.
"""

from __future__ import annotations

import asyncio
import contextlib
import secrets
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Annotated, Any

import structlog
from msgspec import Meta, Struct
from sqlalchemy import Connection, func, insert, select

from dash_messenger.blobs.collection import AT_ONCE, Collector, Removed
from dash_messenger.blobs.content_files import Contents, Received
from dash_messenger.blobs.media_types import clean_name, media_type_of
from dash_messenger.blobs.quotas import MAX_WAITING_BYTES, BlobUsage, Quotas, Room, Rules
from dash_messenger.blobs.referrers import refer_instead, release
from dash_messenger.clock import Clock
from dash_messenger.errors import FileDamaged, InvalidParams, NotFound, TooLarge
from dash_messenger.ids import id_param
from dash_messenger.locks import Locks
from dash_messenger.plugin_api.checks import Upload
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import Blob
from dash_messenger.store import Store, Transaction
from dash_messenger.store.blob_references import CoreBlobRows, may_read
from dash_messenger.store.tables import blobs

__all__ = ["BlobStore", "PluginBlobs"]

COLLECT_AFTER_MS = 24 * 3_600_000
COLLECT_EVERY_S = 3_600.0
# While the disk is below its floor.
COLLECT_AFTER_LOW_MS = 3_600_000
COLLECT_EVERY_LOW_S = 60.0

log = structlog.get_logger(__name__)

Check = Callable[[Upload], Awaitable[None]]


class BlobGet(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``blob.get``."""

    blobs: Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(min_length=1, max_length=100)]


class BlobsFound(Struct, frozen=True):
    """Result of ``blob.get``: those that there are and that the caller may read."""

    blobs: list[Blob]


class BlobUsageGet(Struct, frozen=True, forbid_unknown_fields=True):
    """``blob.usage`` has no parameters."""


class BlobStore:
    """All files of a server. ``check`` may refuse an upload by raising."""

    def __init__(
        self,
        store: Store,
        folder: Path,
        clock: Clock,
        rules: Rules,
        check: Check,
        *,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self._check = check
        self._store = store
        self._clock = clock
        self._contents = Contents(folder)
        # A content is not collected while it comes again.
        self._locks: Locks[bytes] = Locks()
        self.collector = Collector(store, self._contents, self._locks, self._removed)
        self.quotas = Quotas(
            store,
            clock,
            rules,
            self._contents.free_bytes,
            self.collector.give_way,
            max_waiting_bytes=max_waiting_bytes,
        )
        self._collecting: asyncio.Task[None] | None = None

    def commands(self) -> list[Command]:
        """What a client may ask about files."""
        return [
            Command(
                "blob.get",
                BlobGet,
                BlobsFound,
                self.get,
                "Name, type and size of files.",
                rate="cheap read",
            ),
            Command(
                "blob.usage",
                BlobUsageGet,
                BlobUsage,
                self.usage,
                "What one's files take, and how much they may.",
                rate="cheap read",
            ),
        ]

    def start(self) -> None:
        """Begin to collect what nobody refers to, once an hour."""
        self._collecting = asyncio.get_running_loop().create_task(self._collect_for_ever())

    async def aclose(self) -> None:
        """Stop collecting, and finish what the disk was asked for."""
        task, self._collecting = self._collecting, None
        if task is not None:
            task.cancel()
            await asyncio.gather(task, return_exceptions=True)
        await self._contents.aclose()

    # Storing.

    async def keep(
        self,
        chunks: AsyncIterable[bytes],
        *,
        owner: str,
        name: str,
        max_bytes: int = 0,
    ) -> Blob:
        """A new blob with this content, whose kind is recognised.

        Room for ``max_bytes`` is reserved before any comes; where more comes, as it comes.

        Raises:
            QuotaExceeded, DiskLow, RateLimited: there is no room for it.
            Refused, CheckFailed: a plugin declines it.
            Exception: what ``chunks`` raises; nothing of it stays.
        """
        async with self.quotas.room(owner, max_bytes, rated=True) as room:
            received = await self._contents.receive(room.counted(chunks))
            try:
                blob = _made(received, owner, name, media_type_of(received.head))
                await self._check(Upload(owner, blob.name, blob.media_type, blob.bytes))
            except BaseException:
                self._contents.discard(received)
                raise
            await self._store_blob(blob, received, room)
        return blob

    async def put(self, data: bytes, *, owner: str, name: str, media_type: str) -> Blob:
        """A new blob of what the server or a plugin made.

        Raises:
            QuotaExceeded, DiskLow: the owner, or the disk, has no room for it.
        """

        async def whole() -> AsyncIterator[bytes]:
            yield data

        async with self.quotas.room(owner, len(data), rated=False) as room:
            received = await self._contents.receive(room.counted(whole()))
            blob = _made(received, owner, name, media_type)
            await self._store_blob(blob, received, room)
        return blob

    async def _store_blob(self, blob: Blob, received: Received, room: Room) -> None:
        digest = received.digest

        def work(transaction: Transaction) -> None:
            transaction.connection.execute(
                insert(blobs).values(
                    id=blob.id,
                    hash=digest,
                    bytes=blob.bytes,
                    media_type=blob.media_type,
                    name=blob.name,
                    owner_id=blob.owner,
                    made_at_ms=transaction.now_ms,
                    unreferenced_at_ms=transaction.now_ms,
                )
            )

        async with self._locks(digest):
            try:
                await self._contents.keep(received)
                await self._store.write(work)
            except BaseException:
                # It may lie there without a row now, or be stored all the same.
                self.collector.doubt(digest)
                raise
        room.stored(blob.bytes)

    def _removed(self, gone: Removed) -> None:
        self.quotas.removed(gone)

    async def usage(self, caller: Caller, params: BlobUsageGet) -> BlobUsage:
        """What the caller's files take."""
        return await self.quotas.usage(caller.user_id)

    # Reading.

    async def info(self, id: str, *, reader: str | None = None) -> Blob | None:
        """What is known of a blob, or None; with ``reader``, only where that user may read it."""
        try:
            id = id_param(id, "blob")
        except InvalidParams:
            return None

        return await self._store.read(lambda connection: _info(connection, id, reader))

    async def get(self, caller: Caller, params: BlobGet) -> BlobsFound:
        """Those of the blobs that the caller may read."""
        user = caller.user_id
        ids = dict.fromkeys(id_param(id, "blobs") for id in params.blobs)

        def work(connection: Connection) -> BlobsFound:
            found = [_info(connection, id, user) for id in ids]
            return BlobsFound([one for one in found if one is not None])

        return await self._store.read(work)

    async def stream(self, id: str, start: int, end: int) -> AsyncGenerator[bytes, None]:
        """The bytes of a blob from ``start`` up to ``end``.

        Raises:
            NotFound: there is none.
            FileDamaged: its content is not what it was; raised before the first byte.
        """
        row = await self._store.read(lambda connection: _row(connection, id))
        if row is None:
            raise NotFound
        try:
            async for chunk in self._contents.stream(row.hash, row.bytes, start, end):
                yield chunk
        except FileDamaged:
            # Unless it was collected in this moment.
            if await self._store.read(lambda connection: _row(connection, id)) is None:
                raise NotFound from None
            raise

    async def read(self, id: str, *, max_bytes: int) -> bytes:
        """A blob's content.

        Raises:
            NotFound: there is none.
            TooLarge: it has more than ``max_bytes``.
        """
        info = await self.info(id)
        if info is None:
            raise NotFound
        if info.bytes > max_bytes:
            raise TooLarge(max_bytes=max_bytes)
        return b"".join([chunk async for chunk in self.stream(info.id, 0, info.bytes)])

    # References.

    async def refer(self, id: str, referrer: str, *, instead_of: str | None = None) -> None:
        """Note that ``referrer`` needs a blob; it lets go of ``instead_of``, if given.

        Raises:
            NotFound: there is none.
        """

        await self._store.write(
            lambda transaction: refer_instead(transaction, referrer, instead_of, id)
        )

    async def release(self, id: str, referrer: str) -> None:
        """Note that ``referrer`` needs a blob no longer."""
        await self._store.write(
            lambda transaction: release(transaction.connection, id, referrer, transaction.now_ms)
        )

    # Collecting.

    async def collect(self) -> int:
        """Remove what nothing has referred to for a day, for an hour on a low disk; how many."""
        after_ms = COLLECT_AFTER_LOW_MS if await self.quotas.is_low() else COLLECT_AFTER_MS
        return await self.collector.collect(self._clock() - after_ms)

    async def _collect_for_ever(self) -> None:
        try:
            await self.collector.collect_strays()
        # It is tried again at the next start.
        except Exception:
            log.exception("collecting_failed")
        while True:
            with contextlib.suppress(TimeoutError):
                async with asyncio.timeout(COLLECT_EVERY_S):
                    # An upload that finds no room does not wait for an hour.
                    await asyncio.sleep(COLLECT_EVERY_LOW_S)
                    await self.quotas.low.wait()
            try:
                while await self.collect() == AT_ONCE:
                    continue
            # The root of a task: it is tried again in an hour.
            except Exception:
                log.exception("collecting_failed")

    async def count(self) -> int:
        """How many blobs there are."""
        query = select(func.count()).select_from(blobs)
        return await self._store.read(lambda connection: connection.execute(query).scalar_one())


class PluginBlobs:
    """A `Blobs` of one plugin. ``bot`` gives the id of its bot."""

    def __init__(self, blobs: BlobStore, plugin: str, bot: Callable[[], Awaitable[str]]) -> None:
        self._blobs = blobs
        self._plugin = plugin
        self._bot = bot

    async def info(self, id: str) -> Blob | None:
        """What is known of a blob."""
        return await self._blobs.info(id)

    async def read(self, id: str, *, max_bytes: int) -> bytes:
        """A blob's content."""
        return await self._blobs.read(id, max_bytes=max_bytes)

    async def put(
        self, data: bytes, *, name: str, media_type: str, owner: str | None = None
    ) -> Blob:
        """A new blob."""
        return await self._blobs.put(
            data, owner=owner or await self._bot(), name=name, media_type=media_type
        )

    async def refer(self, id: str, *, to: str) -> None:
        """Keep a blob."""
        await self._blobs.refer(id, f"plugin:{self._plugin}:{to}")

    async def release(self, id: str, *, to: str) -> None:
        """Let go of it."""
        await self._blobs.release(id, f"plugin:{self._plugin}:{to}")


async def _accept(upload: Upload) -> None:
    """Nobody objects."""


def _made(received: Received, owner: str, name: str, media_type: str) -> Blob:
    id = secrets.token_hex(16)
    return Blob(id, clean_name(name), media_type, received.size, owner)


def _row(connection: Connection, id: str) -> Any:
    return connection.execute(select(blobs).where(blobs.c.id == id)).first()


def _info(connection: Connection, id: str, reader: str | None) -> Blob | None:
    row = _row(connection, id)
    if row is None:
        return None
    if (
        reader is not None
        and row.owner_id != reader
        and not may_read(CoreBlobRows(connection), reader, id)
    ):
        return None
    return Blob(row.id, row.name, row.media_type, row.bytes, row.owner_id)
