"""The server as its parent sees it: a process that is started, watched, asked and killed.

Owns what is said to it and read of it. Must not decide anything (`supervisor` does). Invariant:
nothing here waits for the server to answer; what it says of itself stands in the activity map, what
else is to be known comes from the kernel.
"""

from __future__ import annotations

import json
import os
import signal
import socket
import time

from dash_messenger.activity import Activity, Now
from dash_messenger.supervisor.restarts import Restart
from dash_messenger.supervisor.spawning import Spawned, spawn
from dash_messenger.supervisor.stacks import Code, Frame, Stack, read_stacks
from dash_messenger.supervisor.watch import TICK_S

__all__ = ["CRASHES", "Child", "Culprit", "Files"]

# faulthandler writes at most 100 threads; it takes milliseconds unless the machine is busy.
STACKS_WITHIN_S = 2.0
MAX_STACKS_BYTES = 1_000_000
MAX_MESSAGE_BYTES = 65_536
# A thread that computes wants most of a tick, one that waits for it next to nothing.
BUSY_PART = 0.6
# Signals that say that code went wrong, rather than that somebody ended it.
CRASHES = frozenset((signal.SIGSEGV, signal.SIGABRT, signal.SIGBUS, signal.SIGILL, signal.SIGFPE))


class Files:
    """What outlives a server: the activity map, the stacks, and the listening socket."""

    def __init__(self, first: Spawned) -> None:
        self.map = first.map
        self.stacks = first.stacks
        self.activity = Activity(self.map)
        self.listening: socket.socket | None = None

    def close_listening(self) -> None:
        """Refuse who connects from now on, as soon as the server does."""
        if self.listening is not None:
            self.listening.close()
            self.listening = None


class Culprit:
    """Who holds the server up, as far as that can be told."""

    def __init__(self, plugin: str | None, now: Now, frames: list[Frame]) -> None:
        self.plugin = plugin or ""
        self.user = now.user
        self.command = now.command
        self.frames = frames


