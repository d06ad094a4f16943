"""What 5,000 signed-in connections cost that say nothing, and the server without any.

Resident memory of the server's process, all plugins loaded: before anybody has connected (but after
one connection came and went, so that what is loaded on first use counts as the server's), and with
every connection synced, of users with 50 conversations each.
"""

from __future__ import annotations

import time
from pathlib import Path

from sockets import connect
from workload import data_folder, make_server, options, pin_load, report, seed

CONNECTIONS = 5_000


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--connections", type=int, default=CONNECTIONS)
    asked = parser.parse_args()
    with data_folder(asked.data) as data:
        server = make_server(data)
        workload = seed(server, asked.connections, [])
        pin_load()
        try:
            server.start()
            base = settled_kib(server.server_pid)
            for one in connect(server.url, workload.tokens[:1]):
                one.close()
            before = settled_kib(server.server_pid)
            began = time.perf_counter()
            sockets = connect(server.url, workload.tokens)
            took = time.perf_counter() - began
            after = settled_kib(server.server_pid)
            for one in sockets:
                one.close()
        finally:
            server.kill()
    each = (after - before) / asked.connections
    figures = {"kib_per_connection": round(each, 1), "base_mib": round(base / 1024, 1)}
    notes = [
        f"{asked.connections} connections, each with its sync, in {took:.1f} s",
        f"MiB: {base / 1024:.1f} alone, {before / 1024:.1f} after one, {after / 1024:.1f} with all",
        "goals: 12 KiB a connection, 110 MiB",
    ]
    report(figures, notes, only_figures=asked.json)


def settled_kib(pid: int) -> int:
    """Resident memory once it stays the same."""
    last = -1
    for _ in range(20):
        now = resident_kib(pid)
        if now == last:
            break
        last = now
        time.sleep(0.5)
    return last


def resident_kib(pid: int) -> int:
    """Resident memory of a process."""
    for line in Path(f"/proc/{pid}/status").read_text().splitlines():
        if line.startswith("VmRSS:"):
            return int(line.split()[1])
    raise ProcessLookupError(pid)


if __name__ == "__main__":
    main()
