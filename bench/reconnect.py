"""Everybody comes back at once: 5,000 people of 50 conversations each, after a restart.

All connect in the same moment and ask for what they missed, which is nothing. Whoever is refused
as busy, or turned away, comes again after a pause like the Python client's. Then what one `sync`
costs, asked one after another, with nothing new and for everything; and the server's memory before
and after, for as many connections.
"""

from __future__ import annotations

import errno
import json
import random
import select
import socket
import subprocess
import time
from pathlib import Path
from urllib.parse import urlsplit

from idle import settled_kib
from sockets import Wrong, request, split_frame
from workload import VIEW, cpu_s, data_folder, make_server, options, pin_load, report, seed

PEOPLE = 5_000
# Of the Python client: it waits for a random part of this, which doubles.
FIRST_PAUSE_S = 0.1
LONGEST_PAUSE_S = 20.0
WITHIN_S = 120
SAMPLE = 500
MEMORY_SETTLES_S = 15.0


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    parser.add_argument("--profile", type=Path, help="write the server's profile (py-spy) here")
    asked = parser.parse_args()
    with data_folder(asked.data) as data:
        server = make_server(data)
        workload = seed(server, asked.people, [])
        pin_load()
        try:
            server.start()
            people = [Person(token) for token in workload.tokens]
            # Not all at once: this is how they came over the day.
            for first in range(0, len(people), 100):
                come(server.url, people[first : first + 100])
            before = settled_kib(server.server_pid)
            server.stop()
            for person in people:
                person.leave()
            server.start()
            profiler = None
            if asked.profile:
                profiler = start_profile(server.server_pid, asked.profile)
            used = cpu_s(server.server_pid)
            began = time.perf_counter()
            come(server.url, people)
            took = time.perf_counter() - began
            now = cpu_s(server.server_pid)
            if profiler is not None:
                profiler.terminate()
                profiler.wait()
            refused = [person.refused for person in people]
            time.sleep(MEMORY_SETTLES_S)
            after = settled_kib(server.server_pid)
            nothing_ms = sync_ms(server.server_pid, people[:SAMPLE], since=True)
            all_ms = sync_ms(server.server_pid, people[:SAMPLE], since=False)
            for person in people:
                person.leave()
        finally:
            server.kill()
    cpu = {name: now[name] - used[name] for name in now}
    figures = {
        "back_s": round(took, 2),
        "back_cpu_s": round(sum(cpu.values()), 2),
        "refused_once": sum(1 for times in refused if times),
        "refused_twice": sum(1 for times in refused if times > 1),
        "sync_nothing_ms": round(nothing_ms, 3),
        "sync_all_ms": round(all_ms, 3),
        "memory_ratio": round(after / before, 3),
    }
    notes = [
        f"{asked.people} people, {took:.1f} s; the loop {cpu['loop']:.1f} s of processor time,"
        f" threads {cpu['threads']:.1f} s",
        f"refused most often: {max(refused)} times",
        f"MiB with everybody: {before / 1024:.1f} before, {after / 1024:.1f} after",
        "sync_..._ms are processor time of the server, one after another on open connections",
        "goals: 10 s, nobody refused twice, 0.5 ms with nothing new, memory within 1.15",
    ]
    report(figures, notes, only_figures=asked.json)


