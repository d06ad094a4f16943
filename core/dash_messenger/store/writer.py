"""The one thread that writes: group commit of whatever waits.

Owns the queue, the batches and what happens when one fails. Must not know what a command is.
Invariants: nothing is answered before its commit returned; what one piece does wrong spoils no
other; answers are given before events are announced; the queue is bounded.
"""

from __future__ import annotations

import asyncio
import threading
from collections import deque
from collections.abc import Callable
from dataclasses import dataclass, field
from queue import Empty, SimpleQueue
from typing import Any, TypeAlias

import structlog

from dash_messenger.clock import Clock
from dash_messenger.errors import Busy, Failure, StorageFailed
from dash_messenger.ids import IdMaker
from dash_messenger.protocol.events import Event
from dash_messenger.store.backend import Backend
from dash_messenger.store.drafts import Draft, Sent
from dash_messenger.store.listeners import Listeners
from dash_messenger.store.message_inserts import Sends
from dash_messenger.store.read_positions import Positions, ReadPositions
from dash_messenger.store.transaction import Transaction

__all__ = ["MAX_WAITING", "Work", "Writer"]

# Two seconds of work at the goal of 10,000 sends a second on one core, answered late rather than
# never; beyond it callers are told at once.
MAX_WAITING = 20_000
# A batch longer than this would keep its first sender waiting for the last.
MAX_BATCH = 512

Work: TypeAlias = Callable[[Transaction], Any]


class _Send:
    """A message that waits."""

    __slots__ = ("draft", "future", "params_hash")

    def __init__(self, draft: Draft, params_hash: bytes, future: asyncio.Future[Sent]) -> None:
        self.draft = draft
        self.params_hash = params_hash
        self.future = future


class _Write:
    """Any other piece of writing that waits."""

    __slots__ = ("future", "work")

    def __init__(self, work: Work, future: asyncio.Future[Any]) -> None:
        self.work = work
        self.future = future


_Piece: TypeAlias = _Send | _Write
_Token: TypeAlias = list[_Piece] | bool  # True: positions are due; False: finish


@dataclass(slots=True)
class _Outcome:
    """What a batch came to."""

    answers: list[tuple[asyncio.Future[Any], Any]] = field(default_factory=list)
    refusals: list[tuple[asyncio.Future[Any], BaseException]] = field(default_factory=list)
    events: list[Event] = field(default_factory=list)
    own: Positions = field(default_factory=dict)  # who wrote has read up to what they wrote
    positions_wait: bool = False


