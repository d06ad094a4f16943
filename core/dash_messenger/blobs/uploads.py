"""``POST /blobs``: a file comes in, part by part, and never stands in memory.

Owns the limits of uploads. An ASGI application of its own in front of the web framework, which
would take in a body faster than the disk does. Invariant: what is refused or broken off leaves
nothing behind.
"""

from __future__ import annotations

import asyncio
from collections import Counter
from collections.abc import AsyncIterator, Awaitable, Callable, MutableMapping
from typing import Any, Protocol, TypeAlias

import msgspec
import structlog
from werkzeug.datastructures import Headers
from werkzeug.exceptions import RequestEntityTooLarge
from werkzeug.http import parse_options_header
from werkzeug.sansio.multipart import Data, Epilogue, File, MultipartDecoder, NeedData

from dash_messenger.blobs.blobs import BlobStore
from dash_messenger.errors import (
    Busy,
    Failure,
    InternalError,
    InvalidParams,
    TimedOut,
    TooLarge,
)
from dash_messenger.limits import Buckets
from dash_messenger.protocol import http_error_body

__all__ = ["Uploads"]

# Several at a time from an album; more would only wait for the disk.
MAX_AT_ONCE_A_USER = 6
MAX_AT_ONCE = 64
# A connection that says nothing for so long is dead.
SILENCE_S = 30.0
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

    async def __call__(self, headers: Headers, scheme: str) -> str:
        """The user's id; raises a `Failure` for whoever may not."""


class Uploads:
    """An ASGI application around another: it answers ``POST /blobs`` itself."""

    def __init__(
        self, app: App, blobs: BlobStore, admit: Admit, *, max_bytes: int, rate_limits: bool
    ) -> None:
        self._app = app
        self._blobs = blobs
        self._admit = admit
        self._max_bytes = max_bytes
        self._at_once: Counter[str] = Counter()
        self._buckets = Buckets(burst=200, per_s=2, enabled=rate_limits)

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http" or scope["path"] != "/blobs" or scope["method"] != "POST":
            await self._app(scope, receive, send)
            return
        headers = Headers(
            [(name.decode("latin-1"), value.decode("latin-1")) for name, value in scope["headers"]]
        )
        try:
            status, body = 201, await self._upload(headers, scope["scheme"], receive)
        except Failure as failure:
            status, body = failure.http_status, http_error_body(failure)
        except _Broken:
            return
        # The edge: a defect is logged, and told without its details.
        except Exception:
            log.exception("upload_failed")
            status, body = 500, http_error_body(InternalError())
        await send(
            {
                "type": "http.response.start",
                "status": status,
                "headers": [
                    (b"content-type", b"application/json"),
                    (b"content-length", str(len(body)).encode()),
                    (b"cache-control", b"no-store"),
                    (b"x-content-type-options", b"nosniff"),
                    # What is left of a refused body is not read.
                    *([] if status == 201 else [(b"connection", b"close")]),
                ],
            }
        )
        await send({"type": "http.response.body", "body": body})

    async def _upload(self, headers: Headers, scheme: str, receive: Receive) -> bytes:
        user = await self._admit(headers, scheme)
        self._buckets.take(user)
        length = headers.get("Content-Length", "")
        if length.isdecimal() and int(length) > self._max_bytes + MAX_AROUND_BYTES:
            raise TooLarge(max_bytes=self._max_bytes)
        kind, options = parse_options_header(headers.get("Content-Type"))
        boundary = options.get("boundary", "").encode("latin-1", "replace")
        if kind != "multipart/form-data" or not 1 <= len(boundary) <= 200:
            raise InvalidParams(field="file", reason="send it as multipart/form-data")
        if self._at_once[user] >= MAX_AT_ONCE_A_USER or self._at_once.total() >= MAX_AT_ONCE:
            raise Busy
        self._at_once[user] += 1
        try:
            body = _Body(receive, boundary, self._max_bytes)
            name = await body.file_name()
            blob = await self._blobs.keep(body.content(), owner=user, name=name)
        finally:
            self._at_once[user] -= 1
            if not self._at_once[user]:
                del self._at_once[user]
        return msgspec.json.encode(blob)


class _Broken(Exception):
    """The client is gone."""


class _Body:
    """The first file of a multipart body, as it comes."""

    def __init__(self, receive: Receive, boundary: bytes, max_bytes: int) -> None:
        self._receive = receive
        self._max_bytes = max_bytes
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
                async with asyncio.timeout(SILENCE_S):
                    message = await self._receive()
            except TimeoutError:
                raise TimedOut from None
            if message["type"] != "http.request":
                raise _Broken
            self._ended = not message.get("more_body")
            try:
                self._decoder.receive_data(message.get("body", b""))
            except RequestEntityTooLarge as error:
                raise InvalidParams(field="file", reason="is no valid form") from error
            if self._ended:
                self._decoder.receive_data(None)
