"""The Python client: any command, and every event once and in order, over one socket.

    token = await log_in("http://127.0.0.1:8000", "ann", "correct horse battery")
    async with Client("http://127.0.0.1:8000", token=token) as client:
        await client.call("read.advance", conversation=conversation, message_no=7)
        async for event in client.events():
            print(event.kind, event.data)

Owns the connection: it comes back by itself, with growing pauses, and reads what it missed through
``log.read``. Must not know any message type. Invariant: of each log, `Client.events` yields
intervals ``(after, seq]`` that follow one another; what cannot be had any more is itself an event,
of kind `RESYNC`; what is hidden from the user is none, and the next one covers its interval.
Nothing grows without bound: an event that finds the buffer full is dropped and read again from its
log once there is room. It is long because connecting, asking and catching up share one connection's
state.
"""

from __future__ import annotations

import asyncio
import random
from collections import deque
from collections.abc import AsyncIterator, Callable, Mapping, Sequence
from types import TracebackType
from typing import Any
from urllib.parse import urlsplit, urlunsplit

import msgspec
from msgspec.structs import replace
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed, InvalidHandshake, InvalidStatus

from dash_messenger.client.cursors import Cursors
from dash_messenger.client.http import failure_from, log_in, post
from dash_messenger.errors import (
    CloseCode,
    Failure,
    Forbidden,
    InternalError,
    NotFound,
    RateLimited,
    Resync,
    TimedOut,
    Unauthenticated,
)
from dash_messenger.ids import IdMaker
from dash_messenger.protocol.events import Hidden
from dash_messenger.protocol.jsonrpc import MAX_IN_FLIGHT, SUBPROTOCOL

__all__ = ["RESYNC", "Client", "Disconnected", "Event", "failure_from", "log_in", "post"]

# The kind of the event that stands for an interval which can no longer be read.
RESYNC = "resync"
# Pages end at 1 MB, save that one message may be larger with its view.
MAX_FRAME_BYTES = 4 * 2**20
PAGE_EVENTS = 500
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 20.0
# Given a client_id where they have none.
_NAMED = frozenset({"message.send", "message.edit", "message.act"})
# Safe to ask twice; anything with a client_id is too.
_REPEATABLE = frozenset({"sync", "log.read", "message.history", "read.advance", "plugin.list"})


class Disconnected(ConnectionError):
    """The connection was lost before the answer came: the command may have been done or not."""


class Event(msgspec.Struct, frozen=True):
    """One entry of a log, as the server sent it. ``event["kind"]`` is ``event.kind``."""

    log: str
    after: int
    seq: int
    kind: str
    by: str | None = None
    at_ms: int = 0
    data: dict[str, Any] = {}

    def __getitem__(self, field: str) -> Any:
        if field not in self.__struct_fields__:
            raise KeyError(field)
        return getattr(self, field)


class _Frame(msgspec.Struct):
    id: int | str | None = None
    method: str | None = None
    params: msgspec.Raw = msgspec.Raw(b"{}")
    result: Any = None
    error: dict[str, Any] | None = None


_frames = msgspec.json.Decoder(_Frame)
_events = msgspec.json.Decoder(Event)


