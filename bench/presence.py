"""What it costs to tell 5,000 connections who is there, while 50 a second come and go.

Everybody watches 30 others, as a page does with the rows in view. Half of the 50 leave, and half
come back who have been away for longer than the grace: each is told to all who watch them. First
the same coming and going with nobody watching: the figure is what watching adds to the processor
time of the server, its threads and what is asked of the database included. Every notification is
looked at: it is about people whom the connection watches, and all that happened was told.
"""

from __future__ import annotations

import json
import random
import select
import socket
import time
from collections import deque

from sockets import Wrong, connect, request, split_frame
from workload import cpu_s, data_folder, make_server, options, pin_load, report, seed

CONNECTIONS = 5_000
CHANGES_PER_S = 50
WATCHED = 30
SECONDS = 30
# Longer than `GRACE_S`, and until it is told.
AWAY_S = 13
# In a quiet line of a second, changes are spread over it.
STEPS_PER_S = 5


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    parser.add_argument("--changes", type=int, default=CHANGES_PER_S, help="a second")
    parser.add_argument("--watched", type=int, default=WATCHED, help="people a connection watches")
    parser.add_argument("--seconds", type=int, default=SECONDS)
    asked = parser.parse_args()
    half = asked.changes // 2
    away = half * AWAY_S
    with data_folder(asked.data) as data:
        server = make_server(data, settings={"privacy_last_seen": "everybody"})
        # Those who are away come on top.
        workload = seed(server, asked.connections + away, [])
        pin_load()
        try:
            server.start()
            crowd = Crowd(server.url, workload.users, workload.tokens, away, asked.watched)
            used: dict[bool, float] = {}
            for watching in (False, True):
                if watching:
                    crowd.watch_all()
                # What was under way before has been told.
                crowd.come_and_go(half, AWAY_S)
                crowd.told = crowd.expected = 0
                before = cpu_s(server.server_pid)
                crowd.come_and_go(half, asked.seconds)
                after = cpu_s(server.server_pid)
                used[watching] = sum(after.values()) - sum(before.values())
                if crowd.told < 0.9 * crowd.expected:
                    raise Wrong(f"{crowd.told} were told of about {crowd.expected}")
            crowd.close()
        finally:
            server.kill()
    percent = {watching: 100 * spent / asked.seconds for watching, spent in used.items()}
    figures = {
        "percent": round(percent[True] - percent[False], 1),
        "all_percent": round(percent[True], 1),
        "told_per_s": round(crowd.told / asked.seconds, 1),
    }
    notes = [
        f"{asked.connections} connections that watch {asked.watched} each, {asked.changes} changes"
        f" a second for {asked.seconds} s",
        f"processor time, % of a core: {percent[False]:.1f} with nobody watching,"
        f" {percent[True]:.1f} with everybody",
        "goal: 5 % for watching",
    ]
    report(figures, notes, only_figures=asked.json)


class Crowd:
    """People with a connection each, but for some who are away."""

    def __init__(
        self, url: str, users: list[str], tokens: list[str], away: int, watched: int
    ) -> None:
        self.told = self.expected = 0
        self._url = url
        self._users = users
        self._tokens = tokens
        self._random = random.Random(1)
        self._n_watched = min(watched, len(users))
        # By place: whom they watch, and by how many who are there they are watched.
        self._watches: dict[int, set[str]] = {}
        self._places = {user: place for place, user in enumerate(users)}
        self._watchers = [0] * len(users)
        self._sockets: dict[int, socket.socket] = {}
        self._by_fd: dict[int, int] = {}
        self._tails: dict[int, bytes] = {}
        self._away: deque[int] = deque(range(away))
        self._epoll = select.epoll()
        self._watching = False
        self._come([*range(away, len(users))])

    def watch_all(self) -> None:
        """Everybody watches others from now on, whoever comes too."""
        self._watching = True
        for place in [*self._sockets]:
            self._watch(place)
            self._receive(0)

    def come_and_go(self, half: int, seconds: float) -> None:
        """``half`` a second leave, and as many come who have been away the longest."""
        began = time.monotonic()
        done = 0
        for step in range(int(seconds * STEPS_PER_S)):
            wanted = half * (step + 1) // STEPS_PER_S
            leaving = self._random.sample([*self._sockets], wanted - done)
            coming = [self._away.popleft() for _ in leaving]
            for place in leaving:
                self._leave(place)
            self._come(coming)
            if self._watching:
                self.expected += sum(self._watchers[place] for place in (*leaving, *coming))
            done = wanted
            while (left := began + (step + 1) / STEPS_PER_S - time.monotonic()) > 0:
                self._receive(left)

    def close(self) -> None:
        """Everybody leaves."""
        for one in self._sockets.values():
            one.close()
        self._epoll.close()

    def _come(self, places: list[int]) -> None:
        found = connect(self._url, [self._tokens[place] for place in places])
        for place, one in zip(places, found, strict=True):
            self._sockets[place] = one
            self._by_fd[one.fileno()] = place
            self._epoll.register(one.fileno(), select.EPOLLIN)
            if self._watching:
                self._watch(place)

    def _leave(self, place: int) -> None:
        one = self._sockets.pop(place)
        self._epoll.unregister(one.fileno())
        del self._by_fd[one.fileno()]
        self._tails.pop(place, None)
        for user in self._watches.pop(place, ()):
            self._watchers[self._places[user]] -= 1
        one.close()
        self._away.append(place)

    def _watch(self, place: int) -> None:
        users = self._random.sample(self._users, self._n_watched)
        self._watches[place] = {*users}
        for user in users:
            self._watchers[self._places[user]] += 1
        self._sockets[place].send(request(1, "presence.watch", {"users": users}))

    def _receive(self, timeout_s: float) -> None:
        for fd, _ in self._epoll.poll(timeout_s, 1024):
            place = self._by_fd[fd]
            chunk = self._sockets[place].recv(262_144)
            if not chunk:
                raise Wrong("the server closed a connection")
            data, at = self._tails.pop(place, b"") + chunk, 0
            while (found := split_frame(data, at)) is not None:
                opcode, begin, end = found
                if opcode == 9:
                    pong = bytes((0x8A, 0x80 | (end - begin))) + b"\0\0\0\0" + data[begin:end]
                    self._sockets[place].send(pong)
                elif opcode == 1:
                    self._take(place, data[begin:end])
                else:
                    raise Wrong(f"the server closed a connection: {data[begin:end]!r}")
                at = end
            if at < len(data):
                self._tails[place] = data[at:]

    def _take(self, place: int, payload: bytes) -> None:
        said = json.loads(payload)
        users = said.get("result", said.get("params", {})).get("users")
        if users is None or not users.keys() <= self._watches[place]:
            raise Wrong(f"nobody asked for {payload[:200]!r}")
        if said.get("method") == "presence":
            self.told += len(users)


if __name__ == "__main__":
    main()
