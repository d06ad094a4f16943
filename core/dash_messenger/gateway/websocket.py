"""One WebSocket (RFC 6455) as a protocol of the event loop: uvicorn's ``Config(ws=…)``.

Owns the handshake, frames, pings, closing, and the limits that keep one client from holding up
the others. Must not know what the messages say: a subclass is told of them. Built on the sans-I/O
protocol of the ``websockets`` library, which decides everything but the one case that is nearly
all traffic, a complete unfragmented text frame (or a pong), which is read here in a few steps.
That library's object exists only while something else is going on, so that an idle connection is
small. Invariants: what was received and not yet handled is at most one read of the transport;
what waits to be sent is at most ``max_outbound_bytes`` and one frame; nothing is sent after the
close frame.
"""

from __future__ import annotations

import asyncio
import codecs
import http
import logging
from collections import deque
from collections.abc import Coroutine, Sequence
from dataclasses import dataclass
from typing import Any, ClassVar, cast

import structlog
from uvicorn.config import Config
from uvicorn.server import ServerState
from websockets.datastructures import MultipleValuesError
from websockets.frames import Frame, Opcode
from websockets.http11 import Request, Response
from websockets.protocol import CONNECTING, OPEN
from websockets.server import ServerProtocol
from websockets.typing import Subprotocol

from dash_messenger.errors import CloseCode
from dash_messenger.gateway.keepalive import Keepalive

try:
    from websockets.speedups import apply_mask
except ImportError:  # The library's own fallback where its C part was not built.
    from websockets.utils import apply_mask

__all__ = ["Limits", "WebSocket"]

# How many frames one connection may have handled before the others get their turn.
FRAMES_A_TURN = 32
# Pieces of one message. A client that splits 64 KiB at all has a reason for some; thousands, which
# may be empty, cost a decoding each and a place in a list that no limit of bytes sees.
MAX_FRAGMENTS = 256
# What the library is given to parse before the others get their turn: 700 pings take 5 ms.
BYTES_A_TURN = 4_096

_FINAL_TEXT = 0x81
_FINAL_PONG = 0x8A
log = structlog.get_logger(__name__)

_PING = b"\x89\x00"


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may take. The defaults are for a messenger's clients."""

    max_inbound_bytes: int = 65_536
    # A page of 1 MB, and what is heard while a slow line carries it.
    max_outbound_bytes: int = 1_572_864
    max_in_flight: int = 32
    handshake_timeout_s: float = 10.0
    close_timeout_s: float = 10.0


