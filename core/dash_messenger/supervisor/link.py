"""What a server has to do with its parent process.

Owns the open files that the parent gave it and what is said through them. Must not know what
becomes of it. Without a parent, as on Windows, nothing is said to anybody.
"""

from __future__ import annotations

import asyncio
import faulthandler
import json
import os
import signal
import socket
import sys

from dash_messenger.activity import SERVING, STARTING, STOPPING, Activity
from dash_messenger.supervisor.lifeline import end_with_parent
from dash_messenger.supervisor.restarts import Restart
from dash_messenger.supervisor.spawning import VARIABLE
from dash_messenger.supervisor.watch import TICK_S

__all__ = ["Link"]


class Link:
    """The way to the parent, if there is one.

    ``restart`` is why the server was started again, ``listening`` the socket it had.
    """

    def __init__(self) -> None:
        self.activity = Activity()
        self.restart: Restart | None = None
        self.listening: socket.socket | None = None
        self._control: socket.socket | None = None
        self._shutdown_s = 0.0
        self._beating: asyncio.TimerHandle | None = None

    @classmethod
    def from_environment(cls) -> Link:
        """The link of this process; only the first call finds it. Call it on the main thread.

        From then on the process ends with its parent, and is told to end by it alone.
        """
        link = cls()
        text = os.environ.pop(VARIABLE, None)
        if text is not None:
            link._take(text)
        return link

    def _take(self, text: str) -> None:
        parent, files, restart = text.split(" ", 2)
        given = [int(number) for number in files.split(",")]
        control, activity, stacks, *listening = given
        for number in given:
            os.set_inheritable(number, False)
        end_with_parent(int(parent), control)
        for number in (signal.SIGINT, signal.SIGHUP):
            signal.signal(number, signal.SIG_IGN)
        signal.pthread_sigmask(signal.SIG_UNBLOCK, (signal.SIGINT, signal.SIGHUP))
        # C code, which runs whoever has the interpreter: the parent reads what it writes.
        faulthandler.register(signal.SIGUSR2, file=stacks, all_threads=True, chain=False)
        faulthandler.enable(file=stacks, all_threads=True)
        self._control = socket.socket(fileno=control)
        self.activity = Activity(activity)
        # The main thread, which the loop will run on, is the first in the map.
        self.activity.end(self.activity.begin())
        self.activity.beat()
        if listening:
            self.listening = socket.socket(fileno=listening[0])
        if restart:
            self.restart = Restart.decode(restart)

    @property
    def supervised(self) -> bool:
        """Whether there is a parent."""
        return self._control is not None

    def start(self, shutdown_s: float, log_format: str) -> None:
        """The loop runs, and beats from now on; call it there."""
        self._shutdown_s = shutdown_s
        self.activity.set_stage(STARTING, shutdown_s)
        self._say({"log": log_format})
        if self.supervised:
            self._beat(asyncio.get_running_loop())

    def loading(self, plugin: str, entry: str) -> None:
        """A plugin is about to be imported from there."""
        self._say({"plugin": plugin, "entry": entry, "roots": sys.path})

    def hand_over(self, listening: socket.socket) -> None:
        """Let the parent keep the socket, so that it is listened on while no server does."""
        if self._control is not None and self.listening is None:
            message = json.dumps({"listening": True}).encode() + b"\n"
            socket.send_fds(self._control, [message], [listening.fileno()])

    def serving(self) -> None:
        """People wait for the loop."""
        self.activity.set_stage(SERVING, self._shutdown_s)

    def stopping(self) -> None:
        """The server was told to end."""
        self.activity.set_stage(STOPPING, self._shutdown_s)

    def close(self) -> None:
        """The loop ends."""
        if self._beating is not None:
            self._beating.cancel()

    def _beat(self, loop: asyncio.AbstractEventLoop) -> None:
        self.activity.beat()
        self._beating = loop.call_later(TICK_S, self._beat, loop)

    def _say(self, message: dict[str, object]) -> None:
        if self._control is not None:
            self._control.sendall(json.dumps(message).encode() + b"\n")
