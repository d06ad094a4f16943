"""Starts a server as a child of this process.

Owns what the server is given: open files, and a variable that tells it which. It imports next to
nothing, a small module in C rather than `socket`: the first server is started before its parent has
imported the rest.
"""

from __future__ import annotations

import _socket
import os
import sys

__all__ = ["FILE_BYTES", "VARIABLE", "Spawned", "make_file", "spawn"]

# No setting: it tells the server which open files its parent has for it.
VARIABLE = "_DASH_MESSENGER_SUPERVISOR"
# For the activity map, which says itself how much of it is used.
FILE_BYTES = 8_192
# The same on each system (POSIX, `kill`); the module `signal` brings more than all this.
SIGHUP, SIGINT = 1, 2


class Spawned:
    """A server that was started, and the files that outlive it."""

    def __init__(self, pid: int, control: int, map: int, stacks: int) -> None:
        self.pid = pid
        self.control = control
        self.map = map
        self.stacks = stacks


def spawn(
    command: list[str],
    *,
    map: int | None = None,
    stacks: int | None = None,
    listening: int | None = None,
    restart: str = "",
) -> Spawned:
    """Run a command line as a server, with these open files; what is None is made."""
    if map is None:
        map = make_file("activity", FILE_BYTES)
    if stacks is None:
        stacks = make_file("stacks")
    ours, theirs = _socket.socketpair()
    given = [theirs.fileno(), map, stacks] + ([] if listening is None else [listening])
    for number in given:
        os.set_inheritable(number, True)
    pid = os.posix_spawn(
        sys.executable,
        command,
        {**os.environ, VARIABLE: f"{os.getpid()} {','.join(str(n) for n in given)} {restart}"},
        # A terminal sends these to the whole group; the server hears of them from its parent alone,
        # so that they do not count twice. It takes them off once it ignores them.
        setsigmask=[SIGINT, SIGHUP],
    )
    theirs.close()
    return Spawned(pid, ours.detach(), map, stacks)


def make_file(name: str, size: int = 0) -> int:
    """A descriptor of a file of zeros that has no path, in memory where the system can do that."""
    if hasattr(os, "memfd_create"):
        number = os.memfd_create(f"dash-messenger-{name}")
    else:  # pragma: no cover
        # Not at the top: it brings more than the rest of the parent process.
        from tempfile import TemporaryFile

        with TemporaryFile() as file:
            number = os.dup(file.fileno())
    os.truncate(number, size)
    return number
