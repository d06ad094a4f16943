"""uvicorn's HTTP protocol with the limits that it leaves to a proxy in front.

Owns how long and how large a request's head may be, against clients that open connections and say
nothing, or never stop saying headers. Also hands a connection that becomes a WebSocket over with
nothing left behind. Bodies are the web framework's matter, which has limits of its own.
"""

from __future__ import annotations

import asyncio

from uvicorn.protocols.http.httptools_impl import STATUS_LINE, HttpToolsProtocol

__all__ = ["GuardedHttp"]

HEAD_TIMEOUT_S = 10.0
# Twice what nginx allows by default; cookies of our own are under 1 KiB.
MAX_HEAD_BYTES = 65_536
MAX_HEADERS = 100


class GuardedHttp(HttpToolsProtocol):
    """For uvicorn: ``Config(app, http=GuardedHttp)``. Tests may set the class attributes."""

    head_timeout_s = HEAD_TIMEOUT_S
    max_head_bytes = MAX_HEAD_BYTES

    # Whether the head of a request is awaited, and how much of it has come.
    _in_head = True
    _head_bytes = 0
    _head_timer: asyncio.TimerHandle | None = None
    _handed_over = False

    def connection_made(self, transport: asyncio.Transport) -> None:  # type: ignore[override]
        """A client may not stay silent."""
        super().connection_made(transport)
        self._await_head()

    def connection_lost(self, exc: Exception | None) -> None:
        """The client is gone."""
        self._stop_timer()
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
        if not self.transport.is_closing():
            super().on_headers_complete()

    def handle_websocket_upgrade(self) -> None:
        """Hand over; what this object held would otherwise live until the garbage collector."""
        self._stop_timer()
        self._handed_over = True
        if self.transport.is_closing():
            return
        super().handle_websocket_upgrade()
        self.parser = self.scope = self.headers = self.flow = None  # type: ignore[assignment]
        self.transport = None  # type: ignore[assignment]

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
