"""The guide for authors of plugins: everything that it shows is run as it stands there."""

from __future__ import annotations

import json
import os
import re
import shlex
import shutil
import subprocess
import sys
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import pytest

from tests.environment import FIRST_PARTY, ROOT, make_environment

PAGES = [ROOT / "docs" / name for name in ("writing-a-plugin.md", "themes.md")]
BLOCK = re.compile(r"(?:<!-- file: (\S+) -->\n)?```(\w*)\n(.*?)```", re.DOTALL)
RULES = "E,F,W,N,UP,B,ASYNC,SIM,C4,PT,PERF,RET"


@dataclass(frozen=True)
class Block:
    """What stands between two fences; ``file`` where it is one."""

    file: str
    language: str
    text: str


def blocks() -> list[Block]:
    return [Block(*found) for page in PAGES for found in BLOCK.findall(page.read_text())]


def shell() -> list[str]:
    return [
        line
        for block in blocks()
        if block.language == "sh"
        for line in block.text.splitlines()
        if line.strip()
    ]


def write(folder: Path, files: list[Block]) -> None:
    for block in files:
        path = folder / block.file
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_text(block.text)


def run(*command: str | Path, folder: Path, **environment: str) -> str:
    done = subprocess.run(
        command,
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-8000:] + done.stderr[-3000:]
    return done.stdout


@pytest.fixture(scope="module")
def poll(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The folder in which a reader of the guide has written a poll."""
    folder = tmp_path_factory.mktemp("reader")
    (begin,) = (line for line in shell() if line.startswith("dash-messenger new-plugin"))
    run(sys.executable, "-m", "dash_messenger", *shlex.split(begin)[1:], folder=folder)
    # Each file replaces one that was written; the guide invents no others.
    files = [block for block in blocks() if block.file.startswith("acme-poll/")]
    assert [block.file for block in files if not (folder / block.file).exists()] == []
    write(folder, files)
    return folder / "acme-poll"


def test_the_poll_of_the_guide_passes_its_tests_as_a_wheel(poll: Path, tmp_path: Path) -> None:
    python = make_environment(
        tmp_path, FIRST_PARTY["core"], FIRST_PARTY["webui"], FIRST_PARTY["text"], poll
    )
    elsewhere = tmp_path / "elsewhere"
    elsewhere.mkdir()
    for name in ("conftest.py", "pyproject.toml", "tests"):
        source = poll / name
        if source.is_dir():
            shutil.copytree(source, elsewhere / name)
        else:
            shutil.copy(source, elsewhere / name)
    said = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder=elsewhere)
    assert "skipped" not in said
    listed = run(python, "-m", "dash_messenger", "plugins", "--json", folder=elsewhere)
    halves = [one for one in json.loads(listed) if one["name"] == "acme_poll"]
    assert [half["status"] for half in halves] == ["loaded", "loaded"]


def test_the_poll_of_the_guide_has_nothing_to_lint_and_its_types_right(poll: Path) -> None:
    run(sys.executable, "-m", "ruff", "check", "--extend-select", f"{RULES},I", ".", folder=poll)
    run(sys.executable, "-m", "ruff", "format", "--check", ".", folder=poll)
    run(sys.executable, "-m", "mypy", "--strict", "acme_poll", "tests", folder=poll)


@pytest.fixture(scope="module")
def small(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A folder with the plugins of one file each, and their tests."""
    folder = tmp_path_factory.mktemp("small")
    write(folder, [block for block in blocks() if block.file and "acme-poll/" not in block.file])
    (folder / "conftest.py").write_text('pytest_plugins = ["dash_messenger.testing"]\n')
    return folder


def test_the_small_plugins_of_the_guide_pass_their_tests(small: Path) -> None:
    # What is no plugin lies elsewhere: each file of a folder of plugins is one.
    tests = small / "tests"
    tests.mkdir()
    for path in (*small.glob("test_*.py"), small / "conftest.py"):
        path.rename(tests / path.name)
    listed = run(
        sys.executable, "-m", "dash_messenger", "plugins", "--json",
        folder=small, DASH_MESSENGER_PLUGINS_DIR=str(small),
    )  # fmt: skip
    halves = {(one["name"], one["group"]): one["reason"] for one in json.loads(listed)}
    for path in small.glob("*.py"):
        name, ui = path.stem.removesuffix("_ui"), path.stem.endswith("_ui")
        group = "dash_messenger_webui" if ui else "dash_messenger"
        assert halves.pop((name, group)) == ""
    options = ["-p", "no:dash", "-p", "no:cacheprovider", "-o", "asyncio_mode=auto"]
    options += ["-o", "asyncio_default_fixture_loop_scope=function", f"--rootdir={tests}"]
    said = run(
        *(sys.executable, "-m", "pytest", "-q", *options, "tests"),
        folder=small,
        DASH_MESSENGER_PLUGINS_DIR=str(small),
        PYTHONPATH=str(small),
    )
    assert (
        len(re.findall(r"test_\w+", "".join(path.read_text() for path in tests.glob("*.py")))) > 5
    )
    assert "failed" not in said


def test_the_small_plugins_of_the_guide_have_nothing_to_lint_and_their_types_right(
    small: Path,
) -> None:
    files = sorted(path.name for path in small.glob("*.py") if "test" not in path.name)
    ruff = [sys.executable, "-m", "ruff"]
    run(*ruff, "check", "--isolated", "--line-length=100", f"--select={RULES}", ".", folder=small)
    options = ["--isolated", "--line-length=100"]
    run(*ruff, "format", *options, "--check", ".", folder=small)
    untyped = small / "mypy.ini"
    untyped.write_text("[mypy]\n[mypy-dash_mantine_components.*]\nignore_missing_imports = true\n")
    run(sys.executable, "-m", "mypy", "--strict", *files, folder=small)


def fragments() -> Iterator[Block]:
    return (block for block in blocks() if block.language == "python" and not block.file)


def test_the_fragments_of_the_guide_run() -> None:
    found = list(fragments())
    assert found
    for block in found:
        exec(compile(block.text, "a fragment of the guide", "exec"), {"__name__": "fragment"})


def test_the_commands_of_the_guide_exist() -> None:
    listed = subprocess.run(
        [sys.executable, "-m", "dash_messenger", "--help"], capture_output=True, text=True
    ).stdout
    ours = [shlex.split(line)[1] for line in shell() if line.startswith("dash-messenger ")]
    assert ours
    for command in ours:
        assert re.search(rf"^  {command}\b", listed, re.MULTILINE), command


def test_no_page_for_authors_leads_to_the_sources() -> None:
    """Whoever has only the wheels has this folder beside them, and nothing else."""
    for name in ("writing-a-plugin.md", "api.md", "themes.md"):
        page = (ROOT / "docs" / name).read_text()
        links = re.findall(r"\]\((?!https?://)([^)#]+)", page)
        assert {link for link in links if link.endswith(".py") or "/plugins/" in link} == set()
