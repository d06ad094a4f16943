"""What every benchmark stands on: a data folder full of people, and a server pinned to its core.

Owns seeding (rows go straight into the database: argon2 for thousands of people would take
minutes) and which core runs what: the server on the first, the load generator on the last.
"""

from __future__ import annotations

import argparse
import hashlib
import json
import os
import secrets
import sys
import tempfile
import time
from collections.abc import Iterator, Mapping, Sequence
from contextlib import contextmanager, suppress
from dataclasses import dataclass
from pathlib import Path
from types import MappingProxyType

import pysqlite3
from dash_messenger.ids import IdMaker
from dash_messenger.testing import ServerProcess

VIEW = "dash:en"
CONVERSATIONS_PER_USER = 50
# Those that only fill a user's list: groups of this many.
FILLER_MEMBERS = 10


@dataclass(frozen=True)
class Workload:
    """The people of a data folder: ``users[i]`` has ``tokens[i]``."""

    users: list[str]
    tokens: list[str]
    conversations: list[str]


def options(description: str | None) -> argparse.ArgumentParser:
    """The flags all benchmarks share; servers started from here on keep their compiled modules."""
    # An installed server has them. Compiling ours takes 0.3 s, and leaves 4 MiB behind.
    os.environ.pop("PYTHONDONTWRITEBYTECODE", None)
    parser = argparse.ArgumentParser(description=(description or "").splitlines()[0])
    parser.add_argument("--json", action="store_true", help="nothing but the figures")
    parser.add_argument("--data", type=Path, help="where to put the data (default: temporary)")
    return parser


def add_type(parser: argparse.ArgumentParser) -> None:
    """The flag that says which messages are sent."""
    parser.add_argument("--type", default="text", choices=("text", "markdown"))


def report(figures: dict[str, float], notes: Sequence[str], *, only_figures: bool) -> None:
    """Print what a reader wants to know, then the figures as one JSON object on the last line."""
    if not only_figures:
        for note in notes:
            print(note)
    print(json.dumps(figures), flush=True)


def server_core() -> int:
    """The core the server runs on."""
    return min(os.sched_getaffinity(0))


def pin_load() -> None:
    """Move this process to the core that the server leaves alone."""
    os.sched_setaffinity(0, {max(os.sched_getaffinity(0))})


def pinned(core: int, *command: str) -> list[str]:
    """A command line that runs ``command`` on one core."""
    pin = "import os, sys; os.sched_setaffinity(0, {int(sys.argv[1])}); "
    run = "os.execv(sys.argv[2], sys.argv[2:])"
    return [sys.executable, "-S", "-c", pin + run, str(core), *command]


@contextmanager
def data_folder(path: Path | None) -> Iterator[Path]:
    """An empty folder on a real disk, removed afterwards; or the one that was asked for."""
    if path is not None:
        path.mkdir(parents=True, exist_ok=True)
        yield path / "data"
        return
    # /tmp may be memory, where a flush costs nothing.
    with tempfile.TemporaryDirectory(prefix="dash-messenger-bench-", dir="/var/tmp") as folder:
        yield Path(folder) / "data"


def make_server(
    data: Path, *, without: Sequence[str] = (), settings: Mapping[str, str] = MappingProxyType({})
) -> ServerProcess:
    """A server of ``data``, not started, on the first core; ``without`` names plugins."""
    command = pinned(server_core(), sys.executable, "-m", "dash_messenger")
    environment = {
        "DASH_MESSENGER_LOG_LEVEL": "warning",
        "DASH_MESSENGER_PLUGINS_WITHOUT": json.dumps([*without]),
        **{f"DASH_MESSENGER_{name.upper()}": value for name, value in settings.items()},
    }
    return ServerProcess(data, command=command, environment=environment)


def database(data: Path) -> Path:
    """The database file in a data folder."""
    return next(path for path in data.iterdir() if path.suffix in (".db", ".sqlite", ".sqlite3"))


