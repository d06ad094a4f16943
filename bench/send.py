"""Durable sends a second: 1,000 signed-in senders, each with one message in flight.

Every sender is synced, with the view ``dash:en``, and sends in turn to its own 50 conversations,
which it shares with other senders at random, two people each: so every message is stored, flushed,
answered and delivered to both. What counts is answers, over the time until the last of the messages
has been delivered too. Then the database is looked at: every answered message stands there once,
and every conversation's numbers are dense.
"""

from __future__ import annotations

import random
import select
import socket
import time
from collections.abc import Sequence
from pathlib import Path

import pysqlite3
from fanout import start_profile
from sockets import Line, Wrong, connect, request
from workload import (
    CONVERSATIONS_PER_USER,
    add_type,
    content_of,
    data_folder,
    database,
    make_server,
    options,
    pin_load,
    report,
    seed,
    tree_cpu_s,
)

SENDERS = 1_000
TEXT = "The quick brown fox jumps over the lazy dog"


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=8.0)
    parser.add_argument("--senders", type=int, default=SENDERS)
    parser.add_argument("--alone", action="store_true", help="not synced: nothing is delivered")
    parser.add_argument("--profile", type=Path, help="write the server's profile (py-spy) here")
    add_type(parser)
    asked = parser.parse_args()
    chance = random.Random(1)
    pairs: set[tuple[int, ...]] = set()
    for _ in range(CONVERSATIONS_PER_USER):
        order = list(range(asked.senders))
        chance.shuffle(order)
        pairs.update(tuple(sorted(order[n : n + 2])) for n in range(0, asked.senders - 1, 2))
    with data_folder(asked.data) as data:
        server = make_server(data)
        groups = sorted(pairs)
        workload = seed(server, asked.senders, groups)
        own: list[list[str]] = [[] for _ in range(asked.senders)]
        for group, id in zip(groups, workload.conversations, strict=False):
            for place in group:
                own[place].append(id)
        pin_load()
        try:
            server.start()
            sockets = connect(server.url, workload.tokens, sync=not asked.alone)
            load = Senders(sockets, own, asked.type)
            load.run(1.0)
            profiler = None
            if asked.profile:
                profiler = start_profile(server.server_pid, asked.profile, asked.seconds)
            before, used = load.answered, tree_cpu_s(server)
            began = time.perf_counter()
            answers_per_s = load.run(asked.seconds)
            behind = load.drain(0 if asked.alone else 2)
            rate = (load.answered - before) / (time.perf_counter() - began)
            sent = load.answered - before
            each_us = {
                name: 1e6 * (after - used[name]) / sent
                for name, after in tree_cpu_s(server).items()
            }
            if profiler is not None:
                profiler.wait()
            server.stop()
            stored = check(data, load.answered)
        finally:
            server.kill()
    heard = "nobody synced"
    if not asked.alone:
        heard = f"{load.heard:,} deliveries, each in its order, {behind:,} after the last answer"
    notes = [
        f"{asked.senders} senders, one message in flight each; {heard}",
        f"{answers_per_s:,.0f} answers a second; {rate:,.0f} until the last delivery",
        f"{load.answered:,} answered, {stored:,} found in the database, numbers dense",
        f"CPU a send: loop {each_us['loop']:.0f} µs, other threads {each_us['threads']:.0f} µs,"
        f" other processes {each_us['others']:.0f} µs",
        "goal: 10,000 sends/s on an empty folder (open below 7,000)",
    ]
    report({"sends_per_s": round(rate)}, notes, only_figures=asked.json)


class Senders:
    """One line for each."""

    def __init__(self, sockets: Sequence[socket.socket], own: list[list[str]], type: str) -> None:
        self._type = type
        self.answered = 0
        self.heard = 0
        self._own = own
        self._lines = [Line(n, one, self._answer, self._hear) for n, one in enumerate(sockets)]
        self._by_fd = {line.socket.fileno(): line for line in self._lines}
        self._epoll = select.epoll()
        for fd in self._by_fd:
            self._epoll.register(fd, select.EPOLLIN)
        self._number = self._open = 0
        self._ends = 0.0

    def run(self, seconds: float) -> float:
        """Answers a second."""
        before, began = self.answered, time.perf_counter()
        self._ends = began + seconds
        for line in self._lines:
            self._send(line)
        while self._open:
            for fd, _ in self._epoll.poll(1.0, 1024):
                self._by_fd[fd].receive()
            if time.perf_counter() > self._ends + 20:
                raise Wrong(f"{self._open} messages were not answered")
        return (self.answered - before) / (time.perf_counter() - began)

    def drain(self, readers: int) -> int:
        """Wait until every answered message has reached so many; how many were still to come."""
        behind = readers * self.answered - self.heard
        deadline = time.perf_counter() + 60
        while self.heard < readers * self.answered:
            for fd, _ in self._epoll.poll(1.0, 1024):
                self._by_fd[fd].receive()
            if time.perf_counter() > deadline:
                raise Wrong(f"{self.heard} deliveries of {self.answered} messages")
        return behind

    def _send(self, line: Line) -> None:
        self._number += 1
        n = self._number
        self._open += 1
        own = self._own[line.n]
        line.send(
            request(
                n,
                "message.send",
                {
                    "conversation": own[n % len(own)],
                    "client_id": f"{int(time.time() * 1000):012x}7{n & 0xFFF:03x}8{n:015x}",
                    "type": self._type,
                    "content": content_of(self._type, f"{TEXT} {n:08d}"),
                },
            )
        )

    def _answer(self, line: Line, id: int) -> None:
        self.answered += 1
        self._open -= 1
        if time.perf_counter() < self._ends:
            self._send(line)

    def _hear(self, line: Line, log: bytes, seq: int, payload: bytes) -> None:
        self.heard += 1


def check(data: Path, answered: int) -> int:
    """How many messages are stored.

    Raises:
        Wrong: not as many as were answered, or a conversation's numbers have gaps.
    """
    db = pysqlite3.connect(str(database(data)))
    (stored,) = db.execute("SELECT count(*) FROM messages").fetchone()
    (gaps,) = db.execute(
        "SELECT count(*) FROM (SELECT conversation_id FROM messages GROUP BY conversation_id"
        " HAVING count(*) != max(number) OR min(number) != 1)"
    ).fetchone()
    db.close()
    if stored != answered or gaps:
        raise Wrong(f"{answered} answered, {stored} stored, {gaps} conversations with gaps")
    return int(stored)


if __name__ == "__main__":
    main()
