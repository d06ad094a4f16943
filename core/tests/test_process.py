"""What a server's process is like: as the system says, from outside."""

from __future__ import annotations

import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dash_messenger.testing import ServerProcess

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


@pytest.fixture
def few(tmp_path: Path) -> Iterator[ServerProcess]:
    """A server whose shell let it have few descriptors, and write files for all to read."""
    soft, hard = resource.getrlimit(resource.RLIMIT_NOFILE)
    mask = os.umask(0o000)
    resource.setrlimit(resource.RLIMIT_NOFILE, (256, hard))
    process = ServerProcess(tmp_path / "data")
    try:
        process.start()
        yield process
    finally:
        os.umask(mask)
        resource.setrlimit(resource.RLIMIT_NOFILE, (soft, hard))
        process.kill()


def test_files_are_the_owner_s_and_descriptors_as_many_as_allowed(few: ServerProcess) -> None:
    limits = Path(f"/proc/{few.server_pid}/limits").read_text()
    line = next(line for line in limits.splitlines() if line.startswith("Max open files"))
    soft, hard = line.split()[3:5]
    assert soft == hard != "256"
    for path in (few.data, *few.data.rglob("*")):
        assert path.stat().st_mode & 0o077 == 0, path
