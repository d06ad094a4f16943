"""What the pool knows of child processes: how they are asked for, spoken to and ended.

Owns the interface between the pool and the two ways to make children, and what a child finds in its
environment. Must not know what jobs are or whose turn it is.

Invariants, of both ways: all processes of a source die with this process, also by kill -9; `kill`
ends them from any thread; a child's answers are all heard before its end.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from typing import Protocol

from dash_messenger.isolation.jobs import Ended

__all__ = ["Child", "Owner", "Source", "cpu_s", "demote", "environment"]

LINUX = sys.platform == "linux"
# The lowest priority (setpriority(2)).
LOWEST = 19

# What a process finds in its environment: where programs, libraries and words are. No secrets.
ENVIRONMENT = ("PATH", "SYSTEMROOT", "LANG", "LC_ALL", "LC_CTYPE", "TZ", "LD_LIBRARY_PATH")


class Owner(Protocol):
    """Who hears of a source and its children, on the loop."""

    def loaded(self, source: Source) -> None:
        """Children can be had from it."""

    def unloadable(self, source: Source, error: str, trace: str) -> None:
        """The plugins could not be loaded: it is of no use."""

    def lost(self, source: Source) -> None:
        """It died; its children's ends are told next."""

    def born(self, child: Child) -> None:
        """A child that was asked for can be given jobs."""

    def unborn(self, source: Source, error: str) -> None:
        """A child that was asked for could not be made."""

    def answered(self, child: Child, message: bytes) -> None:
        """A child said something."""

    def silent(self, child: Child) -> None:
        """A child says nothing more: its end is told once it is known how."""

    def ended(self, child: Child, how: Ended) -> None:
        """A child ended."""


class Child(Protocol):
    """One process that runs jobs, one after the other."""

    @property
    def source(self) -> Source:
        """Where it comes from."""

    def send(self, data: bytes) -> None:
        """Give it framed jobs."""

    def cpu_s(self) -> float | None:
        """What it used since it was born; None where the system does not tell, or it is gone."""

    def demote(self) -> None:
        """Let everything else go before it."""

    def end(self) -> None:
        """End it now; `Owner.ended` is told."""


class Source(Protocol):
    """Where the children of one setup come from."""

    def start(self) -> None:
        """Begin to load, without a loop."""

    def attach(self, owner: Owner, loop: asyncio.AbstractEventLoop) -> None:
        """Tell ``owner`` what happens, from now on."""

    def make(self) -> None:
        """Ask for a child."""

    def kill(self) -> None:
        """End all of its processes now, from any thread."""

    async def aclose(self) -> None:
        """End all of its processes and forget them."""


def environment() -> dict[str, str]:
    """Where modules are found is the server's: a plugin may be a single file in a folder."""
    kept = {name: os.environ[name] for name in ENVIRONMENT if name in os.environ}
    return {**kept, "PYTHONPATH": os.pathsep.join(path for path in sys.path if path)}


def cpu_s(pid: int) -> float | None:
    """What a process used since it was born; None where the system does not tell."""
    if not LINUX:
        return None
    try:
        # The clock of another process, its id made as clock_getcpuclockid(3) makes it.
        return time.clock_gettime((~pid << 3) | 2)
    except OSError:
        return None


def demote(pid: int) -> None:
    """Let everything else go before a process."""
    if sys.platform != "win32":
        with contextlib.suppress(OSError):
            # Not SCHED_IDLE: on a busy machine it would never end, nor reach its limit.
            os.setpriority(os.PRIO_PROCESS, pid, LOWEST)
