"""Starts the process anew in its place, with the socket that it listens on.

Owns what goes from the old program to the new one: the process id, the command line, the
environment, and the listening socket, so that nobody else takes the port and who connects meanwhile
waits instead of being refused. Everything else is closed, as by ``kill -9``: the lock of the
folder and the locks of the database go with it, and whatever was acknowledged is on disk.
"""

from __future__ import annotations

import os
import socket
import sys
from typing import NoReturn

__all__ = ["inherited_socket", "start_anew"]

# No setting: it names an open file of this process.
VARIABLE = "_DASH_MESSENGER_LISTENS_ON"


def start_anew(listening: int | None) -> NoReturn:
    """Run the same command in this process; ``listening`` is the socket to hand on.

    May be called on any thread: the others end at that moment. On Windows a program cannot take
    another's place: the process ends with status 1, and whatever runs it starts it again.
    """
    if os.name == "nt":  # pragma: no cover
        os._exit(1)
    if listening is not None:
        os.set_inheritable(listening, True)
        os.environ[VARIABLE] = str(listening)
    os.execv(sys.executable, [sys.executable, *sys.orig_argv[1:]])  # noqa: S606 - ours


def inherited_socket() -> socket.socket | None:
    """The listening socket that was handed on, or None. Only the first call finds it."""
    number = os.environ.pop(VARIABLE, None)
    if number is None:
        return None
    found = socket.socket(fileno=int(number))
    found.set_inheritable(False)
    return found