class Child:
    """One life of the server. ``says_more``: it has not closed its end of ``control``."""

    def __init__(self, spawned: Spawned, files: Files) -> None:
        self._files = files
        self.pid = spawned.pid
        self.control = socket.socket(fileno=spawned.control)
        self.control.setblocking(False)
        self.code = Code()
        self.served_at_s: float | None = None
        self.given_up = False
        self.says_more = True
        self._stopped = False
        self._heard = b""
        self._used_ns: dict[int, int] = {}
        self._ran_ns: dict[int, int] = {}
        self._waited_ns = self._schedule(self.pid)[1]

    @classmethod
    def start(cls, command: list[str], files: Files, restart: Restart | None) -> Child:
        """Start another: ``command`` is the whole command line of this process."""
        files.activity.clear()
        spawned = spawn(
            command,
            map=files.map,
            stacks=files.stacks,
            listening=None if files.listening is None else files.listening.fileno(),
            restart="" if restart is None else restart.encode(),
        )
        return cls(spawned, files)

    def kill(self, number: int) -> None:
        """Send it a signal. It has not been waited for, so that the number is still its own."""
        os.kill(self.pid, number)

    def close(self) -> None:
        """It has ended."""
        self.control.close()

    # What it says.

    def hear(self) -> list[dict[str, object]]:
        """The messages that have come; a listening socket that comes with one is put in `Files`."""
        try:
            heard, numbers, _, _ = socket.recv_fds(self.control, MAX_MESSAGE_BYTES, 1)
        except (BlockingIOError, ConnectionError):
            return []
        # Its end of the socket is closed before it can be waited for.
        self.says_more = bool(heard)
        for number in numbers:
            self._files.close_listening()
            self._files.listening = socket.socket(fileno=number)
        *lines, self._heard = (self._heard + heard).split(b"\n")
        messages: list[dict[str, object]] = [json.loads(line) for line in lines]
        return messages

    # What the kernel says.

    def note_stopped(self, stopped: bool) -> None:
        """Somebody sent it SIGSTOP, or SIGCONT."""
        self._stopped = stopped

    @property
    def suspended(self) -> bool:
        """Whether it is stopped, by a signal or a debugger."""
        return self._stopped or self._state() in ("T", "t")

    def waited_s(self) -> float:
        """How long the loop's thread has waited for a processor since this was last asked."""
        before, self._waited_ns = self._waited_ns, self._schedule(self.pid)[1]
        return max(0, self._waited_ns - before) / 1e9

    def note_work(self) -> None:
        """Note which threads worked since this was last called, for `find_culprit`."""
        # Waiting for a processor counts here: on a busy machine a thread gets little of one.
        used = {thread: sum(self._schedule(thread)) for thread in self._threads()}
        self._ran_ns = {thread: ns - self._used_ns.get(thread, ns) for thread, ns in used.items()}
        self._used_ns = used

    def _state(self) -> str:
        try:
            with open(f"/proc/{self.pid}/stat") as file:
                return file.read().rpartition(")")[2].split()[0]
        except (OSError, IndexError):
            return ""

    def _threads(self) -> list[int]:
        try:
            return [int(name) for name in os.listdir(f"/proc/{self.pid}/task")]
        except OSError:
            return []

    def _schedule(self, thread: int) -> tuple[int, int]:
        """How long a thread ran and waited for a processor (sched-stats in Linux's documentation of
        the scheduler); zeros where that is not told."""
        try:
            with open(f"/proc/{self.pid}/task/{thread}/schedstat") as file:
                ran, waited, _ = file.read().split()
        except (OSError, ValueError):
            return 0, 0
        return int(ran), int(waited)

    # Who holds it up.

    def find_culprit(self) -> Culprit:
        """Who holds it up now."""
        # First: the signal may end what it asks about, such as a sleep.
        threads = dict(self._files.activity.threads())
        return self._judge(threads, self._ask_stacks())

    def find_crashed(self) -> Culprit:
        """Who ran when it crashed, which has ended."""
        self._ran_ns = {}
        threads = dict(self._files.activity.threads())
        return self._judge(threads, read_stacks(self._read_stacks()))

    def _judge(self, threads: dict[int, Now], stacks: list[Stack]) -> Culprit:
        main = next((stack for stack in stacks if stack.main), Stack(True, []))
        busy = max(self._ran_ns, key=self._ran_ns.__getitem__, default=self.pid)
        busy_ns, main_ns = self._ran_ns.get(busy, 0), self._ran_ns.get(self.pid, 0)
        if busy != self.pid and busy_ns > BUSY_PART * TICK_S * 1e9 > 4 * main_ns:
            # The loop's thread waits for the interpreter, wherever it happens to be. Which of the
            # stacks is the other's cannot be told: an idle one is not to be blamed.
            now = threads.get(busy, Now())
            return Culprit(now.plugin, now, main.frames)
        now = threads.get(self.pid, Now())
        return Culprit(now.plugin or self.code.running(main.frames), now, main.frames)

    def _ask_stacks(self) -> list[Stack]:
        """What each thread does, written by a signal's handler in C, which takes no lock."""
        if self._files.activity.beats == 0:
            # It does not listen to the signal yet, which would end it.
            return []
        os.truncate(self._files.stacks, 0)
        os.lseek(self._files.stacks, 0, os.SEEK_SET)
        self.kill(signal.SIGUSR2)
        deadline_s = time.monotonic() + STACKS_WITHIN_S
        text, before = "", None
        while time.monotonic() < deadline_s and (not text or text != before):
            time.sleep(0.02)
            before, text = text, self._read_stacks()
        return read_stacks(text)

    def _read_stacks(self) -> str:
        return os.pread(self._files.stacks, MAX_STACKS_BYTES, 0).decode(errors="replace")
