"""Keeps a server going: starts it, passes on what it is told, restarts it when it hangs or dies.

Owns these decisions. Of plugins' code that takes too long it notices only what holds the event
loop, by the times in `watch`: what awaits, runs in a child or draws in a thread is ended within the
server, by `isolation/`. Must not know what a server does, nor import what a plugin could touch.
Invariants: it never waits for the server; told to stop, it has ended within the server's own time
and a second; a server that cannot start is not tried again.
"""

from __future__ import annotations

import os
import select
import signal
import socket
import time

from dash_messenger.activity import SERVING
from dash_messenger.supervisor import watch
from dash_messenger.supervisor.child import CRASHES, Child, Culprit, Files
from dash_messenger.supervisor.log import Log
from dash_messenger.supervisor.restarts import Restart, Restarts
from dash_messenger.supervisor.spawning import Spawned
from dash_messenger.supervisor.stacks import drawn
from dash_messenger.supervisor.watch import TICK_S, Watch

__all__ = ["Supervisor"]

# SIGHUP: the terminal is gone.
STOPS = (signal.SIGTERM, signal.SIGINT, signal.SIGHUP)
# Until the server has read its settings.
SHUTDOWN_S = 5.0
# How much longer than its settings say a server may take to end: it has a second, less what it
# takes to kill it. Told twice, it has this alone.
GRACE_S = 0.7


