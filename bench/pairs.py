"""One-to-one messages: 50 pairs, one message in flight each; then latency at 200 messages a second.

First the pairs play ping-pong: whoever received the last message sends the next. Then messages are
offered on a schedule, each at its due time whether or not the last has arrived: latency counts from
the due time to the delivery to the peer. Every sender gets its own message back too.
"""

from __future__ import annotations

import random
import select
import socket
import time
from collections.abc import Callable, Sequence
from pathlib import Path

from fanout import start_profile
from sockets import Line, Wrong, connect, request
from workload import (
    add_type,
    commit_ms,
    content_of,
    data_folder,
    make_server,
    options,
    percentile,
    pin_load,
    report,
    seed,
    tree_cpu_s,
)

PAIRS = 50
TEXT = "The quick brown fox jumps over the lazy dog"
SCHEDULED_PER_S = 200


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=6.0, help="of each part")
    parser.add_argument("--pairs", type=int, default=PAIRS)
    parser.add_argument("--profile", type=Path, help="write the server's profile (py-spy) here")
    add_type(parser)
    asked = parser.parse_args()
    with data_folder(asked.data) as data:
        server = make_server(data)
        pairs = [(2 * n, 2 * n + 1) for n in range(asked.pairs)]
        workload = seed(server, max(2 * asked.pairs, 60), pairs)
        pin_load()
        bare = commit_ms(data)
        try:
            server.start()
            sockets = connect(server.url, workload.tokens[: 2 * asked.pairs])
            load = Pairs(workload.conversations[: asked.pairs], sockets, asked.type)
            load.play(1.0)
            profiler = None
            if asked.profile:
                profiler = start_profile(server.server_pid, asked.profile, asked.seconds)
            used = tree_cpu_s(server)
            rate, took = load.play(asked.seconds)
            each_us = {
                name: 1e6 * (after - used[name]) / len(took)
                for name, after in tree_cpu_s(server).items()
            }
            if profiler is not None:
                profiler.wait()
            late = load.offer(asked.seconds, SCHEDULED_PER_S)
        finally:
            server.kill()
    p50, p99 = percentile(late, 0.5), percentile(late, 0.99)
    bare_p50, bare_p99 = percentile(bare, 0.5), percentile(bare, 0.99)
    figures = {"messages_per_s": round(rate), "p50_ms": round(p50, 2), "p99_ms": round(p99, 2)}
    notes = [
        f"{asked.pairs} pairs, one message in flight each: {rate:,.0f} messages/s,"
        f" p50 {percentile(took, 0.5):.1f} ms, p99 {percentile(took, 0.99):.1f} ms",
        f"CPU a message: loop {each_us['loop']:.0f} µs, other threads {each_us['threads']:.0f} µs,"
        f" other processes {each_us['others']:.0f} µs",
        f"at {SCHEDULED_PER_S}/s on a schedule: p50 {p50:.2f} ms, p99 {p99:.2f} ms",
        f"a bare commit here: p50 {bare_p50:.2f} ms, p99 {bare_p99:.2f} ms",
        f"goals: 5,000 messages/s (open below 3,500), p50 {bare_p50 + 1:.2f} ms,"
        f" p99 {bare_p99 + 4:.2f} ms",
    ]
    report(figures, notes, only_figures=asked.json)


class Pairs:
    """Lines 2n and 2n + 1 share conversation n."""

    def __init__(
        self, conversations: list[str], sockets: Sequence[socket.socket], type: str
    ) -> None:
        self._conversations = conversations
        self._type = type
        self._lines = [Line(n, one, self._answered, self._heard) for n, one in enumerate(sockets)]
        self._by_fd = {line.socket.fileno(): line for line in self._lines}
        self._epoll = select.epoll()
        for fd in self._by_fd:
            self._epoll.register(fd, select.EPOLLIN)
        self._number = 0
        self._waiting: dict[int, int] = {}
        # By client id: when it was due, from which line, who has still to hear it.
        self._under_way: dict[bytes, tuple[float, int, set[int]]] = {}
        self._took: list[float] = []
        self._delivered = 0
        self._open = 0
        self._done: Callable[[int], None] = lambda n: None

    def play(self, seconds: float) -> tuple[float, list[float]]:
        """Ping-pong: messages a second, and the milliseconds from send to delivery."""
        self._took, self._delivered = [], 0
        began = time.perf_counter()
        ends = began + seconds

        def answer(n: int) -> None:
            if time.perf_counter() < ends:
                self._send(n, time.perf_counter())

        self._done = answer
        for n in range(0, len(self._lines), 2):
            self._send(n, began)
        while self._open:
            self._receive(1.0)
            if time.perf_counter() > ends + 20:
                raise Wrong(f"{self._open} messages never arrived")
        return self._delivered / (time.perf_counter() - began), self._took

    def offer(self, seconds: float, per_s: int) -> list[float]:
        """Open loop: milliseconds from each message's due time to its delivery."""
        self._took, self._delivered = [], 0
        self._done = lambda n: None
        due = time.perf_counter() + 0.05
        ends = due + seconds
        while due < ends or self._open:
            now = time.perf_counter()
            while due <= now and due < ends:
                self._send(random.randrange(len(self._lines)), due)
                due += 1 / per_s
            if now > ends + 20:
                raise Wrong(f"{self._open} messages never arrived")
            # Spins: epoll's own clock is too coarse, and this core is ours.
            self._receive(0 if due < ends else 0.1)
        return self._took

    def _send(self, n: int, due: float) -> None:
        self._number += 1
        client_id = f"{int(time.time() * 1000):012x}7{self._number & 0xFFF:03x}8{self._number:015x}"
        self._under_way[client_id.encode()] = (due, n, {n, n ^ 1})
        # Three things end it: the answer, the peer's delivery, the sender's own.
        self._waiting[self._number] = n
        self._open += 3
        self._lines[n].send(
            request(
                self._number,
                "message.send",
                {
                    "conversation": self._conversations[n // 2],
                    "client_id": client_id,
                    "type": self._type,
                    "content": content_of(self._type, f"{TEXT} {self._number:08d}"),
                },
            )
        )

    def _receive(self, timeout_s: float) -> None:
        for fd, _ in self._epoll.poll(timeout_s, 1024):
            self._by_fd[fd].receive()

    def _answered(self, line: Line, id: int) -> None:
        if self._waiting.pop(id) != line.n:
            raise Wrong("an answer went to somebody else")
        self._open -= 1

    def _heard(self, line: Line, log: bytes, seq: int, payload: bytes) -> None:
        self._open -= 1
        client_id = payload.split(b'"client_id":"', 1)[1][:32]
        due, sender, hearers = self._under_way.get(client_id, (0.0, -1, set()))
        if line.n not in hearers:
            raise Wrong(f"nobody sent {client_id!r} to line {line.n}, or it came twice")
        hearers.discard(line.n)
        if not hearers:
            del self._under_way[client_id]
        if line.n != sender:
            self._took.append((time.perf_counter() - due) * 1000)
            self._delivered += 1
            self._done(line.n)


if __name__ == "__main__":
    main()
