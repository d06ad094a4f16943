"""A load generator lean enough not to be what is measured: raw sockets, epoll, no objects a frame.

Owns the client's half of RFC 6455 as far as a load needs it. Frames are masked with a key of
zeros, which costs nothing and is legal on the wire. Everything received is checked: `Crowd` by
comparing bytes, since one event is the same for every reader, `Line` by the numbers in it.
"""

from __future__ import annotations

import json
import select
import socket
import struct
import time
from collections.abc import Callable, Iterable, Sequence
from typing import Any
from urllib.parse import urlsplit

from workload import VIEW

__all__ = ["Crowd", "Line", "Wrong", "connect", "text_frame"]

# How many handshakes or syncs are asked for at once.
WAVE = 100
EVENT = b'{"jsonrpc":"2.0","method":"event"'


class Wrong(Exception):
    """The server delivered something else than it must."""


def text_frame(payload: bytes) -> bytes:
    """A masked text frame, the key being zero."""
    size = len(payload)
    if size < 126:
        head = struct.pack("!BB", 0x81, 0x80 | size)
    elif size < 65_536:
        head = struct.pack("!BBH", 0x81, 0xFE, size)
    else:
        head = struct.pack("!BBQ", 0x81, 0xFF, size)
    return head + b"\0\0\0\0" + payload


def request(id: int, method: str, params: dict[str, Any]) -> bytes:
    """The frame of a request."""
    body = {"jsonrpc": "2.0", "id": id, "method": method, "params": params}
    return text_frame(json.dumps(body, separators=(",", ":"), ensure_ascii=False).encode())


def split_frame(buffer: bytes | bytearray, at: int) -> tuple[int, int, int] | None:
    """Of the frame at ``at``: opcode, where its payload begins and ends; None if incomplete."""
    have = len(buffer) - at
    if have < 2:
        return None
    size, begin = buffer[at + 1], at + 2
    if size == 126:
        if have < 4:
            return None
        size, begin = int.from_bytes(buffer[at + 2 : at + 4], "big"), at + 4
    elif size == 127:
        if have < 10:
            return None
        size, begin = int.from_bytes(buffer[at + 2 : at + 10], "big"), at + 10
    if begin + size > len(buffer):
        return None
    return buffer[at] & 0x0F, begin, begin + size


def connect(url: str, tokens: Sequence[str], *, sync: bool = True) -> list[socket.socket]:
    """A signed-in socket for each token, in waves; synced with the view that is measured."""
    found: list[socket.socket] = []
    for first in range(0, len(tokens), WAVE):
        found += _connect_wave(url, tokens[first : first + WAVE], sync)
    return found


def _connect_wave(url: str, tokens: Sequence[str], sync: bool) -> list[socket.socket]:
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    wave = []
    for token in tokens:
        one = socket.create_connection((host, port), timeout=60)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        one.sendall(
            f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            "Sec-WebSocket-Protocol: dash-messenger.1\r\n"
            f"Authorization: Bearer {token}\r\n\r\n".encode()
        )
        wave.append(one)
    for one in wave:
        head = b""
        while b"\r\n\r\n" not in head:
            chunk = one.recv(4096)
            if not chunk:
                raise Wrong(f"closed during the handshake: {head!r}")
            head += chunk
        status, _, rest = head.partition(b"\r\n\r\n")
        if b" 101 " not in status.split(b"\r\n")[0] or rest:
            raise Wrong(f"handshake answered {head!r}")
    if sync:
        for one in wave:
            one.sendall(request(0, "sync", {"since": None, "views": [VIEW]}))
        for one in wave:
            _expect_result(one)
    for one in wave:
        one.setblocking(False)
    return wave


def _expect_result(one: socket.socket) -> None:
    buffer = bytearray()
    while True:
        found = split_frame(buffer, 0)
        if found is not None:
            opcode, begin, end = found
            if opcode != 1 or b'"result"' not in buffer[begin:end] or end != len(buffer):
                raise Wrong(f"sync answered {bytes(buffer[begin:end])[:500]!r}")
            return
        chunk = one.recv(262_144)
        if not chunk:
            raise Wrong(f"closed instead of answering sync: {bytes(buffer)!r}")
        buffer += chunk


