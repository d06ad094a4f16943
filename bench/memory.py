"""What the processes of a server hold at rest, and what is left after a crowd was there.

At rest with all plugins and without the web pages: private and proportional memory of parent,
server, fork server and children. Then `--people` registrations and log-ins, 20 at a time, and the
same again: what came for them must go with them.
"""

from __future__ import annotations

import contextlib
import http.client
import json
import os
import threading
import time
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import urlsplit

from dash_messenger.testing import PASSWORD, ServerProcess
from workload import data_folder, options, report

PEOPLE = 1_000
AT_ONCE = 20
# Caches of a burst are given back when it is over for so long.
SETTLE_S = 15.0
# Processes that decoded pictures at the first start end when they had nothing to do for 30 s.
REST_S = 35.0


@dataclass(frozen=True)
class Process:
    """One process of the server."""

    role: str
    private_mib: float
    pss_mib: float
    resident_mib: float


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--people", type=int, default=PEOPLE)
    asked = parser.parse_args()
    with data_folder(asked.data) as data:
        # As admins run it: the hashing of the settings, not that of tests.
        usual = {"DASH_MESSENGER_RATE_LIMITS": "off", "DASH_MESSENGER_LOG_LEVEL": "warning"}
        without = ServerProcess(
            data.with_name("without"),
            environment={"DASH_MESSENGER_PLUGINS_WITHOUT": '["webui"]', **usual},
        )
        for name in ("DASH_MESSENGER_PASSWORD_MEMORY_KIB", "DASH_MESSENGER_PASSWORD_PASSES"):
            without.environment.pop(name, None)
        try:
            start_again(without)
            warm(without.url)
            time.sleep(REST_S)
            bare = processes(without.pid)
        finally:
            without.kill()
        server = ServerProcess(data, environment=usual)
        for name in ("DASH_MESSENGER_PASSWORD_MEMORY_KIB", "DASH_MESSENGER_PASSWORD_PASSES"):
            server.environment.pop(name, None)
        try:
            start_again(server)
            warm(server.url)
            time.sleep(REST_S)
            rest = processes(server.pid)
            crowd(server.url, asked.people)
            peak = processes(server.pid)
            time.sleep(SETTLE_S)
            after = processes(server.pid)
        finally:
            server.kill()
    figures = {
        "server_mib": of(rest, "server").resident_mib,
        "server_private_mib": of(rest, "server").private_mib,
        "without_webui_mib": of(bare, "server").resident_mib,
        "without_webui_private_mib": of(bare, "server").private_mib,
        "without_webui_pss_mib": of(bare, "server").pss_mib,
        "after_mib": of(after, "server").resident_mib,
        "all_pss_mib": round(sum(one.pss_mib for one in rest), 1),
        "without_webui_all_pss_mib": round(sum(one.pss_mib for one in bare), 1),
    }
    notes = []
    for title, found in (
        ("without the web UI", bare),
        ("at rest", rest),
        (f"just after {asked.people} registrations and log-ins", peak),
        (f"{SETTLE_S:.0f} s later", after),
    ):
        notes.append(f"{title}: {sum(one.pss_mib for one in found):.1f} MiB (PSS) in all")
        notes += [
            f"  {one.role:12} {one.resident_mib:6.1f} resident {one.private_mib:6.1f} private"
            f" {one.pss_mib:6.1f} PSS"
            for one in found
        ]
    notes.append("goals: server 110, without the web UI 60, afterwards 130, all together 180 MiB")
    report(figures, notes, only_figures=asked.json)


def of(found: list[Process], role: str) -> Process:
    """The process with a role; the largest, where none is called so."""
    named = [one for one in found if one.role == role]
    return named[0] if named else max(found, key=lambda one: one.private_mib)


def processes(parent: int) -> list[Process]:
    """The process ``parent`` and all below it."""
    below: dict[int, list[int]] = {}
    for folder in Path("/proc").iterdir():
        if folder.name.isdecimal():
            try:
                stat = (folder / "stat").read_text().rpartition(")")[2].split()
            except OSError:
                continue
            below.setdefault(int(stat[1]), []).append(int(folder.name))
    found, waiting = [], [(parent, 0)]
    while waiting:
        pid, depth = waiting.pop(0)
        # A child may end meanwhile.
        with contextlib.suppress(OSError):
            found.append(_measure(pid, depth, parent, below))
        waiting += [(child, depth + 1) for child in sorted(below.get(pid, []))]
    return found


def _measure(pid: int, depth: int, parent: int, below: dict[int, list[int]]) -> Process:
    sizes: dict[str, int] = {}
    for line in Path(f"/proc/{pid}/smaps_rollup").read_text().splitlines()[1:]:
        name, _, rest = line.partition(":")
        sizes[name] = int(rest.split()[0])
    command = Path(f"/proc/{pid}/cmdline").read_bytes().replace(b"\0", b" ").decode()
    role = "child"
    if "fork_server" in command and depth <= 2:
        role = "fork server"
    elif pid == parent:
        role = "parent" if below.get(pid) and depth == 0 and _serves_below(pid, below) else "server"
    elif "dash_messenger" in command and depth == 1:
        role = "server"
    private = sizes["Private_Clean"] + sizes["Private_Dirty"]
    return Process(
        role, round(private / 1024, 1), round(sizes["Pss"] / 1024, 1), round(sizes["Rss"] / 1024, 1)
    )


def _serves_below(pid: int, below: dict[int, list[int]]) -> bool:
    for child in below.get(pid, []):
        command = Path(f"/proc/{child}/cmdline").read_bytes()
        if b"serve" in command and b"fork_server" not in command:
            return True
    return False


def start_again(server: ServerProcess) -> None:
    """Start a server for the second time: the first makes its tables, by a library of its own."""
    server.start()
    server.stop()
    server.start()


def warm(url: str) -> None:
    """Have one person come, so that what is loaded on first use counts as the server's."""
    crowd(url, 1)


def crowd(url: str, people: int) -> None:
    """Register people and log them in."""
    host = urlsplit(url).netloc
    numbers = iter(range(people))
    lock = threading.Lock()
    run = os.urandom(4).hex()

    def work() -> None:
        connection = http.client.HTTPConnection(host, timeout=120)
        while True:
            with lock:
                number = next(numbers, None)
            if number is None:
                break
            person = {"username": f"u{run}{number}", "password": PASSWORD}
            for command in ("account.register", "session.open"):
                connection.request("POST", f"/api/{command}", json.dumps(person))
                answer = connection.getresponse()
                body = answer.read()
                if answer.status >= 400:
                    raise SystemExit(f"{command}: {answer.status} {body!r}")
        connection.close()

    threads = [threading.Thread(target=work) for _ in range(min(AT_ONCE, people))]
    for thread in threads:
        thread.start()
    for thread in threads:
        thread.join()


if __name__ == "__main__":
    main()
