"""What a server's process is like: as the system says, from outside."""

from __future__ import annotations

import asyncio
import contextlib
import os
import resource
import sys
from collections.abc import Iterator
from pathlib import Path

import pytest
from dash_messenger.process import most_connections
from dash_messenger.testing import PASSWORD, ServerProcess, post

pytestmark = pytest.mark.skipif(sys.platform != "linux", reason="reads /proc")


def test_there_are_no_more_connections_than_descriptors(monkeypatch: pytest.MonkeyPatch) -> None:
    for soft, most in ((1_048_576, 20_000), (4_096, 3_840), (300, 150)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=soft: (soft, soft))
        assert most_connections(20_000) == most


HASH_KIB = 30 * 1024


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
        # It writes beside this: a file may have its last name by now.
        with contextlib.suppress(FileNotFoundError):
            assert path.stat().st_mode & 0o077 == 0, path


async def test_what_passwords_took_is_given_back(tmp_path: Path) -> None:
    # As large as glibc takes from its heaps once it has seen one of them freed.
    server = ServerProcess(
        tmp_path / "data", environment={"DASH_MESSENGER_PASSWORD_MEMORY_KIB": str(HASH_KIB)}
    )
    server.start()
    try:
        before = resident_kib(server.server_pid)
        for number in range(0, 12, 4):
            people = [{"username": f"u{number + each}", "password": PASSWORD} for each in range(4)]
            await asyncio.gather(
                *(post(server.url, "account.register", person) for person in people)
            )
        assert resident_kib(server.server_pid) < before + HASH_KIB * 3 // 4
    finally:
        server.kill()


def resident_kib(pid: int) -> int:
    lines = Path(f"/proc/{pid}/status").read_text().splitlines()
    return next(int(line.split()[1]) for line in lines if line.startswith("VmRSS:"))
