"""Ends a process when its parent ends, however that ends.

Owns how each system does it. Linux does it by itself; elsewhere a thread waits for the end of a
pipe, which it cannot notice while the interpreter is held.
"""

from __future__ import annotations

import os
import signal
import sys
import threading

__all__ = ["end_with_parent"]

# linux/prctl.h
PR_SET_PDEATHSIG = 1


def end_with_parent(parent: int, pipe: int | None = None) -> None:
    """From now on this process is killed when the thread that started it ends.

    ``parent`` is the process that it expects; if that has ended already, it ends now. ``pipe`` is
    a descriptor that reads nothing until the parent ends, for systems other than Linux.
    """
    if sys.platform == "linux":
        import ctypes

        ctypes.CDLL(None, use_errno=True).prctl(PR_SET_PDEATHSIG, signal.SIGKILL, 0, 0, 0)
    elif pipe is not None:  # pragma: no cover
        threading.Thread(target=_wait, args=(pipe,), name="lifeline", daemon=True).start()
    if os.getppid() != parent:
        os.kill(os.getpid(), signal.SIGKILL)


def _wait(pipe: int) -> None:  # pragma: no cover
    while os.read(pipe, 1):
        pass
    os.kill(os.getpid(), signal.SIGKILL)