class Crowd:
    """Many readers of one conversation, who must all receive the same bytes.

    The first to receive an event has it parsed and its number checked; the others' bytes are
    compared with it. So a delivery costs one `recv` and one comparison, and none goes unchecked.
    """

    def __init__(self, sockets: Sequence[socket.socket], *, parse: bool = True) -> None:
        self.size = len(sockets)
        self.deliveries = 0
        self.complete = 0
        self.frames: list[bytes] = []
        self._parse = parse
        self._sockets = {one.fileno(): one for one in sockets}
        self._next = dict.fromkeys(self._sockets, 0)
        self._tails: dict[int, bytes] = {}
        self._counts: list[int] = []
        self._last_seq: int | None = None
        self._epoll = select.epoll()
        for fd in self._sockets:
            self._epoll.register(fd, select.EPOLLIN)

    def watch(self, one: socket.socket) -> None:
        """Let `receive` also report when another socket is readable."""
        self._epoll.register(one.fileno(), select.EPOLLIN)

    def expect(self, frames: Iterable[bytes]) -> None:
        """The next frames are these (the floor's readers know them beforehand)."""
        for frame in frames:
            self.frames.append(frame)
            self._counts.append(0)

    def receive(self, timeout_s: float) -> list[int]:
        """Take what is there. Those readable sockets that are not readers."""
        others = []
        sockets, following, frames, counts = self._sockets, self._next, self.frames, self._counts
        for fd, _ in self._epoll.poll(timeout_s, 1024):
            one = sockets.get(fd)
            if one is None:
                others.append(fd)
                continue
            chunk = one.recv(65_536)
            n = following[fd]
            # The usual case: exactly the next frame, known already.
            if n < len(frames) and chunk == frames[n] and fd not in self._tails:
                following[fd] = n + 1
                counts[n] += 1
                self.deliveries += 1
            else:
                self._take(fd, chunk)
        while self.complete < len(counts) and counts[self.complete] == self.size:
            # Memory stays flat; the list keeps its places.
            if self.complete >= 64:
                frames[self.complete - 64] = b""
            self.complete += 1
        return others

    def _take(self, fd: int, chunk: bytes) -> None:
        if not chunk:
            raise Wrong("the server closed a reader")
        data = self._tails.pop(fd, b"") + chunk
        at = 0
        while at < len(data):
            n = self._next[fd]
            if n < len(self.frames) and data.startswith(self.frames[n], at):
                at += len(self.frames[n])
                self._deliver(fd, n)
                continue
            found = split_frame(data, at)
            if found is None:
                self._tails[fd] = data[at:]
                return
            opcode, begin, end = found
            if opcode == 9:
                self._sockets[fd].send(_pong(data[begin:end]))
            elif opcode == 8:
                raise Wrong(f"the server closed a reader: {data[begin:end]!r}")
            elif data.startswith(EVENT, begin):
                if n < len(self.frames) or not self._parse:
                    raise Wrong(f"delivery {n} differs: {data[begin:end]!r}")
                self._check(data[begin:end])
                self.frames.append(data[at:end])
                self._counts.append(0)
                self._deliver(fd, n)
            at = end

    def _deliver(self, fd: int, n: int) -> None:
        self._next[fd] = n + 1
        self._counts[n] += 1
        self.deliveries += 1

    def _check(self, payload: bytes) -> None:
        params = json.loads(payload)["params"]
        if "view" not in params["data"]["message"]:
            raise Wrong("an event came without its view")
        if self._last_seq is not None and params["after"] != self._last_seq:
            raise Wrong(f"after {self._last_seq} came {params['after']}")
        self._last_seq = params["seq"]

    def drain(self, time_limit_s: float = 5) -> None:
        """Wait until every reader has every frame."""
        deadline = time.monotonic() + time_limit_s
        while self.complete < len(self._counts):
            if time.monotonic() > deadline:
                raise Wrong(f"message {self.complete} did not reach everybody")
            self.receive(0.1)

    def close(self) -> None:
        """Close every socket."""
        for one in self._sockets.values():
            one.close()
        self._epoll.close()


def _pong(payload: bytes) -> bytes:
    return bytes((0x8A, 0x80 | len(payload))) + b"\0\0\0\0" + payload


class Line:
    """One signed-in socket whose every frame is looked at: answers by id, events by their number.

    ``answered(line, id)`` and ``heard(line, conversation, seq, payload)`` are called in order. An
    event that does not follow the last one of its conversation is an error.
    """

    __slots__ = ("_buffer", "_last", "answered", "heard", "n", "socket")

    def __init__(
        self,
        n: int,
        one: socket.socket,
        answered: Callable[[Line, int], None],
        heard: Callable[[Line, bytes, int, bytes], None],
    ) -> None:
        self.n = n
        self.socket = one
        self.answered = answered
        self.heard = heard
        self._buffer = b""
        self._last: dict[bytes, int] = {}

    def send(self, frame: bytes) -> None:
        """Send; the load never lets more wait than fits into the socket's buffer."""
        if self.socket.send(frame) != len(frame):
            raise Wrong("the server stopped reading")

    def receive(self) -> None:
        """Take what is there."""
        chunk = self.socket.recv(262_144)
        if not chunk:
            raise Wrong("the server closed a connection")
        data = self._buffer + chunk if self._buffer else chunk
        at = 0
        while at < len(data):
            found = split_frame(data, at)
            if found is None:
                break
            opcode, begin, end = found
            if opcode == 1:
                self._take(data[begin:end])
            elif opcode == 9:
                self.socket.send(_pong(data[begin:end]))
            elif opcode == 8:
                raise Wrong(f"the server closed a connection: {data[begin:end]!r}")
            at = end
        self._buffer = data[at:]

    def _take(self, payload: bytes) -> None:
        if payload.startswith(EVENT):
            log, after, seq = _interval(payload)
            if self._last.get(log, after) != after:
                raise Wrong(f"after {self._last[log]} came {payload[:200]!r}")
            self._last[log] = seq
            self.heard(self, log, seq, payload)
        elif payload.startswith(b'{"jsonrpc":"2.0","id":'):
            id, _, rest = payload[22:].partition(b",")
            if not rest.startswith(b'"result"'):
                raise Wrong(f"refused: {payload[:500]!r}")
            self.answered(self, int(id))


def _interval(payload: bytes) -> tuple[bytes, int, int]:
    """Log, after and seq, which stand at the beginning of every event in this order."""
    head = payload[:200]
    log = head.split(b'"log":"', 1)[1][:32]
    after = head.split(b'"after":', 1)[1].split(b",", 1)[0]
    seq = head.split(b'"seq":', 1)[1].split(b",", 1)[0]
    return log, int(after), int(seq)
