"""Which processes a server consists of, as Linux tells it."""

from __future__ import annotations

from pathlib import Path

from dash_messenger.testing import ServerProcess

__all__ = ["alive", "children", "command_of", "roles"]

FORK_SERVER = b"dash_messenger.isolation.fork_server"


def roles(server: ServerProcess) -> dict[str, list[int]]:
    """The ids of a server's processes: ``parent``, ``server``, ``fork server`` and ``child``."""
    found: dict[str, list[int]] = {"parent": [server.pid], "server": []}
    for pid in children(server.pid):
        found["server"].append(pid)
        for below in children(pid):
            role = "fork server" if FORK_SERVER in command_of(below) else "child"
            found.setdefault(role, []).append(below)
            found.setdefault("child", []).extend(children(below))
    return {role: pids for role, pids in found.items() if pids}


def alive(pids: list[int]) -> list[int]:
    """Those that have not ended."""
    return [pid for pid in pids if _state(pid) not in ("", "Z", "X")]


def children(pid: int) -> list[int]:
    """Those that a process started, zombies too."""
    numbers = [int(folder.name) for folder in Path("/proc").iterdir() if folder.name.isdigit()]
    return [number for number in numbers if _parent(number) == pid]


def command_of(pid: int) -> bytes:
    """Its command line, or nothing."""
    try:
        return Path(f"/proc/{pid}/cmdline").read_bytes()
    except OSError:
        return b""


def _fields(pid: int) -> list[str]:
    # proc(5), stat: the name in brackets may hold anything.
    try:
        return Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()
    except OSError:
        return []


def _state(pid: int) -> str:
    fields = _fields(pid)
    return fields[0] if fields else ""


def _parent(pid: int) -> int:
    fields = _fields(pid)
    return int(fields[1]) if fields else 0