class WebSocket(asyncio.Protocol):
    """A connection. A subclass sets the class attributes and overrides the methods below them."""

    limits: ClassVar[Limits]
    keepalive: ClassVar[Keepalive]
    subprotocols: ClassVar[tuple[Subprotocol, ...]] = ()

    __slots__ = (
        "_bucket",
        "_closing",
        "_draining",
        "_fragments",
        "_frames",
        "_full",
        "_guarded",
        "_held",
        "_loop",
        "_protocol",
        "_quiet",
        "_reading",
        "_state",
        "_timer",
        "_transport",
        "_unparsed",
    )

    def __init__(
        self,
        config: Config,
        server_state: ServerState,
        app_state: dict[str, Any] | None = None,
        _loop: asyncio.AbstractEventLoop | None = None,
    ) -> None:
        self._state = server_state
        self._loop = _loop or asyncio.get_running_loop()
        self._transport: asyncio.Transport = None  # type: ignore[assignment]
        self._protocol: _Library | None = _Library(
            subprotocols=self.subprotocols,
            logger=_library_log(),
        )
        # The frames the library has parsed and nobody has handled; what is not even parsed.
        self._frames: deque[Frame] | None = None
        self._held = b""
        self._unparsed = 0
        self._fragments: _Fragments | None = None
        self._bucket = -1
        self._timer: asyncio.TimerHandle | None = None
        self._closing = False
        # For those who wait until the client has taken what it was sent.
        self._draining: asyncio.Future[None] | None = None
        self._full = False
        self._guarded = False
        self._quiet = False
        self._reading = True

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

    def pause(self) -> None:
        """Take no further messages until `resume`; the client's sends will wait."""
        self._full = True
        if not self._closing:
            self._stop_reading()

    def resume(self) -> None:
        """Take messages again, beginning with those that were held, not before this returns."""
        if self._full:
            self._full = False
            self._loop.call_soon(self._go_on)

    async def drained(self) -> None:
        """Return once the client has taken most of what it was sent, or is gone."""
        while self._guarded and not self._closing:
            if self._draining is None:
                self._draining = self._loop.create_future()
            # Shared: who gives up waiting must not end it for the others.
            await asyncio.shield(self._draining)

    @property
    def paused(self) -> bool:
        """Whether `pause` was called last."""
        return self._full

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

    def data_received(self, data: bytes) -> None:
        """Bytes from the client."""
        self._quiet = False
        if self._held:
            data = self._held + data
            self._held = b""
        if self._reading:
            self._take(data)
        else:
            self._held = data

    # Inbound, the way of nearly all frames.

    def _take(self, data: bytes) -> None:
        at, end, turns = 0, len(data), FRAMES_A_TURN
        while at < end and self._protocol is None:
            if self._full or turns == 0:
                self._hold(data[at:])
                return
            turns -= 1
            if end - at < 2:
                self._held = data[at:]
                return
            kind, size, payload_at = data[at], data[at + 1] - 128, at + 6
            if size == 126 and end - at >= 4:
                size, payload_at = data[at + 2] << 8 | data[at + 3], at + 8
            elif size > 125 or size < 0:
                break
            next_at = payload_at + size
            if size > self.limits.max_inbound_bytes:
                break
            if kind == _FINAL_TEXT:
                if next_at > end:
                    self._held = data[at:]
                    return
                payload = apply_mask(data[payload_at:next_at], data[payload_at - 4 : payload_at])
                if not payload.isascii() and not _is_utf8(payload):
                    self._fail_text()
                    return
                self.text_received(payload)
            elif kind != _FINAL_PONG or size > 125 or next_at > end:
                break
            at = next_at
        if at < end:
            self._parse(data[at:] if at else data)

    def _hold(self, data: bytes) -> None:
        self._held = data
        self._stop_reading()
        if self._closing or not self._full:
            self._loop.call_soon(self._go_on)

    def _stop_reading(self) -> None:
        if self._reading:
            self._reading = False
            if not self._transport.is_closing():
                self._transport.pause_reading()

    def _go_on(self) -> None:
        if self._reading or (not self._closing and (self._full or self._guarded)):
            return
        self._reading = True
        if self._frames:
            self._handle_frames()
        if self._reading and self._held:
            data, self._held = self._held, b""
            self._take(data)
        if self._reading and not self._transport.is_closing():
            self._transport.resume_reading()

    # Inbound, by the library.

    def _new_protocol(self) -> _Library:
        self._unparsed = 0
        return _Library(state=OPEN, max_size=self.limits.max_inbound_bytes, logger=_library_log())

    def _parse(self, data: bytes) -> None:
        protocol = self._protocol
        if protocol is None:
            protocol = self._protocol = self._new_protocol()
        data, rest = data[:BYTES_A_TURN], data[BYTES_A_TURN:]
        self._unparsed += len(data)
        protocol.receive_data(data)
        events, output, pongs = protocol.events_received(), protocol.data_to_send(), 0
        for event in events:
            if isinstance(event, Request):
                self._request(protocol, event)
                return
            assert isinstance(event, Frame)
            self._unparsed -= _size_on_wire(len(event.data))
            pongs += event.opcode is Opcode.PING
            if self._frames is None:
                self._frames = deque()
            self._frames.append(event)
        for pong in output[:pongs]:
            self.write(pong)
        if self._frames:
            self._handle_frames()
        # What is left is the end: a close frame, or the refusal of a handshake.
        self._send(protocol, output[pongs:])
        if protocol.parser_exc or protocol.handshake_exc or protocol.close_rcvd:
            self._end(self.limits.close_timeout_s)
        if rest:
            self._hold(rest)

    def _handle_frames(self) -> None:
        frames = self._frames
        while frames and not self._closing:
            if self._full:
                self._stop_reading()
                return
            self._handle(frames.popleft())
        self._frames = None
        if (
            not self._closing
            and self._unparsed == 0
            and self._fragments is None
            and self._protocol is not None
            and self._protocol.state is OPEN
        ):
            # Everything was whole frames: back to the quick way.
            self._protocol.forget()
            self._protocol = None

    def _handle(self, frame: Frame) -> None:
        if frame.opcode not in (Opcode.TEXT, Opcode.BINARY, Opcode.CONT):
            # The library has answered pings and close frames; pongs count by having arrived.
            return
        if frame.opcode is not Opcode.CONT:
            self._fragments = _Fragments(frame.opcode is Opcode.TEXT)
        fragments = self._fragments
        assert fragments is not None
        if len(fragments.parts) >= MAX_FRAGMENTS:
            self.close(CloseCode.PROTOCOL_ABUSED, "too many fragments")
            return
        try:
            fragments.add(bytes(frame.data), frame.fin)
        except UnicodeDecodeError:
            self._fail_text()
            return
        if frame.fin:
            self._fragments = None
            payload = b"".join(fragments.parts)
            if fragments.text:
                self.text_received(payload)
            else:
                self.binary_received(payload)

    def _fail_text(self) -> None:
        if self._protocol is None:
            self._protocol = self._new_protocol()
        self._protocol.fail(CloseCode.INVALID_TEXT, "not UTF-8")
        self._send(self._protocol, self._protocol.data_to_send())
        self._end(self.limits.close_timeout_s)

    # Opening.

    def _request(self, protocol: _Library, request: Request) -> None:
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

    async def _open(self, protocol: _Library, request: Request, response: Response) -> None:
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

    def _send(self, protocol: _Library, output: list[bytes]) -> None:
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