class Person:
    """Somebody with one connection: what they know, and how often they were refused."""

    def __init__(self, token: str) -> None:
        self.token = token
        self.since: str | None = None
        self.refused = 0
        self.returns_at_s = 0.0
        self.socket: socket.socket | None = None
        self.upgraded = False
        self._heard = b""

    def connect(self, host: str, port: int) -> socket.socket:
        """Begin to connect."""
        self._heard, self.upgraded = b"", False
        self.socket = one = socket.socket()
        one.setblocking(False)
        one.setsockopt(socket.IPPROTO_TCP, socket.TCP_NODELAY, 1)
        began = one.connect_ex((host, port))
        if began not in (0, errno.EINPROGRESS):
            raise OSError(began, "cannot connect")
        return one

    def greet(self, host: str, port: int) -> None:
        """Send the handshake."""
        assert self.socket is not None
        self.socket.send(
            f"GET /ws HTTP/1.1\r\nHost: {host}:{port}\r\nUpgrade: websocket\r\n"
            "Connection: Upgrade\r\nSec-WebSocket-Version: 13\r\n"
            "Sec-WebSocket-Key: AAAAAAAAAAAAAAAAAAAAAA==\r\n"
            "Sec-WebSocket-Protocol: dash-messenger.1\r\n"
            f"Authorization: Bearer {self.token}\r\n\r\n".encode()
        )

    def ask(self, since: str | None) -> None:
        """Ask for what was missed."""
        assert self.socket is not None
        self.socket.send(request(0, "sync", {"since": since, "views": [VIEW]}))

    def receive(self) -> str:
        """``waits``, ``synced``, or ``refused``."""
        assert self.socket is not None
        try:
            chunk = self.socket.recv(262_144)
        except BlockingIOError:
            return "waits"
        except ConnectionError:
            return "refused"
        if not chunk:
            return "refused"
        self._heard += chunk
        if not self.upgraded:
            head, found, rest = self._heard.partition(b"\r\n\r\n")
            if not found:
                return "waits"
            if b" 101 " not in head.split(b"\r\n")[0]:
                return "refused"
            self._heard, self.upgraded = rest, True
            self.ask(self.since)
        while (frame := split_frame(self._heard, 0)) is not None:
            opcode, begin, end = frame
            payload, self._heard = self._heard[begin:end], self._heard[end:]
            if opcode == 8:
                return "refused"
            if opcode == 1 and payload.startswith(b'{"jsonrpc":"2.0","id":0,'):
                answer = json.loads(payload)
                if "error" in answer:
                    if not answer["error"]["data"]["retryable"]:
                        raise Wrong(f"sync answered {answer}")
                    return "refused"
                self.since = answer["result"]["since"]
                return "synced"
        return "waits"

    def leave(self) -> None:
        """Close the connection."""
        if self.socket is not None:
            self.socket.close()
            self.socket = None


def come(url: str, people: list[Person]) -> None:
    """Connect and sync all of them, at once."""
    parts = urlsplit(url)
    host, port = parts.hostname or "127.0.0.1", parts.port or 80
    epoll, at = select.epoll(), {}
    deadline = time.monotonic() + WITHIN_S

    def begin(person: Person) -> None:
        one = person.connect(host, port)
        at[one.fileno()] = person
        epoll.register(one.fileno(), select.EPOLLIN | select.EPOLLOUT)

    def refuse(person: Person, fd: int) -> None:
        epoll.unregister(fd)
        del at[fd]
        person.leave()
        pause_s = min(FIRST_PAUSE_S * 2**person.refused, LONGEST_PAUSE_S)
        person.refused += 1
        person.returns_at_s = time.monotonic() + random.uniform(0, pause_s)
        away.append(person)

    away: list[Person] = []
    for person in people:
        begin(person)
    while at or away:
        now = time.monotonic()
        if now > deadline:
            raise Wrong(f"{len(at) + len(away)} were not back within {WITHIN_S} s")
        returning = [person for person in away if person.returns_at_s <= now]
        away = [person for person in away if person.returns_at_s > now]
        for person in returning:
            begin(person)
        for fd, mask in epoll.poll(0.05, 1024):
            person = at[fd]
            if mask & (select.EPOLLERR | select.EPOLLHUP):
                refuse(person, fd)
                continue
            if mask & select.EPOLLOUT:
                person.greet(host, port)
                epoll.modify(fd, select.EPOLLIN)
            if mask & select.EPOLLIN:
                state = person.receive()
                if state == "refused":
                    refuse(person, fd)
                elif state == "synced":
                    epoll.unregister(fd)
                    del at[fd]
    epoll.close()


def sync_ms(pid: int, people: list[Person], *, since: bool) -> float:
    """The server's processor time for one `sync`, as all of these ask in turn."""
    used = sum(cpu_s(pid).values())
    for person in people:
        person.ask(person.since if since else None)
        assert person.socket is not None
        while person.receive() == "waits":
            select.select([person.socket], [], [], 5.0)
    return 1000 * (sum(cpu_s(pid).values()) - used) / len(people)


def start_profile(pid: int, path: Path) -> subprocess.Popen[bytes]:
    """Sample the server until told to end."""
    return subprocess.Popen(
        ["py-spy", "record", "--pid", str(pid), "--rate", "200", "--gil", "--threads",
         "--format", "raw", "--output", str(path)],
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
    )  # fmt: skip


if __name__ == "__main__":
    main()
