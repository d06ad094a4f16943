"""The store as the rest of the server sees it.

Owns the life of the database: opening, migrating, closing. Everything here is called on one event
loop; the work itself runs on the store's own threads.
"""

from __future__ import annotations

import asyncio
import secrets
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import TypeVar

from sqlalchemy import Connection, insert, select

from dash_messenger.clock import Clock, now_ms
from dash_messenger.store.backend import ReaderConnection
from dash_messenger.store.drafts import Draft, Sent, params_hasher
from dash_messenger.store.keyed_hashes import KeyedHashes
from dash_messenger.store.listeners import Listeners
from dash_messenger.store.migrate import migrate
from dash_messenger.store.read_positions import PendingPositions, ReadPositions, recover_positions
from dash_messenger.store.readers import MAX_WAITING_READS, Readers
from dash_messenger.store.sqlite import SqliteBackend
from dash_messenger.store.tables import counters, meta
from dash_messenger.store.transaction import Transaction
from dash_messenger.store.writer import MAX_WAITING, Writer

__all__ = ["Store", "StoreLimits"]

# Read positions wait so long at most and are written together: a crash loses no more of them, and
# who looks into the database sees them by then.
POSITIONS_EVERY_S = 2.0

T = TypeVar("T")


@dataclass(frozen=True, slots=True)
class StoreLimits:
    """How much may wait for the store, and for how long positions do."""

    waiting_reads: int = MAX_WAITING_READS
    waiting_writes: int = MAX_WAITING
    positions_every_s: float = POSITIONS_EVERY_S


DEFAULT_LIMITS = StoreLimits()


class Store:
    """Made by `open`. ``epoch`` names this life of the database: a restore makes a new one.

    ``hashes`` are keyed by a secret of the database.
    """

    epoch: str
    hashes: KeyedHashes

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        readers: Readers,
        writer: Writer,
        positions: ReadPositions,
        epoch: str,
        hashes: KeyedHashes,
        positions_every_s: float,
    ) -> None:
        self.epoch = epoch
        self.hashes = hashes
        self._loop = loop
        self._readers = readers
        self._writer = writer
        self._positions = positions
        self._positions_every_s = positions_every_s
        self._timer: asyncio.TimerHandle | None = None
        writer.on_positions = self._expect_positions

    @classmethod
    async def open(
        cls, path: Path, *, clock: Clock = now_ms, limits: StoreLimits = DEFAULT_LIMITS
    ) -> Store:
        """The store in the file at ``path``, made or migrated where necessary.

        Raises:
            DatabaseTooNew: a later version wrote it.
            DatabaseUnusable: the file is damaged, empty, or may not be written.
        """
        loop = asyncio.get_running_loop()
        backend = SqliteBackend(path)
        epoch, secret = await asyncio.to_thread(backend.set_up, _set_up)
        positions = ReadPositions()
        hasher = params_hasher(secret)
        writer = Writer(backend, loop, clock, positions, hasher, max_waiting=limits.waiting_writes)
        writer.start()
        readers = Readers(backend, loop, max_waiting=limits.waiting_reads)
        hashes = KeyedHashes(secret)
        return cls(loop, readers, writer, positions, epoch, hashes, limits.positions_every_s)

    @property
    def listeners(self) -> Listeners:
        """Who hears of committed events."""
        return self._writer.listeners

    @property
    def waiting(self) -> int:
        """Sends and writes that have no answer yet."""
        return self._writer.waiting

    async def read(self, work: Callable[[Connection], T], *, dear: bool = False) -> T:
        """What ``work`` returns, run on a reader thread inside one short snapshot.

        ``dear`` work reads pages of large rows: it waits for other such work, never the other way.

        Raises:
            Busy: too many wait already.
            StorageFailed: the database cannot be read.
            Exception: what ``work`` raises.
        """
        return await self._readers.run(lambda reader: work(reader.connection), dear=dear)

    async def read_changes(self, work: Callable[[ReaderConnection], T]) -> T:
        """As `read`, for work that asks what somebody may have missed."""
        return await self._readers.run(work)

    async def write(self, work: Callable[[Transaction], T]) -> T:
        """What ``work`` returned, once it is committed with the batch it rode in.

        It runs on the writer's thread and perhaps twice: short, and without other effects than on
        the transaction. What it raises is raised here, and nothing of it is stored.

        Raises:
            Busy: too many wait already.
            StorageFailed: the disk refused.
        """
        result: T = await self._writer.write(work)
        return result

    def send(self, draft: Draft) -> asyncio.Future[Sent]:
        """A message's place in its log, once it is on disk. A retry gets the first answer.

        The sender has read up to it: unread messages are always somebody else's.

        The future fails with `NotFound` (no such conversation, or the sender is not in it),
        `Conflict` or `StorageFailed`.

        Raises:
            Busy: too many wait already.
        """
        return self._writer.send(draft)

    def advance_read(self, conversation: str, user: str, read_no: int) -> None:
        """Note that a reader has read up to a message number; stored soon, lost in a crash."""
        if self._positions.advance(conversation, user, read_no):
            self._expect_positions()

    def pending_positions(self) -> PendingPositions:
        """The positions that may not be stored yet when a `read` that is asked for next begins.

        Asked for inside the read it would miss those that are stored after its snapshot began. They
        may be of messages that are newer than the snapshot.
        """
        return self._positions.pending()

    async def aclose(self) -> None:
        """Commit and answer what waits, store the read positions, close the file."""
        if self._timer is not None:
            self._timer.cancel()
            self._timer = None
        await self._writer.aclose()
        await self._readers.aclose()

    def _expect_positions(self) -> None:
        if self._timer is None:
            self._timer = self._loop.call_later(self._positions_every_s, self._flush_positions)

    def _flush_positions(self) -> None:
        self._timer = None
        self._writer.flush_positions()


def _set_up(connection: Connection) -> tuple[str, bytes]:
    """Bring the tables up to date; the epoch, and the secret."""
    migrate(connection)
    epoch = _kept(connection, "epoch", secrets.token_hex(8))
    secret = _kept(connection, "secret", secrets.token_hex(32))
    if connection.execute(select(counters.c.value)).first() is None:
        connection.execute(insert(counters).values(name="change_no", value=0))
    recover_positions(connection)
    return epoch, bytes.fromhex(secret)


def _kept(connection: Connection, key: str, first: str) -> str:
    """The value kept under ``key``, which is ``first`` from now on if there was none."""
    value: str | None = connection.execute(select(meta.c.value).where(meta.c.key == key)).scalar()
    if value is None:
        connection.execute(insert(meta).values(key=key, value=first))
        return first
    return value
