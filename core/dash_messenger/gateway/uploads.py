"""``POST /blobs``: a file comes in, part by part, and never stands in memory.

Owns the limits of uploads. An ASGI application of its own in front of the web framework, which
would take in a body faster than the disk does. Invariant: what is refused or broken off leaves
nothing behind.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Protocol, TypeAlias

import msgspec
import structlog
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, File, MultipartDecoder, NeedData

from dash_messenger.auth.sessions import OpenSession
from dash_messenger.blobs.blobs import BlobStore
from dash_messenger.blobs.transfers import Transfers
from dash_messenger.blobs.upload_places import Pace, Places, pace_for
from dash_messenger.errors import (
    Failure,
    InternalError,
    InvalidParams,
    TimedOut,
    TooLarge,
)
from dash_messenger.protocol.jsonrpc import http_error_body
from dash_messenger.rate_limits import Buckets

__all__ = ["Uploads"]

# What is left of a refused body is thrown away as it comes, for so long.
DRAIN_WITHIN_S = 5.0
# What the parser may hold: several of the pieces in which a body comes.
MAX_BUFFERED_BYTES = 1_048_576
# Boundaries and headers around the file.
MAX_AROUND_BYTES = 16_384

Event: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]
App: TypeAlias = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]

log = structlog.get_logger(__name__)


class Admit(Protocol):
    """The guard of all routes, for a request that changes something."""

    async def __call__(self, headers: Headers, scope: MutableMapping[str, Any]) -> OpenSession:
        """The session; raises a `Failure` for whoever may not. ``scope`` is the request's."""


class Uploads:
    """An ASGI application around another: it answers ``POST /blobs`` itself."""

    def __init__(
        self,
        app: App,
        blobs: BlobStore,
        admit: Admit,
        transfers: Transfers,
        *,
        max_bytes: int,
        rate_limits: bool,
        pace: Callable[[int], Pace] = pace_for,
        places: Places | None = None,
    ) -> None:
        self._app = app
        self._transfers = transfers
        self._pace = pace
        self._places = places or Places()
        self._blobs = blobs
        self._admit = admit
        self._max_bytes = max_bytes
        self._buckets = Buckets(burst=200, per_s=2, enabled=rate_limits)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] != "/blobs" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = Headers(
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        )
        incoming = _Incoming(receive)
        try:
            body = await self._upload(headers, scope, incoming)
        except _Broken:
            return
        except Failure as failure:
            await _refuse(failure, incoming, send)
        # The edge: a defect is logged, and told without its details.
        except Exception:
            log.exception("upload_failed")
            await _refuse(InternalError(), incoming, send)
        else:
            await send(_head(201, body))
            await send({"type": "http.response.body", "body": body})

    async def _upload(
        self, headers: Headers, scope: MutableMapping[str, Any], receive: Receive
    ) -> bytes:
        session = await self._admit(headers, scope)
        user = session.user
        self._buckets.take(user)
        length = headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > self._max_bytes + MAX_AROUND_BYTES:
            raise TooLarge(max_bytes=self._max_bytes)
        kind, options = parse_options_header(headers.get("Content-Type"))
        boundary = options.get("boundary", "").encode("latin-1", "replace")
        if kind != "multipart/form-data" or not 1 <= len(boundary) <= 200:
            raise InvalidParams(field="file", reason="send it as multipart/form-data")
        pace = self._pace(self._max_bytes)
        with self._places.place(user, pace), self._transfers.watch(scope, session):
            body = _Body(receive, boundary, self._max_bytes, pace)
            name = await body.file_name()
            blob = await self._blobs.keep(
                body.content(), owner=user, name=name, max_bytes=body.left(length)
            )
        return msgspec.json.encode(blob)


class _Incoming:
    """The events of a request's body, until it has ended."""

    def __init__(self, receive: Receive) -> None:
        self._receive = receive
        self.ended = False

    async def __call__(self) -> Event:
        event = await self._receive()
        self.ended = not event.get("more_body")
        return event


async def _refuse(failure: Failure, incoming: _Incoming, send: Send) -> None:
    """Answer; who is still sending gets some time to finish, or would never read it."""
    body = http_error_body(failure)
    more = [(b"connection", b"close")]
    wait_s = failure.params.get("retry_after_s")
    if wait_s is not None:
        more.append((b"retry-after", str(wait_s).encode()))
    await send(_head(failure.http_status, body, *more))
    with contextlib.suppress(TimeoutError):
        async with asyncio.timeout(DRAIN_WITHIN_S):
            while not incoming.ended:
                await incoming()
    await send({"type": "http.response.body", "body": body})


def _head(status: int, body: bytes, *more: tuple[bytes, bytes]) -> Event:
    headers = [
        (b"content-type", b"application/json"),
        (b"content-length", str(len(body)).encode()),
        (b"cache-control", b"no-store"),
        (b"x-content-type-options", b"nosniff"),
        *more,
    ]
    return {"type": "http.response.start", "status": status, "headers": headers}


class _Broken(Exception):
    """The client is gone."""


class _Body:
    """The first file of a multipart body, as it comes."""

    def __init__(self, receive: Receive, boundary: bytes, max_bytes: int, pace: Pace) -> None:
        self._receive = receive
        self._pace = pace
        self._max_bytes = max_bytes
        self._boundary = boundary
        self._ended = False
        self._decoder = MultipartDecoder(boundary, max_form_memory_size=MAX_BUFFERED_BYTES)

    async def file_name(self) -> str:
        """The name that the file was sent with; the body is read up to its content.

        Raises:
            InvalidParams: there is no file.
        """
        while True:
            event = await self._next()
            if isinstance(event, File):
                return event.filename or ""
            if isinstance(event, Epilogue):
                raise InvalidParams(field="file", reason="there is no file")

    def left(self, length: str) -> int:
        """How large the file may be by the body's ``Content-Length``; 0 where there is none."""
        if not length.isdecimal():
            return 0
        end = len(self._boundary) + len(b"\r\n----")
        return max(0, int(length) - self._pace.come_bytes + len(self._decoder.buffer) - end)

    async def content(self) -> AsyncIterator[bytes]:
        """The file's bytes.

        Raises:
            TooLarge: it has more than is allowed.
        """
        size, more = 0, True
        while more:
            event = await self._next()
            if not isinstance(event, Data):
                raise InvalidParams(field="file", reason="is cut off")
            size += len(event.data)
            if size > self._max_bytes:
                raise TooLarge(max_bytes=self._max_bytes)
            more = event.more_data
            if event.data:
                yield event.data

    async def _next(self) -> object:
        while True:
            try:
                event = self._decoder.next_event()
            except ValueError as error:
                raise InvalidParams(field="file", reason="is no valid form") from error
            if not isinstance(event, NeedData):
                return event
            if self._ended:
                raise InvalidParams(field="file", reason="is cut off")
            try:
                with self._pace.waiting() as within_s:
                    async with asyncio.timeout(within_s):
                        message = await self._receive()
            except TimeoutError:
                raise TimedOut from None
            if message["type"] != "http.request":
                raise _Broken
            self._ended = not message.get("more_body")
            body = message.get("body", b"")
            self._pace.came(len(body))
            try:
                self._decoder.receive_data(body)
            except RequestEntityTooLarge as error:
                raise InvalidParams(field="file", reason="is no valid form") from error
            if self._ended:
                self._decoder.receive_data(None)
