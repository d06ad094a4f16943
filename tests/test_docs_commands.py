"""The commands and files that the documentation shows, run as they stand there."""

from __future__ import annotations

import asyncio
import re
import subprocess
import urllib.request
from pathlib import Path

from tests.environment import ROOT
from tests.readme import readme_commands, served_by_readme


async def test_readme_serve_command_serves_and_ends_by_control_c(tmp_path: Path) -> None:
    async with served_by_readme(tmp_path / "data") as said:
        address = re.search(r"http://127\.0\.0\.1:\d+", said)
        assert address is not None
        assert await asyncio.to_thread(status, f"{address.group()}/healthz") == 200
        assert await asyncio.to_thread(status, address.group()) == 200


def status(url: str) -> int:
    with urllib.request.urlopen(url, timeout=10) as answer:
        code: int = answer.status
        return code


def test_readme_test_command_finds_the_tests() -> None:
    _, test = readme_commands()
    done = subprocess.run(
        [*test, "--collect-only", "-q", "-p", "no:cacheprovider"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout + done.stderr
    assert Path(__file__).name in done.stdout
