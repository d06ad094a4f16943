"""One WebSocket (RFC 6455) as a protocol of the event loop: uvicorn's ``Config(ws=…)``.

Owns the handshake, pings, what is sent, closing, and the limits that keep one client from holding
up the others; what it receives is `inbound`'s. Must not know what the messages say: a subclass is
told of them. Invariants: what waits to be sent is at most ``max_outbound_bytes`` and one frame;
nothing is sent after the close frame.
"""

from __future__ import annotations

import asyncio
import http
from collections.abc import Coroutine
from typing import Any, ClassVar, cast

import structlog
from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.datastructures import MultipleValuesError
from websockets.http11 import Request, Response
from websockets.protocol import CONNECTING, OPEN

from dash_messenger.errors import CloseCode
from dash_messenger.gateway.inbound import Inbound, Limits
from dash_messenger.gateway.keepalive import Keepalive
from dash_messenger.gateway.websocket_library import Library

__all__ = ["Limits", "WebSocket"]

log = structlog.get_logger(__name__)

_PING = b"\x89\x00"


class WebSocket(Inbound):
    """A connection. A subclass sets the class attributes and overrides the methods below them."""

    keepalive: ClassVar[Keepalive]

    __slots__ = ("_bucket", "_draining", "_state", "_timer")

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any] | None = None,
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        super().__init__(_loop or asyncio.get_running_loop())
        self._state = server_state
        self._bucket = -1
        self._timer: asyncio.TimerHandle | None = None
        # For those who wait until the client has taken what it was sent.
        self._draining: asyncio.Future[None] | None = None

    # What a subclass is asked and told.

    def refuse(self, request: Request) -> tuple[http.HTTPStatus, str] | None:
        """Why this handshake is turned away, as a status and a sentence, or None."""
        return None

    async def admit(self, request: Request) -> tuple[CloseCode, str] | None:
        """Why the connection is closed as soon as it is open, or None. Has a time limit.

        Browsers show scripts the code of a close frame, but not the status of a failed handshake.
        """
        return None

    def opened(self) -> None:
        """The connection is open."""

    def text_received(self, payload: bytes) -> None:
        """A text message: valid UTF-8 of at most ``max_inbound_bytes``."""

    def binary_received(self, payload: bytes) -> None:
        """A binary message."""
        self.close(CloseCode.UNSUPPORTED_DATA, "text only")

    def closed(self) -> None:
        """The connection will carry nothing more. Called once if `opened` was."""

    # What a subclass, and the hub, may do.

    def write(self, frames: bytes) -> None:
        """Send frames made by `text_frame`. Does nothing once the connection is closing."""
        if self._guarded:
            self._write_guarded(frames)
        else:
            self._transport.write(frames)

    async def drained(self) -> None:
        """Return once the client has taken most of what it was sent, or is gone."""
        while self._guarded and not self._closing:
            if self._draining is None:
                self._draining = self._loop.create_future()
            # Shared: who gives up waiting must not end it for the others.
            await asyncio.shield(self._draining)

    @property
    def is_open(self) -> bool:
        """Whether the handshake is done and nothing has ended the connection."""
        return self._bucket >= 0

    @property
    def closing(self) -> bool:
        """Whether the connection is closed or about to be."""
        return self._closing

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Say why, then close; the client has ``close_timeout_s`` to answer."""
        if self._closing:
            return
        protocol = self._protocol
        if protocol is None:
            protocol = self._protocol = self._new_protocol()
        if protocol.state is CONNECTING:
            self._closing = True
            self._transport.close()
            return
        if protocol.state is OPEN:
            protocol.send_close(code, reason)
            self._send(protocol, protocol.data_to_send())
        self._end(self.limits.close_timeout_s)

    @property
    def peer(self) -> str:
        """The address of the other end, or nothing where it has none."""
        found = self._transport.get_extra_info("peername")
        return str(found[0]) if isinstance(found, tuple) else ""

    @property
    def encrypted(self) -> bool:
        """Whether the connection itself, without a proxy, is TLS."""
        return self._transport.get_extra_info("sslcontext") is not None

    def create_task(self, work: Coroutine[Any, Any, None]) -> None:
        """Run a coroutine that the server waits for when it stops."""
        task = self._loop.create_task(work)
        self._state.tasks.add(task)
        task.add_done_callback(self._state.tasks.discard)

    # The event loop's and uvicorn's side.

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        """The HTTP server hands the transport over."""
        # uvloop's transports are none of asyncio's classes.
        self._transport = cast("asyncio.Transport", transport)
        self._state.connections.add(self)  # type: ignore[arg-type]

    def connection_lost(self, exc: Exception | None) -> None:
        """The transport is gone."""
        self._state.connections.discard(self)
        self._end(None)

    def eof_received(self) -> None:
        """The client sends nothing more; the transport closes itself."""

    def pause_writing(self) -> None:
        """The client reads more slowly than it is sent to: it is not listened to meanwhile."""
        self._guarded = True
        if not self._closing:
            self._stop_reading()

    def resume_writing(self) -> None:
        """The client has caught up."""
        self._guarded = self._closing
        self._wake_waiting()
        if not self._closing:
            self._loop.call_soon(self._go_on)

    def shutdown(self) -> None:
        """The server stops: close so that the client comes back."""
        self.close(CloseCode.SERVICE_RESTART, "the server restarts")

    # Opening.

    def _request(self, protocol: Library, request: Request) -> None:
        self._stop_reading()
        try:
            refusal = self.refuse(request)
        except MultipleValuesError:
            refusal = (http.HTTPStatus.BAD_REQUEST, "A header is given twice.")
        response = protocol.accept(request)
        if refusal is not None and response.status_code == http.HTTPStatus.SWITCHING_PROTOCOLS:
            response = protocol.reject(refusal[0], refusal[1] + "\n")
        if response.status_code == http.HTTPStatus.SWITCHING_PROTOCOLS:
            self.create_task(self._open(protocol, request, response))
        else:
            protocol.send_response(response)
            self._send(protocol, protocol.data_to_send())
            self._end(self.limits.close_timeout_s)

    async def _open(self, protocol: Library, request: Request, response: Response) -> None:
        reason: tuple[CloseCode, str] | None
        try:
            async with asyncio.timeout(self.limits.handshake_timeout_s):
                reason = await self.admit(request)
        except TimeoutError:
            reason = (CloseCode.OVERLOADED, "try again later")
        # The root of a task: a defect here must not leave the client waiting.
        except Exception:
            log.exception("handshake_failed")
            reason = (CloseCode.INTERNAL_ERROR, "the server failed")
        if self._transport.is_closing() or self._closing:
            return
        protocol.send_response(response)
        self._send(protocol, protocol.data_to_send())
        self._protocol = None
        protocol.forget()
        if reason is not None:
            self.close(*reason)
            return
        self._bucket = self.keepalive.add(self)
        self.opened()
        self._go_on()

    # Living and ending.

    def ping(self) -> None:
        """Ask for a sign of life; `check` comes later."""
        self._quiet = True
        self.write(_PING)

    def check(self) -> None:
        """Close a connection that has shown no sign of life since the ping."""
        if self._quiet and not self._full:
            self.close(CloseCode.PING_TIMEOUT, "no answer to a ping")

    def _write_guarded(self, frames: bytes) -> None:
        if self._closing:
            return
        waiting = self._transport.get_write_buffer_size()
        if waiting + len(frames) > self.limits.max_outbound_bytes:
            self.close(CloseCode.SLOW_READER, "reads too slowly")
        else:
            self._transport.write(frames)

    def _send(self, protocol: Library, output: list[bytes]) -> None:
        """Send what the library wants sent; an empty piece is the end of the stream."""
        for data in output:
            if data:
                self._transport.write(data)
            elif (
                protocol.close_rcvd is not None
                or protocol.state is CONNECTING
                or not self._transport.can_write_eof()
            ):
                self._transport.close()
            else:
                # Closing while bytes come in would reset the connection, and the client would
                # never read why. So say it, and listen a while without hearing.
                self._transport.write_eof()

    def _wake_waiting(self) -> None:
        draining, self._draining = self._draining, None
        if draining is not None:
            draining.set_result(None)

    def _end(self, timeout_s: float | None) -> None:
        if not self._closing:
            self._closing = self._guarded = True
            self._frames = self._fragments = None
            self._held = b""
            self._wake_waiting()
            if not self._reading and not self._transport.is_closing():
                # The client's close frame must be read, or it takes ours for a lost connection.
                self._reading = True
                self._transport.resume_reading()
            if timeout_s is not None:
                self._timer = self._loop.call_later(timeout_s, self._transport.abort)
            if self._bucket >= 0:
                self.keepalive.remove(self, self._bucket)
                self._bucket = -1
                self.closed()
        if timeout_s is None and self._timer is not None:
            self._timer.cancel()
            self._timer = None
