"""What all processes of a server use together, as Linux counts it.

A server that a test starts is a session of its own, so its processes are those of that session.
"""

from __future__ import annotations

import contextlib
from pathlib import Path

from dash_messenger.testing import ServerProcess

__all__ = ["memory_mib"]


def memory_mib(server: ServerProcess) -> float:
    """The proportional memory (PSS) of every process of the server, in MiB."""
    kib = 0
    for folder in Path("/proc").iterdir():
        # A process may end while it is looked at.
        with contextlib.suppress(OSError, IndexError, ValueError):
            if folder.name.isdigit() and _session(folder) == server.pid:
                kib += _pss_kib(folder)
    return kib / 1024


def _session(folder: Path) -> int:
    # proc(5), stat: the name in brackets may hold anything; the session is the 4th field after it.
    return int((folder / "stat").read_text().rpartition(")")[2].split()[3])


def _pss_kib(folder: Path) -> int:
    for line in (folder / "smaps_rollup").read_text().splitlines():
        if line.startswith("Pss:"):
            return int(line.split()[1])
    return 0
