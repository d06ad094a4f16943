"""The receiving half of a WebSocket: bytes in, messages out, in turns that others do not notice.

Owns what was received and not yet handled. Must not know what the messages say. Built on the
sans-I/O protocol of the ``websockets`` library, which decides everything but the one case that is
nearly all traffic, a complete unfragmented text frame (or a pong), which is read here in a few
steps. That library's object exists only while something else is going on, so that an idle
connection is small. Invariant: what was received and not yet handled is at most one read of the
transport.
"""

from __future__ import annotations

import asyncio
from abc import abstractmethod
from collections import deque
from dataclasses import dataclass
from typing import ClassVar

from websockets.frames import Frame, Opcode
from websockets.http11 import Request
from websockets.protocol import OPEN
from websockets.typing import Subprotocol

from dash_messenger.errors import CloseCode
from dash_messenger.gateway.websocket_library import (
    Fragments,
    Library,
    apply_mask,
    is_utf8,
    library_log,
    size_on_wire,
)

__all__ = ["MAX_FRAGMENTS", "Inbound", "Limits"]

# How many frames one connection may have handled before the others get their turn.
FRAMES_A_TURN = 32
# Pieces of one message. A client that splits 64 KiB at all has a reason for some; thousands, which
# may be empty, cost a decoding each and a place in a list that no limit of bytes sees.
MAX_FRAGMENTS = 256
# What the library is given to parse before the others get their turn: 700 pings take 5 ms.
BYTES_A_TURN = 4_096

_FINAL_TEXT = 0x81
_FINAL_PONG = 0x8A


@dataclass(frozen=True, slots=True)
class Limits:
    """What one connection may take. The defaults are for a messenger's clients."""

    max_inbound_bytes: int = 65_536
    # A page of 1 MB, and what is heard while a slow line carries it.
    max_outbound_bytes: int = 1_572_864
    max_in_flight: int = 32
    handshake_timeout_s: float = 10.0
    close_timeout_s: float = 10.0


class Inbound(asyncio.Protocol):
    """What `WebSocket` receives; the methods without a body here are its own."""

    limits: ClassVar[Limits]
    subprotocols: ClassVar[tuple[Subprotocol, ...]] = ()

    __slots__ = (
        "_closing",
        "_fragments",
        "_frames",
        "_full",
        "_guarded",
        "_held",
        "_loop",
        "_protocol",
        "_quiet",
        "_reading",
        "_transport",
        "_unparsed",
    )

    def __init__(self, loop: asyncio.AbstractEventLoop) -> None:
        self._loop = loop
        self._transport: asyncio.Transport = None  # type: ignore[assignment]
        self._protocol: Library | None = Library(
            subprotocols=self.subprotocols,
            logger=library_log(),
        )
        # The frames the library has parsed and nobody has handled; what is not even parsed.
        self._frames: deque[Frame] | None = None
        self._held = b""
        self._unparsed = 0
        self._fragments: Fragments | None = None
        self._closing = False
        self._full = False
        self._guarded = False
        self._quiet = False
        self._reading = True

    @abstractmethod
    def text_received(self, payload: bytes) -> None:
        """A text message: valid UTF-8 of at most ``max_inbound_bytes``."""

    @abstractmethod
    def binary_received(self, payload: bytes) -> None:
        """A binary message."""

    @abstractmethod
    def write(self, frames: bytes) -> None:
        """Send frames."""

    @abstractmethod
    def close(self, code: CloseCode, reason: str = "") -> None:
        """Say why, then close."""

    @abstractmethod
    def _request(self, protocol: Library, request: Request) -> None:
        """The client's handshake is there."""

    @abstractmethod
    def _send(self, protocol: Library, output: list[bytes]) -> None:
        """Send what the library wants sent."""

    @abstractmethod
    def _end(self, timeout_s: float | None) -> None:
        """Carry nothing more; the client has so long to close."""

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

    @property
    def paused(self) -> bool:
        """Whether `pause` was called last."""
        return self._full

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
                if not payload.isascii() and not is_utf8(payload):
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

    def _new_protocol(self) -> Library:
        self._unparsed = 0
        return Library(state=OPEN, max_size=self.limits.max_inbound_bytes, logger=library_log())

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
            self._unparsed -= size_on_wire(len(event.data))
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
            self._fragments = Fragments(frame.opcode is Opcode.TEXT)
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
