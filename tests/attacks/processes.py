"""The processes of an attack: those that make it, and what all of a server's use together.

A server that a test starts is a session of its own, so its processes are those of that session.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
import time
from collections.abc import AsyncIterator
from pathlib import Path

from dash_messenger.testing import ServerProcess

from tests.environment import ROOT

__all__ = ["attacker", "memory_mib", "wait_until_at_rest"]

# At rest a server uses less than this part of a processor, looked at so often.
AT_REST = 0.1
EVERY_S = 0.5
AT_REST_WITHIN_S = 60.0


@contextlib.asynccontextmanager
async def attacker(module: str, *arguments: object) -> AsyncIterator[asyncio.subprocess.Process]:
    """A process of ``tests.attacks.MODULE``, which does not hold up the neighbours' clients.

    It has said that it is ready, and begins at a line on its input.
    """
    process = await asyncio.create_subprocess_exec(
        *(sys.executable, "-m", f"tests.attacks.{module}", *map(str, arguments)),
        cwd=ROOT,
        stdin=asyncio.subprocess.PIPE,
        stdout=asyncio.subprocess.PIPE,
    )
    try:
        assert process.stdout is not None
        assert await process.stdout.readline() == b"ready\n"
        yield process
    finally:
        if process.returncode is None:
            process.kill()
        await process.wait()


def wait_until_at_rest(server: ServerProcess) -> None:
    """Return once a server has done what it does after a start, such as compressing files.

    Raises:
        AssertionError: it is at work for a minute.
    """
    until, used_s = time.monotonic() + AT_REST_WITHIN_S, _used_s(server)
    while time.monotonic() < until:
        time.sleep(EVERY_S)
        before_s, used_s = used_s, _used_s(server)
        # A process that ended takes along what it used.
        if 0 <= used_s - before_s < AT_REST * EVERY_S:
            return
    raise AssertionError(f"at work for {AT_REST_WITHIN_S:.0f} s")


def memory_mib(server: ServerProcess, *, only: int | None = None) -> float:
    """The proportional memory (PSS) of every process of the server, or of one, in MiB."""
    kib = 0
    for folder in Path("/proc").iterdir():
        # A process may end while it is looked at.
        with contextlib.suppress(OSError, IndexError, ValueError):
            number = int(folder.name)
            if only in (None, number) and _session(folder) == server.pid:
                kib += _pss_kib(folder)
    return kib / 1024


def _used_s(server: ServerProcess) -> float:
    """The processor time of every process of the server so far."""
    ticks = 0
    for folder in Path("/proc").iterdir():
        with contextlib.suppress(OSError, IndexError, ValueError):
            if folder.name.isdigit() and _session(folder) == server.pid:
                # utime and stime
                ticks += sum(map(int, _stat(folder)[11:13]))
    return ticks / os.sysconf("SC_CLK_TCK")


def _session(folder: Path) -> int:
    return int(_stat(folder)[3])


def _stat(folder: Path) -> list[str]:
    # proc(5): the name in brackets may hold anything; these are the fields after it.
    return (folder / "stat").read_text().rpartition(")")[2].split()


def _pss_kib(folder: Path) -> int:
    for line in (folder / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
