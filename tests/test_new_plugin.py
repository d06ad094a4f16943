"""What `new-plugin` writes works as it stands: as a wheel, tested, linted and type-checked."""

from __future__ import annotations

import json
import subprocess
import sys
from pathlib import Path

import pytest

from tests.environment import FIRST_PARTY, make_environment

RULES = "E,F,W,I,N,UP,B,ASYNC,RUF,SIM,C4,PT,TID,PERF,RET,T20"


@pytest.fixture(scope="module")
def folder(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """A plugin as it was written, nothing of it installed."""
    into = tmp_path_factory.mktemp("new")
    said = run(sys.executable, "-m", "dash_messenger", "new-plugin", "acme.poll", "--into", into)
    assert "acme.poll" in said
    return into / "acme-poll"


def test_a_new_plugin_passes_its_own_tests_where_only_wheels_are_installed(
    folder: Path, tmp_path: Path
) -> None:
    python = make_environment(tmp_path, FIRST_PARTY["core"], FIRST_PARTY["webui"], folder)
    # The package lies beside its tests; what is tested is the one that is installed.
    (folder / "acme_poll").rename(folder / "elsewhere")
    try:
        passed = run(python, "-m", "pytest", "-q", "-p", "no:cacheprovider", folder=folder)
    finally:
        (folder / "elsewhere").rename(folder / "acme_poll")
    assert "skipped" not in passed
    listed = json.loads(run(python, "-m", "dash_messenger", "plugins", "--json"))
    halves = {one["group"]: one["status"] for one in listed if one["name"] == "acme_poll"}
    assert halves == {"dash_messenger": "loaded", "dash_messenger_webui": "loaded"}
    checked = run(python, "-m", "dash_messenger", "plugins", "check", "acme_poll")
    assert "message type acme.poll: agree, close" in checked
    files = run(python, "-c", "import acme_poll; print(acme_poll.__file__)").strip()
    installed = {path.name for path in Path(files).parent.rglob("*")}
    assert {"style.css", "messages.po", "py.typed"} <= installed


def test_a_new_plugin_has_nothing_to_lint(folder: Path) -> None:
    run(sys.executable, "-m", "ruff", "check", "--extend-select", RULES, ".", folder=folder)
    run(sys.executable, "-m", "ruff", "format", "--check", ".", folder=folder)


def test_a_new_plugin_has_its_types_right(folder: Path) -> None:
    run(sys.executable, "-m", "mypy", "--strict", "acme_poll", "tests", folder=folder)


def test_a_name_that_cannot_be_is_one_sentence(tmp_path: Path) -> None:
    done = subprocess.run(
        [sys.executable, "-m", "dash_messenger", "new-plugin", "Poll!", "--into", tmp_path],
        capture_output=True,
        text=True,
    )
    assert done.returncode == 1
    assert done.stderr.startswith("Error: 'Poll!' cannot be a plugin's name")
    assert done.stderr.count("\n") == 1
    assert not list(tmp_path.iterdir())


def run(*command: str | Path, folder: Path | None = None) -> str:
    done = subprocess.run(command, cwd=folder, capture_output=True, text=True)
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    return done.stdout