class Client:
    """A signed-in connection.

    ``url`` is the server's address (``http``, ``https``, ``ws`` or ``wss``). ``views`` names the
    drawings of messages that events should carry (``"dash:en"``); none by default. ``cursors``, as
    an earlier client left them, go on from there: the events missed in between come first. At most
    about ``buffer`` events wait for `events`. ``notified(method, params)`` is called
    with notifications outside any log: read positions, receipts, new names and photos.
    """

    def __init__(
        self,
        url: str,
        *,
        token: str,
        views: Sequence[str] = (),
        buffer: int = 1024,
        time_limit_s: float = 30.0,
        cursors: Mapping[str, int] | None = None,
        notified: Callable[[str, dict[str, Any]], None] | None = None,
    ) -> None:
        self.me: dict[str, Any] = {}
        self.epoch = ""
        self.since: str | None = None
        self._address = _socket_address(url)
        self._token = token
        self._views = list(views)
        self._buffer = buffer
        self._time_limit_s = time_limit_s
        self._notified = notified
        self._cursors = Cursors()
        for log, seq in (cursors or {}).items():
            self._cursors.begin(log, seq)
        self._resumes = cursors is not None
        self._events: deque[Event] = deque()
        # Where the interval of each log's next event begins, if hidden ones were left out before.
        self._skipped: dict[str, int] = {}
        self._stirred = asyncio.Event()
        self._may_pull = asyncio.Event()
        self._ready = asyncio.Event()
        self._socket: ClientConnection | None = None
        self._answers: dict[int, asyncio.Future[Any]] = {}
        self._last_id = 0
        self._in_flight = asyncio.Semaphore(MAX_IN_FLIGHT - 2)
        self._ids = IdMaker()
        self._task: asyncio.Task[None] | None = None
        self._ended: BaseException | None = None

    async def __aenter__(self) -> Client:
        """Connect and sync.

        Raises:
            Unauthenticated: the token is not, or no longer, good.
            TimedOut: no server answered within the time limit.
        """
        self._task = asyncio.create_task(self._live())
        try:
            await self._until_ready(asyncio.get_running_loop().time() + self._time_limit_s)
        except BaseException:
            await self.aclose()
            raise
        return self

    async def __aexit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        traceback: TracebackType | None,
    ) -> None:
        await self.aclose()

    async def aclose(self) -> None:
        """Close the connection; `events` ends. A second time does nothing."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.wait([self._task])
        self._end(None)

    @property
    def cursors(self) -> dict[str, int]:
        """The position reached in each log, to go on from with another client."""
        return {log: self._cursors[log] for log in self._cursors}

    async def call(
        self, command: str, params: Mapping[str, Any] | None = None, /, **fields: Any
    ) -> Any:
        """The result of a command, as plain JSON values.

        Parameters are given by name, or as one mapping, or both. Without a connection it waits for
        one. What is safe to repeat (reading, and whatever carries a ``client_id``, which
        ``message.send``, ``.edit`` and ``.act`` are given if they have none) is asked again after
        a lost connection, and when a limit that it met allows.

        Raises:
            Failure: what the server answered, by the classes of `dash_messenger.errors`.
            Disconnected: the connection was lost and the command is not safe to repeat.
            TimedOut: no answer within the time limit.
        """
        wanted = {**(params or {}), **fields}
        if command in _NAMED:
            wanted.setdefault("client_id", self._ids())
        repeatable = "client_id" in wanted or _is_repeatable(command)
        deadline = asyncio.get_running_loop().time() + self._time_limit_s
        async with self._in_flight:
            while True:
                await self._until_ready(deadline)
                if not repeatable:
                    return await self._ask(command, wanted, deadline)
                try:
                    return await self._ask_patiently(command, wanted, deadline)
                except Disconnected:
                    continue

    async def events(self) -> AsyncIterator[Event]:
        """Every event of every log from the moment of connecting on, each once and in order.

        It outlives lost connections. For one reader at a time.

        Raises:
            Failure: the server ended the session, or will not have this client.
        """
        while True:
            while self._events:
                event = self._events.popleft()
                if len(self._events) == self._buffer // 2:
                    self._may_pull.set()
                yield event
            if self._task is None or self._task.done():
                if self._ended is not None:
                    raise self._ended
                return
            self._stirred.clear()
            self._may_pull.set()
            await self._stirred.wait()

    # The connection's life

    async def _live(self) -> None:
        pause_s = FIRST_PAUSE_S
        try:
            while True:
                try:
                    async with self._connect() as socket:
                        if await self._converse(socket):
                            pause_s = FIRST_PAUSE_S
                        _check_may_return(socket.close_code, socket.close_reason)
                except InvalidStatus as error:
                    _check_may_retry(error.response.status_code)
                except (OSError, InvalidHandshake, ConnectionClosed, TimeoutError, EOFError):
                    pass
                # Full jitter: after a restart not everybody returns in the same instant.
                await asyncio.sleep(random.uniform(pause_s / 2, pause_s))  # noqa: S311
                pause_s = min(pause_s * 2, LONGEST_PAUSE_S)
        except Exception as error:  # the task's root: whoever waits for it is told
            self._end(error)

    def _connect(self) -> connect:
        host = urlsplit(self._address).hostname or ""
        local = host in ("localhost", "::1") or host.startswith("127.")
        return connect(
            self._address,
            additional_headers={"Authorization": f"Bearer {self._token}"},
            subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]
            compression=None,
            max_size=MAX_FRAME_BYTES,
            open_timeout=self._time_limit_s,
            close_timeout=2,
            proxy=None if local else True,
        )

    async def _converse(self, socket: ClientConnection) -> bool:
        """Until the socket closes: sync, then read what was missed. Whether it came to that."""
        self._socket = socket
        catching_up = asyncio.create_task(self._catch_up())
        try:
            while True:
                self._receive(await socket.recv(decode=False))
        except ConnectionClosed:
            return self._ready.is_set()
        finally:
            self._socket = None
            self._ready.clear()
            catching_up.cancel()
            for answer in self._answers.values():
                if not answer.done():
                    answer.set_exception(Disconnected("the connection was lost"))
                    answer.exception()
            self._answers.clear()
            # Not a plain await: a cancellation of this task must go on.
            await asyncio.wait([catching_up])

    def _receive(self, raw: bytes) -> None:
        frame = _frames.decode(raw)
        if frame.method == "event":
            self._take(_events.decode(frame.params))
        elif frame.method is not None:
            if self._notified is not None:
                self._notified(frame.method, msgspec.json.decode(frame.params))
        elif isinstance(frame.id, int):
            answer = self._answers.pop(frame.id, None)
            if answer is not None and not answer.done():
                if frame.error is None:
                    answer.set_result(frame.result)
                else:
                    answer.set_exception(failure_from(frame.error))

    async def _ask(self, command: str, params: Mapping[str, Any], deadline: float) -> Any:
        if self._socket is None:
            raise Disconnected("not connected")
        self._last_id += 1
        id = self._last_id
        answer: asyncio.Future[Any] = asyncio.get_running_loop().create_future()
        self._answers[id] = answer
        request = {"jsonrpc": "2.0", "id": id, "method": command, "params": params}
        try:
            async with asyncio.timeout_at(deadline):
                await self._socket.send(msgspec.json.encode(request), text=True)
                return await answer
        except TimeoutError:
            raise TimedOut from None
        except ConnectionClosed:
            raise Disconnected("the connection was lost") from None
        finally:
            self._answers.pop(id, None)

    async def _ask_patiently(self, command: str, params: Mapping[str, Any], deadline: float) -> Any:
        """The answer; a limit is waited for as long as it says, if there is time for that."""
        while True:
            try:
                return await self._ask(command, params, deadline)
            except RateLimited as limited:
                pause_s = limited.params.get("retry_after_s")
                now = asyncio.get_running_loop().time()
                if not isinstance(pause_s, int | float) or now + pause_s > deadline:
                    raise
                await asyncio.sleep(pause_s)

    async def _until_ready(self, deadline: float) -> None:
        try:
            async with asyncio.timeout_at(deadline):
                await self._ready.wait()
        except TimeoutError:
            raise TimedOut from None
        if self._ended is not None:
            raise self._ended
        if self._task is None or self._task.done():
            raise Disconnected("the client is closed")

    def _end(self, error: BaseException | None) -> None:
        self._ended = self._ended or error
        self._ready.set()
        self._stirred.set()

    # Events

    def _take(self, event: Event) -> None:
        log = event.log
        if self._resumes and not self._ready.is_set() and log not in self._cursors:
            # Joined while away: what was said before this frame must be read first.
            self._cursors.know(log, event.seq)
        elif len(self._events) >= self._buffer:
            self._cursors.begin(log, event.after)
            self._cursors.know(log, event.seq)
        elif self._cursors.take(log, event.after, event.seq):
            self._put(event)
        self._may_pull.set()

    def _put(self, event: Event) -> None:
        if event.kind == Hidden.kind:
            self._skipped.setdefault(event.log, event.after)
            return
        after = self._skipped.pop(event.log, None)
        self._events.append(event if after is None else replace(event, after=after))
        self._stirred.set()

    async def _catch_up(self) -> None:
        """Sync, then read on in whatever log is behind, for as long as the connection lasts."""
        try:
            await self._sync()
            while True:
                self._may_pull.clear()
                log = self._cursors.behind()
                if log is None or len(self._events) >= self._buffer:
                    await self._may_pull.wait()
                else:
                    await self._pull(log)
        except Disconnected:
            pass
        except (Failure, msgspec.MsgspecError):
            # Busy, or an answer of another shape: a new connection tries again.
            if self._socket is not None:
                await self._socket.close()

    async def _sync(self) -> None:
        params = {"views": self._views} if self._views else {}
        left: dict[str, int] = {}
        while True:
            try:
                page = await self._ask_patiently(
                    "sync", {**params, "since": self.since}, self._deadline()
                )
            except Resync:
                self.since = None
                continue
            if self.epoch and page["epoch"] != self.epoch:
                # Another history: what was heard before says nothing about it.
                left.update(self.cursors)
                self._cursors, self._resumes = Cursors(), False
            self.epoch, self.me = page["epoch"], page["me"]
            for log in (self.me, *page["conversations"]):
                if self._resumes:
                    self._cursors.know(log["id"], log["seq"])
                else:
                    self._cursors.begin(log["id"], log["seq"])
            self.since = page["since"]
            if not page["more"]:
                break
        for log, after in left.items():
            seq = self._cursors.known(log)
            self._put(Event(log, after, seq, RESYNC))
        self._resumes = True
        self._ready.set()

    async def _pull(self, log: str) -> None:
        at = self._cursors[log]
        limit = min(PAGE_EVENTS, self._buffer)
        try:
            page = await self._ask_patiently(
                "log.read", {"log": log, "after": at, "limit": limit}, self._deadline()
            )
        except Resync as failure:
            seq = failure.params.get("seq")
            self._give_up(log, seq if isinstance(seq, int) else None)
            return
        except (NotFound, Forbidden):
            self._cursors.give_up(log)
            return
        for event in msgspec.convert(page["events"], list[Event]):
            if self._cursors.advance(log, event.seq):
                self._put(event)
        if not self._cursors.advance(log, page["seq"]) and self._cursors[log] == at:
            self._cursors.give_up(log)

    def _give_up(self, log: str, seq: int | None) -> None:
        after = self._cursors[log]
        self._cursors.reset(log, self._cursors.known(log) if seq is None else seq)
        self._put(Event(log, after, self._cursors[log], RESYNC))

    def _deadline(self) -> float:
        return asyncio.get_running_loop().time() + self._time_limit_s


def _socket_address(url: str) -> str:
    parts = urlsplit(url)
    scheme = {"http": "ws", "https": "wss"}.get(parts.scheme, parts.scheme)
    path = parts.path.rstrip("/")
    path = path if path.endswith("/ws") else path + "/ws"
    return urlunsplit((scheme, parts.netloc, path, "", ""))


def _is_repeatable(command: str) -> bool:
    return command in _REPEATABLE or command.endswith((".get", ".list", ".members"))


def _check_may_return(code: int | None, reason: str | None) -> None:
    """Raise what the close code says unless it says "come back"."""
    if code is None or code in (1000, 1005, 1006):
        return
    try:
        meaning = CloseCode(code)
    except ValueError:
        if 1001 <= code < 1015 or 4000 <= code < 4100:
            return
        raise Forbidden(reason=reason or str(code)) from None
    if meaning.comes_back:
        return
    if meaning in (
        CloseCode.UNAUTHENTICATED,
        CloseCode.SESSION_CLOSED,
        CloseCode.ACCOUNT_DEACTIVATED,
    ):
        raise Unauthenticated(reason=meaning.name.lower())
    raise InternalError(reason=meaning.name.lower())


def _check_may_retry(status: int) -> None:
    if status == 401:
        raise Unauthenticated
    if 400 <= status < 500 and status not in (408, 425, 429):
        raise Forbidden(reason=f"HTTP status {status}")