class Writer:
    """Give it pieces from the loop; it answers their futures there."""

    def __init__(
        self,
        backend: Backend,
        loop: asyncio.AbstractEventLoop,
        clock: Clock,
        positions: ReadPositions,
        params_hash: Callable[[Draft], bytes],
        *,
        max_waiting: int = MAX_WAITING,
    ) -> None:
        self.listeners = Listeners()
        # Called on the loop when read positions begin to wait for `flush_positions`.
        self.on_positions: Callable[[], None] = lambda: None
        self._connection = backend.open_writer()
        self._storage_failed = backend.storage_failed
        self._loop = loop
        self._clock = clock
        self._positions = positions
        self._params_hash = params_hash
        self._queue: SimpleQueue[_Token] = SimpleQueue()
        # What came in this turn of the loop: handed over at once, since each time wakes a thread.
        self._new: list[_Piece] = []
        # What the thread has taken from the queue and not yet stored.
        self._taken: deque[_Piece] = deque()
        self._waiting = 0
        self._max_waiting = max_waiting
        self._closing = False
        self._positions_due = False
        self._ending = False
        self._sends = Sends()
        self._new_id = IdMaker()
        self._change_no = 0
        self._log = structlog.get_logger("store")
        self._thread = threading.Thread(target=self._run, name="store-writer", daemon=True)

    @property
    def waiting(self) -> int:
        """Pieces that have no answer yet."""
        return self._waiting

    def start(self) -> None:
        self._thread.start()

    def send(self, draft: Draft) -> asyncio.Future[Sent]:
        """Queue a message.

        Raises:
            Busy: the queue is full, or the store is closing.
        """
        if self._waiting >= self._max_waiting or self._closing:
            raise Busy
        future: asyncio.Future[Sent] = self._loop.create_future()
        self._take(_Send(draft, self._params_hash(draft), future))
        return future

    def write(self, work: Work) -> asyncio.Future[Any]:
        """Queue any other piece; it may be run twice, so its only effects are on the database.

        Raises:
            Busy: the queue is full, or the store is closing.
        """
        if self._waiting >= self._max_waiting or self._closing:
            raise Busy
        future: asyncio.Future[Any] = self._loop.create_future()
        self._take(_Write(work, future))
        return future

    def flush_positions(self) -> None:
        """Store the read positions with the next batch, or in one of their own."""
        if not self._closing:
            self._queue.put(True)

    async def aclose(self) -> None:
        """Commit and answer what waits, then stop."""
        self._closing = True
        self._hand_over()
        self._queue.put(False)
        await asyncio.to_thread(self._thread.join)
        await asyncio.to_thread(self._connection.close)

    def _take(self, piece: _Piece) -> None:
        self._waiting += 1
        self._new.append(piece)
        if len(self._new) == 1:
            self._loop.call_soon(self._hand_over)

    def _hand_over(self) -> None:
        if self._new:
            self._queue.put(self._new)
            self._new = []

    def _run(self) -> None:
        going = True
        while going:
            pieces, going = self._collect()
            if not (pieces or self._positions_due):
                continue
            try:
                outcome = self._store(pieces)
            except Exception as error:  # the root of a thread: nobody else would hear of it
                self._log.critical("writer_failed", exc_info=error)
                outcome = _Outcome(refusals=[(p.future, StorageFailed()) for p in pieces])
            self._loop.call_soon_threadsafe(self._deliver, outcome)
            self._connection.maintain()
        self._flush_at_end()

    def _flush_at_end(self) -> None:
        """Store what the last batches' senders have read."""
        self._positions_due = True
        try:
            self._commit([])
        except Exception as error:
            self._log.warning("positions_lost", error=repr(error))

    def _collect(self) -> tuple[list[_Piece], bool]:
        """What waits, up to `MAX_BATCH`, or nothing but a flag; whether to go on after it."""
        taken = self._taken
        token = [] if taken else self._queue.get()
        try:
            while True:
                if token is False:
                    self._ending = True
                elif token is True:
                    self._positions_due = True
                else:
                    taken.extend(token)
                token = self._queue.get_nowait()
        except Empty:
            pass
        pieces = [taken.popleft() for _ in range(min(MAX_BATCH, len(taken)))]
        return pieces, bool(taken) or not self._ending

    def _store(self, pieces: list[_Piece]) -> _Outcome:
        try:
            return self._commit(pieces)
        except Exception as error:
            self._log.warning("batch_failed", pieces=len(pieces), error=repr(error))
        outcome = _Outcome()
        for piece in pieces:
            try:
                single = self._commit([piece])
            except Exception as error:
                outcome.refusals.append((piece.future, self._as_failure(error)))
                continue
            outcome.answers += single.answers
            outcome.refusals += single.refusals
            outcome.events += single.events
            outcome.positions_wait |= single.positions_wait
        return outcome

    def _commit(self, pieces: list[_Piece]) -> _Outcome:
        """One transaction.

        Raises:
            Exception: nothing of it is stored.
        """
        outcome = _Outcome()
        connection = self._connection
        positions = self._positions.take() if self._positions_due else {}
        try:
            connection.begin()
            changes = self._fill(pieces, positions, outcome)
            self._positions.sent(outcome.own)
            connection.commit()
        except BaseException:
            connection.rollback()
            self._positions.failed()
            raise
        if changes:
            self._change_no += 1
        outcome.positions_wait = self._positions.stored()
        self._positions_due = False
        return outcome

    def _fill(self, pieces: list[_Piece], positions: Positions, outcome: _Outcome) -> bool:
        """Everything between begin and commit; whether it changed anything."""
        now_ms = self._clock()
        connection = self._connection
        if not self._change_no:
            self._change_no = connection.change_no()
        change_no = self._change_no + 1
        if positions:
            connection.put_positions(positions, change_no)
        start = 0
        while start < len(pieces):
            piece = pieces[start]
            if isinstance(piece, _Write):
                self._write(piece, now_ms, change_no, outcome)
                start += 1
                continue
            sends: list[_Send] = []
            for other in pieces[start:]:
                if not isinstance(other, _Send):
                    break
                sends.append(other)
            self._send(sends, now_ms, change_no, outcome)
            start += len(sends)
        changes = connection.has_changes()
        if changes:
            connection.put_change_no(change_no)
        return changes

    def _send(self, sends: list[_Send], now_ms: int, change_no: int, outcome: _Outcome) -> None:
        results, events = self._sends.store(
            self._connection, [(send.draft, send.params_hash) for send in sends], now_ms, change_no
        )
        for send, result in zip(sends, results, strict=True):
            if isinstance(result, Sent):
                outcome.answers.append((send.future, result))
                outcome.own[send.draft.conversation, send.draft.sender] = result.number
            else:
                outcome.refusals.append((send.future, result))
        outcome.events += events

    def _write(self, piece: _Write, now_ms: int, change_no: int, outcome: _Outcome) -> None:
        connection = self._connection.connection
        transaction = Transaction(connection, now_ms, change_no, self._new_id)
        try:
            with connection.begin_nested():
                value = piece.work(transaction)
        except Exception as error:
            if self._storage_failed(error):
                raise
            outcome.refusals.append((piece.future, error))
            return
        outcome.answers.append((piece.future, value))
        outcome.events += transaction.events

    def _deliver(self, outcome: _Outcome) -> None:
        """On the loop: membership, then answers, then events."""
        events = outcome.events
        if events:
            self.listeners.apply(events)
        for future, value in outcome.answers:
            if not future.done():
                future.set_result(value)
        for future, error in outcome.refusals:
            if not future.done():
                future.set_exception(error)
        self._waiting -= len(outcome.answers) + len(outcome.refusals)
        if outcome.positions_wait:
            self.on_positions()
        if events:
            # The futures' callbacks are in the loop's queue already, so they come first.
            self._loop.call_soon(self.listeners.announce, events)

    def _as_failure(self, error: Exception) -> BaseException:
        if isinstance(error, Failure) or not self._storage_failed(error):
            return error
        failure = StorageFailed()
        failure.__cause__ = error
        return failure