class Supervisor:
    """Runs one server until it ends for good.

    ``serving``: how long its loop may be held once it serves.
    """

    def __init__(
        self,
        command: list[str],
        first: Spawned,
        *,
        serving: watch.Limits = watch.SERVING,
        grace_s: float = GRACE_S,
    ) -> None:
        self._command = command
        self._first = first
        self._serving = serving
        self._grace_s = grace_s
        self._log = Log()
        self._files = Files(first)
        self._restarts = Restarts()
        self._restart: Restart | None = None
        self._watch = Watch()
        self._beats = 0
        self._lives = 0
        self._asked: int | None = None
        self._kill_at_s: float | None = None
        self._ears, self._mouth = socket.socketpair()

    def run(self) -> int:
        """The status to end with."""
        self._listen_to_signals()
        child = Child(self._first, self._files)
        while True:
            self._lives += 1
            status = self._attend(child)
            child.close()
            if self._asked is not None:
                return self._status_when_asked(status)
            ended = self._judge(child, status)
            if ended is not None:
                return ended
            served_at_s = child.served_at_s
            now_s = time.monotonic()
            served_s = 0.0 if served_at_s is None else now_s - served_at_s
            if not self._rest(self._restarts.pause_s(served_s)):
                return 0
            child = Child.start(self._command, self._files, self._restart)

    def _listen_to_signals(self) -> None:
        for end in (self._ears, self._mouth):
            end.setblocking(False)
        signal.set_wakeup_fd(self._mouth.fileno(), warn_on_full_buffer=False)
        for number in (*STOPS, signal.SIGCHLD):
            # What was ignored stays so, as nohup wants it.
            if signal.getsignal(number) is not signal.SIG_IGN:
                signal.signal(number, lambda number, frame: None)

    # One life.

    def _attend(self, child: Child) -> int:
        """Watch over a server until it has ended: how, as a negative signal or its status."""
        self._watch = Watch(watch.STARTING)
        self._beats = 0
        next_tick_s = time.monotonic() + TICK_S
        while True:
            now_s = time.monotonic()
            self._listen(child, max(0.0, min(next_tick_s, self._kill_at_s or next_tick_s) - now_s))
            status = self._reap(child)
            if status is not None:
                return status
            now_s = time.monotonic()
            if self._kill_at_s is not None and now_s >= self._kill_at_s:
                self._log.error("server_killed", reason="it did not end in time")
                self._kill_at_s = None
                child.kill(signal.SIGKILL)
            if now_s >= next_tick_s:
                # Not added up: a tick that is late is one tick.
                next_tick_s = now_s + TICK_S
                self._tick(child, now_s)

    def _listen(self, child: Child, timeout_s: float) -> None:
        """Wait for a signal or a message, so long at most, and take it in."""
        heard = [self._ears, child.control] if child.says_more else [self._ears]
        readable, _, _ = select.select(heard, [], [], timeout_s)
        if self._ears in readable:
            for number in self._ears.recv(4096):
                if number in STOPS:
                    self._stop(child, number)
        if child.control in readable:
            for message in child.hear():
                self._take(child, message)

    def _take(self, child: Child, message: dict[str, object]) -> None:
        match message:
            case {"log": str(form)}:
                self._log.form = form
            case {"plugin": str(plugin), "entry": str(entry), "roots": list(roots)}:
                child.code.add(plugin, entry)
                child.code.look_in(roots)

    def _reap(self, child: Child) -> int | None:
        """Note what became of processes: the server's end, and orphans' where this is process 1."""
        ended = None
        while True:
            try:
                pid, status = os.waitpid(-1, os.WNOHANG | os.WUNTRACED | os.WCONTINUED)
            except ChildProcessError:
                return ended
            if pid == 0:
                return ended
            if pid != child.pid:
                continue
            if os.WIFSTOPPED(status) or os.WIFCONTINUED(status):
                child.note_stopped(os.WIFSTOPPED(status))
            else:
                ended = os.waitstatus_to_exitcode(status)

    def _tick(self, child: Child, now_s: float) -> None:
        activity = self._files.activity
        if activity.stage == SERVING and child.served_at_s is None:
            child.served_at_s = now_s
            self._watch.limits = self._serving
        waited_s = child.waited_s()
        if child.suspended or self._asked is not None:
            return
        before, self._beats = self._beats, activity.beats
        step = self._watch.tick(turned=self._beats != before, waited_s=waited_s)
        if self._watch.silent_s:
            child.note_work()
        if step == "name":
            self._name("loop_held", child.find_culprit())
        elif step == "give up":
            self._give_up(child)

    def _name(self, event: str, culprit: Culprit) -> None:
        self._log.error(
            event,
            plugin=culprit.plugin,
            user=culprit.user,
            command=culprit.command,
            held_s=round(self._watch.silent_s, 1),
            stack=drawn(culprit.frames),
        )

    def _give_up(self, child: Child) -> None:
        culprit, held_s = child.find_culprit(), self._watch.silent_s
        self._name("loop_given_up", culprit)
        # From the beginning, should it go on.
        self._watch.silent_s = 0.0
        if child.served_at_s is None and not culprit.plugin:
            # A large database takes its time; another start would begin from the beginning.
            return
        child.given_up = True
        self._note_restart(culprit.plugin, f"it held the event loop for {held_s:.0f} s")
        child.kill(signal.SIGKILL)

    # The end.

    def _stop(self, child: Child, number: int) -> None:
        """Tell the server to end; it is killed if it does not."""
        first = self._asked is None
        self._asked = self._asked or number
        shutdown_s = (self._files.activity.shutdown_s or SHUTDOWN_S) if first else 0.0
        kill_at_s = time.monotonic() + shutdown_s + self._grace_s
        if first or (self._kill_at_s is not None and kill_at_s < self._kill_at_s):
            self._kill_at_s = kill_at_s
        self._files.close_listening()
        child.kill(signal.SIGTERM)

    def _status_when_asked(self, status: int) -> int:
        if status == -signal.SIGTERM:
            # It was not far enough to end in order.
            return 128 + (self._asked or 0)
        return status if status >= 0 else 1

    def _judge(self, child: Child, status: int) -> int | None:
        """What to end with, or None: the server is to be started again."""
        if child.given_up:
            return None
        served = self._files.activity.stage == SERVING or child.served_at_s is not None
        if status == 0 or (status > 0 and not served):
            # Somebody told it to end, or it has said why it cannot start.
            return status
        if not served and self._lives == 1:
            return 128 - status
        plugin = ""
        if -status in CRASHES:
            culprit = child.find_crashed()
            plugin = culprit.plugin
            self._name("server_crashed", culprit)
        self._note_restart(plugin, f"it ended by {_said(status)}")
        return None

    def _note_restart(self, plugin: str, reason: str) -> None:
        self._restart = self._restarts.count(plugin, reason, time.monotonic())
        given_up = ", ".join(self._restart.given_up)
        self._log.error("server_restarting", plugin=plugin, reason=reason, given_up=given_up)

    def _rest(self, pause_s: float) -> bool:
        """Wait before the next start; false if told to stop meanwhile."""
        until_s = time.monotonic() + pause_s
        while (left_s := until_s - time.monotonic()) > 0:
            readable, _, _ = select.select([self._ears], [], [], left_s)
            if readable and any(number in STOPS for number in self._ears.recv(4096)):
                return False
        return True


def _said(status: int) -> str:
    return f"signal {signal.Signals(-status).name}" if status < 0 else f"status {status}"
