"""Reading: a few threads with a connection each, for short pieces of work.

Owns the pools of threads and how much may wait for them. Invariants: a snapshot is held only while
its work runs; what reads whole pages never has all threads, so that short questions do not wait
for it; work counts until its thread has ended it.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable
from concurrent.futures import Future, ThreadPoolExecutor
from typing import TypeVar

import structlog

from dash_messenger.errors import Busy, StorageFailed
from dash_messenger.store.backend import Backend, ReaderConnection

__all__ = ["MAX_WAITING_READS", "Readers"]

READER_THREADS = 3
# Reading pages takes the interpreter as much as the disk: more threads would only slow the loop.
PAGE_READER_THREADS = 1
# Between two pages the thread lets the others have the interpreter, for so many times what the page
# took: who reads without pause has a quarter of it at most, and a lone page waits for nothing.
REST_FACTOR = 3
MAX_REST_S = 0.25
# What a reader thread gets through in about a second; more would only wait for its time limit.
MAX_WAITING_READS = 1_000

T = TypeVar("T")


class Readers:
    """Threads with a connection each, that run short pieces of reading."""

    def __init__(
        self,
        backend: Backend,
        loop: asyncio.AbstractEventLoop,
        *,
        max_waiting: int = MAX_WAITING_READS,
    ) -> None:
        self._backend = backend
        self._loop = loop
        self._here = threading.local()
        self._connections: list[ReaderConnection] = []
        self._rests_until_s = 0.0
        self._short = _Pool(ThreadPoolExecutor(READER_THREADS, "store-reader"), max_waiting)
        self._dear = _Pool(
            ThreadPoolExecutor(PAGE_READER_THREADS, "store-page-reader"), max_waiting
        )

    async def run(self, work: Callable[[ReaderConnection], T], *, dear: bool = False) -> T:
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

    def _read_page(self, work: Callable[[ReaderConnection], T]) -> T:
        time.sleep(max(0.0, self._rests_until_s - time.monotonic()))
        began_s = time.monotonic()
        try:
            return self._read(work)
        finally:
            ended_s = time.monotonic()
            self._rests_until_s = ended_s + min((ended_s - began_s) * REST_FACTOR, MAX_REST_S)

    def _read(self, work: Callable[[ReaderConnection], T]) -> T:
        try:
            connection = self._connection()
            try:
                connection.begin()
                return work(connection)
            finally:
                connection.end()
        except Exception as error:
            if not self._backend.storage_failed(error):
                raise
            structlog.get_logger("store").error("read_failed", error=repr(error))
            raise StorageFailed from error

    def _connection(self) -> ReaderConnection:
        connection: ReaderConnection | None = getattr(self._here, "connection", None)
        if connection is None:
            connection = self._backend.open_reader()
            self._here.connection = connection
            self._connections.append(connection)
        return connection


class _Pool:
    """Threads, and how much work they have not finished, whoever still waits for it."""

    def __init__(self, threads: ThreadPoolExecutor, max_waiting: int) -> None:
        self.threads = threads
        self._max_waiting = max_waiting
        self._lock = threading.Lock()
        self._unfinished = 0

    def submit(
        self,
        read: Callable[[Callable[[ReaderConnection], T]], T],
        work: Callable[[ReaderConnection], T],
    ) -> Future[T]:
        """Queue ``read(work)``; its place is free again when a thread has ended it.

        Raises:
            Busy: too many wait already.
        """
        with self._lock:
            if self._unfinished >= self._max_waiting:
                raise Busy
            self._unfinished += 1
        future = self.threads.submit(read, work)
        future.add_done_callback(self._finish)
        return future

    def _finish(self, _: object) -> None:
        with self._lock:
            self._unfinished -= 1
