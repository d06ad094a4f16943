"""The commands and files that the documentation shows, run as they stand there."""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
import urllib.request
from pathlib import Path

from tests.environment import FIRST_PARTY, ROOT, make_environment
from tests.readme import readme_commands, served_by_readme

FILE = re.compile(r"<!-- file: (\S+) -->\n```\w+\n(.*?)```", re.DOTALL)


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


def test_first_plugin_of_the_documentation_is_loaded(tmp_path: Path) -> None:
    page = (ROOT / "docs" / "first-plugin.md").read_text()
    (tmp_path / "shout" / "acme_shout").mkdir(parents=True)
    (tmp_path / "shout" / "acme_shout" / "__init__.py").touch()
    for name, text in FILE.findall(page):
        (tmp_path / name).write_text(text)
    python = make_environment(
        tmp_path, FIRST_PARTY["core"], FIRST_PARTY["webui"], tmp_path / "shout"
    )
    done = subprocess.run(
        [python, "-m", "dash_messenger", "plugins", "--json"],
        capture_output=True,
        text=True,
        check=True,
    )
    halves = [plugin for plugin in json.loads(done.stdout) if plugin["name"] == "shout"]
    assert [half["reason"] for half in halves] == [""] * len(halves)
    assert {half["module"] for half in halves} >= {"acme_shout.server"}
