"""The SQLite file: how it is opened, read by several threads and checkpointed.

Owns engines, pragmas, the pools of reader threads and the checkpointer. Must not know the tables.
Invariants: one connection writes; readers hold a snapshot only while their work runs; what reads
whole pages never has all threads, so that short questions do not wait for it.
"""

from __future__ import annotations

import asyncio
import contextlib
import threading
import time
from collections.abc import Callable, Iterator
from concurrent.futures import Future, ThreadPoolExecutor
from pathlib import Path
from typing import Any, TypeVar

import pysqlite3.dbapi2 as sqlite
import structlog
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.pool import NullPool

from dash_messenger.errors import Busy, StorageFailed

__all__ = [
    "Checkpointer",
    "DatabaseUnusable",
    "Readers",
    "check_file",
    "open_engine",
    "storage_failed",
    "telling_why",
]

READER_THREADS = 3
# Reading pages takes the interpreter as much as the disk: more threads would only slow the loop.
PAGE_READER_THREADS = 1
# Between two pages the thread lets the others have the interpreter, for so many times what the page
# took: who reads without pause has a quarter of it at most, and a lone page waits for nothing.
REST_FACTOR = 3
MAX_REST_S = 0.25
# What a reader thread gets through in about a second; more would only wait for its time limit.
MAX_WAITING_READS = 1_000
# The writer touches one page of two indexes for each message; 32 MiB hold 2,000 conversations'.
WRITER_CACHE_KIB = 32_768
READER_CACHE_KIB = 4_096
# Another process (backup, command line) may hold the write lock for a moment.
BUSY_TIMEOUT_MS = 5_000
# Rare enough that a page that changes often is moved once for many changes.
CHECKPOINT_EVERY_BYTES = 32 * 1024 * 1024

T = TypeVar("T")


class DatabaseUnusable(Exception):
    """The database is damaged, or may not be written; the sentence says which file and why."""


def check_file(path: Path) -> None:
    """Return where there is no database yet, or one with something in it.

    Raises:
        DatabaseUnusable: the file is empty. SQLite would take it for a new one, and a server that
            lost everything would go on as if nothing had been there.
    """
    if path.exists() and path.stat().st_size == 0:
        raise DatabaseUnusable(
            f"the database {path} is empty (0 bytes): restore it from a backup,"
            " or remove it if nobody has used this server yet"
        )


@contextlib.contextmanager
def telling_why(path: Path) -> Iterator[None]:
    """Turn what SQLite says of a file that cannot be used into a sentence.

    Raises:
        DatabaseUnusable: the disk or the database failed.
    """
    try:
        yield
    except (DBAPIError, sqlite.Error) as error:
        if not storage_failed(error):
            raise
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise DatabaseUnusable(f"the database {path} cannot be used: {reason}") from error


def open_engine(path: Path, *, writes: bool) -> Engine:
    """An engine whose transactions begin IMMEDIATE if it writes, and cannot write otherwise.

    WAL with ``synchronous=FULL``: a commit that returned survives a power cut. Checkpoints are
    left to `Checkpointer`.
    """
    engine = create_engine(
        f"sqlite:///{path}",
        module=sqlite,
        poolclass=NullPool,
        hide_parameters=True,  # an error's text goes to the log, what people wrote does not
        connect_args={
            "isolation_level": None,
            "check_same_thread": False,
            "cached_statements": 256,
            "timeout": BUSY_TIMEOUT_MS / 1000,
        },
    )
    cache_kib = WRITER_CACHE_KIB if writes else READER_CACHE_KIB
    pragmas = [
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA wal_autocheckpoint = 0",
        "PRAGMA foreign_keys = ON",
        "PRAGMA trusted_schema = OFF",
        "PRAGMA temp_store = MEMORY",
        f"PRAGMA cache_size = -{cache_kib}",
    ]
    if not writes:
        pragmas.append("PRAGMA query_only = ON")
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    def prepare(connection: Any, record: object) -> None:
        for pragma in pragmas:
            connection.execute(pragma).close()

    def start(connection: Connection) -> None:
        connection.exec_driver_sql(begin)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", start)
    return engine


def storage_failed(error: BaseException) -> bool:
    """Whether the disk or the database failed, and not the statement that was asked for."""
    if isinstance(error, DBAPIError):
        return not isinstance(error, IntegrityError | ProgrammingError)
    return isinstance(error, sqlite.DatabaseError) and not isinstance(
        error, sqlite.IntegrityError | sqlite.ProgrammingError
    )


