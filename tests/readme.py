"""The README's commands, and a server started by the one that serves."""

from __future__ import annotations

import asyncio
import re
import shlex
import signal
import sys
from collections.abc import AsyncIterator
from contextlib import asynccontextmanager
from pathlib import Path

from tests.environment import ROOT

START_LIMIT_S = 60


def readme_commands() -> list[list[str]]:
    """The commands of the README that run dev.py, in this Python."""
    lines = re.findall(r"^python3 (dev\.py .+)$", (ROOT / "README.md").read_text(), re.MULTILINE)
    return [[sys.executable, *shlex.split(line)] for line in lines]


@asynccontextmanager
async def served_by_readme(data: Path) -> AsyncIterator[str]:
    """A server by the README's command on folder ``data``: what it said until it was ready.

    Ctrl+C ends it.

    Raises:
        AssertionError: it ended too early, too late, or with an error.
    """
    serve = [*readme_commands()[0], "--port", "0", "--data", str(data)]
    server = await asyncio.create_subprocess_exec(
        *serve, cwd=ROOT, stdout=asyncio.subprocess.PIPE, start_new_session=True
    )
    assert server.stdout is not None
    try:
        said = ""
        async with asyncio.timeout(START_LIMIT_S):
            while "The admin is" not in said:
                line = await server.stdout.readline()
                assert line, "it ended before it was ready"
                said += line.decode()
        yield said
        async with asyncio.timeout(START_LIMIT_S):
            server.send_signal(signal.SIGINT)
            await server.stdout.read()
            assert await server.wait() == 0
    finally:
        if server.returncode is None:
            server.kill()
            await server.communicate()
