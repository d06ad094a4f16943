"""Seconds from starting the process until ``/healthz`` answers 200, all first-party plugins loaded.

The median of several starts with a data folder that is current, the server's files in the page
cache; on the core that the server is pinned to. The first start, which makes the folder, is told
apart.
"""

from __future__ import annotations

import http.client
import socket
import subprocess
import sys
import time
from pathlib import Path

from workload import data_folder, options, pin_load, pinned, report, server_core


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--starts", type=int, default=7)
    asked = parser.parse_args()
    with data_folder(asked.data) as data:
        core = server_core()
        pin_load()
        first = start(data, core)
        took = sorted(start(data, core) for _ in range(asked.starts))
    median = took[len(took) // 2]
    notes = [
        f"first start {first:.2f} s; then {', '.join(f'{s:.2f}' for s in took)} s",
        "goal: 1.5 s",
    ]
    report({"seconds": round(median, 3)}, notes, only_figures=asked.json)


def start(data: Path, core: int) -> float:
    """Start once, wait until it is ready, stop; the seconds until it was."""
    with socket.socket() as probe:
        probe.bind(("127.0.0.1", 0))
        port = probe.getsockname()[1]
    arguments = ["serve", "--data", str(data), "--port", str(port)]
    began = time.perf_counter()
    process = subprocess.Popen(
        pinned(core, sys.executable, "-m", "dash_messenger", *arguments),
        stdout=subprocess.DEVNULL,
        stderr=subprocess.DEVNULL,
        start_new_session=True,
    )
    try:
        while not healthy(port):
            if process.poll() is not None:
                raise SystemExit("the server ended instead of serving")
            time.sleep(0.005)
        return time.perf_counter() - began
    finally:
        process.terminate()
        process.wait()


def healthy(port: int) -> bool:
    """Whether the server says that it is ready."""
    connection = http.client.HTTPConnection("127.0.0.1", port, timeout=5)
    try:
        connection.request("GET", "/healthz")
        return connection.getresponse().status == 200
    except OSError:
        return False
    finally:
        connection.close()


if __name__ == "__main__":
    main()