def seed(server: ServerProcess, n_users: int, groups: Sequence[Sequence[int]]) -> Workload:
    """Fill the server's empty data folder, through a first start that makes the tables.

    Every user gets a session and `CONVERSATIONS_PER_USER` conversations: first those of ``groups``
    (each a list of users by their place, two people being a direct conversation), then fillers.
    """
    server.start()
    server.stop()
    make_id, now_ms = IdMaker(), time.time_ns() // 1_000_000
    users = [make_id() for _ in range(n_users)]
    tokens = [secrets.token_urlsafe(32) for _ in range(n_users)]
    conversations: list[str] = []
    has = [0] * n_users
    everything = list(groups)
    for group in groups:
        for place in group:
            has[place] += 1
    while wanting := sorted(
        (place for place in range(n_users) if has[place] < CONVERSATIONS_PER_USER),
        key=has.__getitem__,
    ):
        for first in range(0, len(wanting), FILLER_MEMBERS):
            group = wanting[first : first + FILLER_MEMBERS]
            everything.append(group)
            for place in group:
                has[place] += 1
    conversation_rows, member_rows = [], []
    for group in everything:
        id = make_id()
        conversations.append(id)
        direct = len(group) == 2
        members = [users[place] for place in group]
        key = ":".join(sorted(members)) if direct and len(conversations) <= len(groups) else None
        kind, title = ("direct", None) if key else ("group", f"Group {len(conversations)}")
        # Nobody made all of their groups: an owner's summary says more than a member's.
        creator = members[len(conversations) % len(members)]
        row = (bytes.fromhex(id), kind, title, key, now_ms, bytes.fromhex(creator))
        conversation_rows.append(row)
        owner = creator if kind == "group" else None
        member_rows += [
            (bytes.fromhex(id), bytes.fromhex(user), now_ms, "owner" if user == owner else "member")
            for user in members
        ]
    year_ms = 365 * 86_400_000
    db = pysqlite3.connect(str(database(server.data)), isolation_level=None)
    db.execute("PRAGMA synchronous=OFF")
    db.execute("BEGIN IMMEDIATE")
    db.executemany(
        "INSERT INTO users (id, username, username_key, display_name, created_at_ms)"
        " VALUES (?, ?, ?, ?, ?)",
        [
            (bytes.fromhex(id), f"user{n}", f"user{n}", f"User {n}", now_ms)
            for n, id in enumerate(users)
        ],
    )
    db.executemany(
        "INSERT INTO sessions (id, token_hash, user_id, kind, created_at_ms, last_seen_at_ms,"
        " expires_at_ms) VALUES (?, ?, ?, 'token', ?, ?, ?)",
        [
            (
                bytes.fromhex(make_id()),
                hashlib.sha256(token.encode()).digest(),
                bytes.fromhex(user),
                now_ms,
                now_ms,
                now_ms + year_ms,
            )
            for user, token in zip(users, tokens, strict=True)
        ],
    )
    db.executemany(
        "INSERT INTO conversations (id, kind, title, direct_key, created_at_ms, created_by)"
        " VALUES (?, ?, ?, ?, ?, ?)",
        conversation_rows,
    )
    db.executemany(
        "INSERT INTO members (conversation_id, user_id, from_seq, from_number, joined_at_ms,"
        " role) VALUES (?, ?, 1, 1, ?, ?)",
        sorted(member_rows),
    )
    db.execute("COMMIT")
    db.execute("PRAGMA wal_checkpoint(TRUNCATE)")
    db.close()
    return Workload(users, tokens, conversations)


def cpu_s(pid: int) -> dict[str, float]:
    """CPU seconds used so far by the process's first thread (the loop) and by its others."""
    used = {"loop": 0.0, "threads": 0.0}
    for stat in Path(f"/proc/{pid}/task").glob("*/stat"):
        name = "loop" if stat.parent.name == str(pid) else "threads"
        used[name] += _ticks(stat, 11, 12)
    return used


def tree_cpu_s(server: ServerProcess) -> dict[str, float]:
    """The same of the process that serves, with all others of the server: its parent, the fork
    server and the children, those that have ended too."""
    serves = server.server_pid
    used = {**cpu_s(serves), "others": 0.0}
    for pid in _tree(server.pid):
        stat = Path(f"/proc/{pid}/stat")
        with suppress(FileNotFoundError, ProcessLookupError):
            own = () if pid == serves else (11, 12)
            # Whoever ended counts for the one who waited for it.
            used["others"] += _ticks(stat, *own, 13, 14)
    return used


def _ticks(stat: Path, *places: int) -> float:
    fields = stat.read_text().rpartition(")")[2].split()
    return sum(int(fields[place]) for place in places) / os.sysconf("SC_CLK_TCK")


def _tree(root: int) -> list[int]:
    """A process and all that came from it."""
    parents: dict[int, int] = {}
    for stat in Path("/proc").glob("[0-9]*/stat"):
        with suppress(FileNotFoundError, ProcessLookupError):
            parents[int(stat.parent.name)] = int(stat.read_text().rpartition(")")[2].split()[1])
    found = [root]
    for pid in found:
        found += [child for child, parent in parents.items() if parent == pid]
    return found


def content_of(type: str, text: str) -> dict[str, str]:
    """What a benchmark sends of a message type."""
    return {"text": f"**{text}**, and `code`" if type == "markdown" else text}


def percentile(values: Sequence[float], part: float) -> float:
    """The value below which ``part`` of ``values`` lie."""
    ordered = sorted(values)
    return ordered[min(len(ordered) - 1, int(part * len(ordered)))]


def commit_ms(folder: Path, n: int = 400, interval_s: float = 0.005) -> list[float]:
    """What a bare durable commit of one message's bytes costs here, on the server's core, sorted.

    SQLite in WAL mode with ``synchronous=FULL``, on a schedule, nothing else in the process.
    """
    path = folder / "bare-commit.sqlite"
    pid = os.fork()
    if pid == 0:
        os.sched_setaffinity(0, {server_core()})
        db = pysqlite3.connect(str(path), isolation_level=None)
        db.execute("PRAGMA journal_mode=WAL")
        db.execute("PRAGMA synchronous=FULL")
        db.execute("CREATE TABLE bare (id INTEGER PRIMARY KEY, body BLOB)")
        took, due = [], time.monotonic()
        for _ in range(n):
            time.sleep(max(0.0, due - time.monotonic()))
            began = time.perf_counter()
            db.execute("BEGIN IMMEDIATE")
            db.execute("INSERT INTO bare (body) VALUES (?)", (bytes(300),))
            db.execute("COMMIT")
            took.append((time.perf_counter() - began) * 1000)
            due += interval_s
        path.with_suffix(".json").write_text(json.dumps(sorted(took)))
        os._exit(0)
    os.waitpid(pid, 0)
    measured: list[float] = json.loads(path.with_suffix(".json").read_text())
    return measured