class Readers:
    """Threads with a connection each, that run short pieces of reading."""

    def __init__(self, engine: Engine, loop: asyncio.AbstractEventLoop) -> None:
        self._engine = engine
        self._loop = loop
        self._here = threading.local()
        self._connections: list[Connection] = []
        self._rests_until_s = 0.0
        self._short = _Pool(ThreadPoolExecutor(READER_THREADS, "store-reader"))
        self._dear = _Pool(ThreadPoolExecutor(PAGE_READER_THREADS, "store-page-reader"))

    async def run(self, work: Callable[[Connection], T], *, dear: bool = False) -> T:
        """What ``work`` returns; all that it reads is of one moment.

        ``dear`` work reads many or large rows; it has threads of its own.

        Raises:
            Busy: too many wait already.
            StorageFailed: the database cannot be read.
            Exception: what ``work`` raises.
        """
        pool, read = (self._dear, self._read_page) if dear else (self._short, self._read)
        return await asyncio.wrap_future(pool.submit(read, work), loop=self._loop)

    async def aclose(self) -> None:
        """Finish what waits, then close the connections."""
        for pool in (self._short, self._dear):
            await asyncio.to_thread(pool.threads.shutdown)
        for connection in self._connections:
            connection.close()
        self._engine.dispose()

    def _read_page(self, work: Callable[[Connection], T]) -> T:
        time.sleep(max(0.0, self._rests_until_s - time.monotonic()))
        began_s = time.monotonic()
        try:
            return self._read(work)
        finally:
            ended_s = time.monotonic()
            self._rests_until_s = ended_s + min((ended_s - began_s) * REST_FACTOR, MAX_REST_S)

    def _read(self, work: Callable[[Connection], T]) -> T:
        try:
            with self._connection().begin():
                return work(self._here.connection)
        except (DBAPIError, sqlite.Error) as error:
            if not storage_failed(error):
                raise
            structlog.get_logger("store").error("read_failed", error=repr(error))
            raise StorageFailed from error

    def _connection(self) -> Connection:
        connection: Connection | None = getattr(self._here, "connection", None)
        if connection is None:
            connection = self._engine.connect()
            self._here.connection = connection
            self._connections.append(connection)
        return connection


class _Pool:
    """Threads, and how much work they have not finished, whoever still waits for it."""

    def __init__(self, threads: ThreadPoolExecutor) -> None:
        self.threads = threads
        self._lock = threading.Lock()
        self._unfinished = 0

    def submit(
        self, read: Callable[[Callable[[Connection], T]], T], work: Callable[[Connection], T]
    ) -> Future[T]:
        """Queue ``read(work)``; its place is free again when a thread has ended it.

        Raises:
            Busy: too many wait already.
        """
        with self._lock:
            if self._unfinished >= MAX_WAITING_READS:
                raise Busy
            self._unfinished += 1
        future = self.threads.submit(read, work)
        future.add_done_callback(self._finish)
        return future

    def _finish(self, _: object) -> None:
        with self._lock:
            self._unfinished -= 1


class Checkpointer:
    """Moves committed pages from the WAL to the database file, off the writer.

    PASSIVE waits for nobody, so the writer does not notice but for the disk it shares.
    """

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wake = threading.Event()
        self._closing = False
        self._thread = threading.Thread(target=self._run, name="store-checkpointer", daemon=True)
        self._wal_frames = 0

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Say that the WAL grew by `CHECKPOINT_EVERY_BYTES`; any thread."""
        self._wake.set()

    def take_wal_frames(self) -> int:
        """The length of the WAL in pages, once after each checkpoint; otherwise 0."""
        frames, self._wal_frames = self._wal_frames, 0
        return frames

    def close(self) -> None:
        """Checkpoint a last time, then stop. Blocks."""
        self._closing = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        connection = sqlite.connect(str(self._path), isolation_level=None)
        try:
            while not self._closing:
                self._wake.wait()
                self._wake.clear()
                try:
                    _, self._wal_frames, _ = connection.execute(
                        "PRAGMA wal_checkpoint(PASSIVE)"
                    ).fetchone()
                except sqlite.Error as error:
                    structlog.get_logger("store").warning("checkpoint_failed", error=str(error))
        finally:
            connection.close()