class _Library(ServerProtocol):
    """The library's protocol, but a close frame may come between two fragments.

    RFC 6455, section 5.4, lets control frames stand there, and nothing excepts that one; the
    library calls it a protocol error.
    """

    def recv_frame(self, frame: Frame) -> None:
        """Take a frame."""
        if frame.opcode is Opcode.CLOSE:
            self.current_size = None
        super().recv_frame(frame)

    def select_subprotocol(self, subprotocols: Sequence[Subprotocol]) -> Subprotocol | None:
        """One that is offered and known, or none: scripts may leave it out."""
        known = self.available_subprotocols or ()
        return next((name for name in known if name in subprotocols), None)

    def forget(self) -> None:
        """Undo the cycle of references to its parser, so that it is freed at once."""
        self.parser.close()


class _Fragments:
    """A message that comes in pieces; text is checked piece by piece."""

    __slots__ = ("_decoder", "parts", "text")

    def __init__(self, text: bool) -> None:
        self.text = text
        self.parts: list[bytes] = []
        self._decoder = codecs.getincrementaldecoder("utf-8")() if text else None

    def add(self, part: bytes, final: bool) -> None:
        if self._decoder is not None:
            self._decoder.decode(part, final)
        self.parts.append(part)


def _is_utf8(payload: bytes) -> bool:
    try:
        payload.decode()
    except UnicodeDecodeError:
        return False
    return True


def _size_on_wire(size: int) -> int:
    """Bytes of a masked frame with a payload of this size, its length written the shortest way."""
    return size + (6 if size < 126 else 8 if size < 65_536 else 14)


def _library_log() -> logging.Logger:
    return logging.getLogger("websockets.server")
