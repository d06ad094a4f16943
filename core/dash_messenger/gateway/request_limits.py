"""uvicorn's HTTP protocol with the limits that it leaves to a proxy in front.

Owns how long and how large a request's head may be, against clients that open connections and say
nothing, or never stop saying headers. Also hands a connection that becomes a WebSocket over with
nothing left behind. Bodies are the web framework's matter, which has limits of its own; one that
still comes when its request has been answered ends the connection.
"""

from __future__ import annotations

import asyncio
import socket
import struct

from uvicorn.protocols.http.httptools_impl import (
    STATUS_LINE,
    HttpToolsProtocol,
    RequestResponseCycle,
)

from dash_messenger.blobs.transfers import ABORT
from dash_messenger.gateway.connection_limits import ConnectionLimits

__all__ = ["GuardedHttp"]

HEAD_TIMEOUT_S = 10.0
# Twice what nginx allows by default; cookies of our own are under 1 KiB.
MAX_HEAD_BYTES = 65_536
MAX_HEADERS = 100
# Requests that wait for the answer before theirs; one read of the transport holds thousands.
MAX_PIPELINED = 32


class GuardedHttp(HttpToolsProtocol):
    """For uvicorn: ``Config(app, http=GuardedHttp)``. Tests may set the class attributes."""

    head_timeout_s = HEAD_TIMEOUT_S
    max_head_bytes = MAX_HEAD_BYTES
    places: ConnectionLimits | None = None

    # Whether the head of a request is awaited, and how much of it has come.
    _in_head = True
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None
    _handed_over = False
    # Whether a request's body is still to come.
    _in_body = False

    @property
    def idle(self) -> bool:
        """Whether no request is under way."""
        # uvicorn has none before the first request.
        cycle: RequestResponseCycle | None = self.cycle
        return cycle is None or (cycle.response_complete and not self._in_body)

    def give_way(self) -> None:
        """End this connection, on which nothing is under way, for another's sake."""
        self._leave()
        self.transport.abort()

    def _cut(self) -> None:
        """End this connection now, and what the kernel has not sent of it yet."""
        connection = self.transport.get_extra_info("socket")
        if connection is not None:
            connection.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        self.transport.abort()

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client may not stay silent."""
        super().connection_made(transport)
        if self.places and not self.places.admit(self, self._address, len(self.connections)):
            self._refuse(503)
            return
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_timer()
        self._leave()
        super().connection_lost(exc)

    def data_received(self, data: bytes) -> None:
        """Parse, unless the head goes on for too long."""
        if self.transport.is_closing():
            return
        super().data_received(data)
        if self._handed_over:
            return
        if not self._in_head:
            self._stop_timer()
            return
        self._head_bytes += len(data)
        if self._head_bytes > self.max_head_bytes:
            self._refuse(431)
        elif self._head_timer is None:
            self._await_head()

    def on_message_begin(self) -> None:
        """A request starts."""
        super().on_message_begin()
        # For what may have to end in the middle, however slow the client reads.
        self.scope[ABORT] = self._cut  # type: ignore[literal-required]
        self._in_head = True
        self._head_bytes = 0

    def on_header(self, name: bytes, value: bytes) -> None:
        """One more header."""
        if len(self.headers) < MAX_HEADERS:
            super().on_header(name, value)
        else:
            self._refuse(431)

    def on_headers_complete(self) -> None:
        """The head of a request is complete."""
        self._in_head = False
        self._in_body = True
        if len(self.pipeline) >= MAX_PIPELINED:
            self._refuse(429)
        if not self.transport.is_closing():
            super().on_headers_complete()

    def on_message_complete(self) -> None:
        """A request has come as a whole."""
        self._in_body = False
        super().on_message_complete()

    def on_response_complete(self) -> None:
        """An answer is sent; nobody would read what is left of the request."""
        super().on_response_complete()
        if self._in_body and not self._handed_over and not self.transport.is_closing():
            self.transport.close()

    def handle_websocket_upgrade(self) -> None:
        """Hand over; what this object held would otherwise live until the garbage collector."""
        self._stop_timer()
        self._leave()
        self._handed_over = True
        if self.transport.is_closing():
            return
        super().handle_websocket_upgrade()
        self.parser = self.scope = self.headers = self.flow = None  # type: ignore[assignment]
        self.transport = None  # type: ignore[assignment]

    @property
    def _address(self) -> str:
        return self.client[0] if self.client else ""

    def _leave(self) -> None:
        if self.places:
            self.places.leave(self, self._address)

    def _await_head(self) -> None:
        self._head_timer = self.loop.call_later(self.head_timeout_s, self._refuse, 408)

    def _stop_timer(self) -> None:
        if self._head_timer is not None:
            self._head_timer.cancel()
            self._head_timer = None

    def _refuse(self, status: int) -> None:
        self._stop_timer()
        if not self.transport.is_closing():
            self.transport.write(
                STATUS_LINE[status] + b"connection: close\r\ncontent-length: 0\r\n\r\n"
            )
            self.transport.close()
