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
from functools import partial
from queue import SimpleQueue
from typing import Any, TypeAlias, TypeVar

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

Work: TypeAlias = Callable[[ReaderConnection], T]


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
        self._here = threading.local()
        self._connections: list[ReaderConnection] = []
        self._rests_until_s = 0.0
        self._short = _Pool(loop, self._read, "store-reader", READER_THREADS, max_waiting)
        self._dear = _Pool(
            loop, self._read_page, "store-page-reader", PAGE_READER_THREADS, max_waiting
        )

    async def run(self, work: Work[T], *, dear: bool = False) -> T:
        """What ``work`` returns; all that it reads is of one moment.

        ``dear`` work reads many or large rows; it has threads of its own.

        Raises:
            Busy: too many wait already, or the store is closing.
            StorageFailed: the database cannot be read.
            Exception: what ``work`` raises.
        """
        return await (self._dear if dear else self._short).submit(work)

    async def aclose(self) -> None:
        """Finish what waits, then close the connections."""
        for pool in (self._short, self._dear):
            await pool.aclose()
        for connection in self._connections:
            connection.close()

    def _read_page(self, work: Work[T]) -> T:
        time.sleep(max(0.0, self._rests_until_s - time.monotonic()))
        began_s = time.monotonic()
        try:
            return self._read(work)
        finally:
            ended_s = time.monotonic()
            self._rests_until_s = ended_s + min((ended_s - began_s) * REST_FACTOR, MAX_REST_S)

    def _read(self, work: Work[T]) -> T:
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


class _Piece:
    """Work, and who waits for it.

    Whoever acquires ``taken`` has it: a thread that begins it, or the loop, where it was cancelled
    before that.
    """

    __slots__ = ("future", "taken", "work")

    def __init__(self, work: Work[Any], future: asyncio.Future[Any]) -> None:
        self.work = work
        self.future = future
        self.taken = threading.Lock()


class _Pool:
    """Threads that ``read`` one piece after the other, and how many they have not ended.

    The threads are begun when they are first needed. A `ThreadPoolExecutor` costs twice as much
    for each piece, as much as a short question to the database.
    """

    def __init__(
        self,
        loop: asyncio.AbstractEventLoop,
        read: Callable[[Work[Any]], Any],
        name: str,
        max_threads: int,
        max_waiting: int,
    ) -> None:
        self._loop = loop
        self._read = read
        self._name = name
        self._max_threads = max_threads
        self._max_waiting = max_waiting
        self._pieces: SimpleQueue[_Piece | None] = SimpleQueue()
        self._threads: list[threading.Thread] = []
        self._unfinished = 0
        self._closing = False

    def submit(self, work: Work[T]) -> asyncio.Future[T]:
        """Queue ``work``; its place is free again when a thread has ended it, whoever still waits.

        Raises:
            Busy: too many wait already, or the pool is closing.
        """
        if self._unfinished >= self._max_waiting or self._closing:
            raise Busy
        self._unfinished += 1
        if len(self._threads) < min(self._unfinished, self._max_threads):
            thread = threading.Thread(target=self._run, name=self._name, daemon=True)
            self._threads.append(thread)
            thread.start()
        future: asyncio.Future[T] = self._loop.create_future()
        piece = _Piece(work, future)
        future.add_done_callback(partial(self._leave, piece))
        self._pieces.put(piece)
        return future

    async def aclose(self) -> None:
        """Finish what waits, then end the threads."""
        self._closing = True
        for _ in self._threads:
            self._pieces.put(None)
        for thread in self._threads:
            await asyncio.to_thread(thread.join)

    def _leave(self, piece: _Piece, _: object) -> None:
        if piece.taken.acquire(blocking=False):
            self._unfinished -= 1

    def _run(self) -> None:
        while (piece := self._pieces.get()) is not None:
            if not piece.taken.acquire(blocking=False):
                continue
            result, failure = None, None
            try:
                result = self._read(piece.work)
            # The root of a thread: it is raised where the work was asked for.
            except BaseException as error:
                failure = error
            try:
                self._loop.call_soon_threadsafe(self._deliver, piece.future, result, failure)
            except RuntimeError:
                # The loop is closed: nobody waits.
                return
            # Nothing is held while the thread waits for the next.
            del piece, result, failure

    def _deliver(
        self, future: asyncio.Future[Any], result: object, failure: BaseException | None
    ) -> None:
        self._unfinished -= 1
        if future.done():
            return
        if failure is None:
            future.set_result(result)
        else:
            future.set_exception(failure)
