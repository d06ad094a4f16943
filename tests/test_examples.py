"""The examples are tested as strangers' plugins are: by their own tests, as wheels, elsewhere."""

from __future__ import annotations

import os
import shutil
import subprocess
from importlib import import_module
from pathlib import Path
from types import SimpleNamespace

import pytest

from tests.environment import FIRST_PARTY, ROOT, make_environment

EXAMPLES = ROOT / "examples"


# Those with a Dash half stand beside the pages.
@pytest.mark.parametrize(
    ("name", "beside"),
    [("guard", "text"), ("welcome", "text"), ("poll", "webui"), ("rules", "webui")],
)
def test_an_example_passes_its_own_tests_where_only_wheels_are_installed(
    name: str, beside: str, tmp_path: Path
) -> None:
    example = EXAMPLES / name
    python = make_environment(tmp_path, FIRST_PARTY["core"], FIRST_PARTY[beside], example)
    run_tests(python, example, tmp_path / name)


def test_the_poll_is_small() -> None:
    """Both halves and the test, blank lines aside: what a developer has to write."""
    files = [*(EXAMPLES / "poll").rglob("*.py")]
    written = [line for file in files for line in file.read_text().splitlines() if line.strip()]
    assert len(written) <= 80


def test_the_poll_draws_shares_of_the_votes(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.syspath_prepend(str(EXAMPLES / "poll"))
    server, ui = import_module("acme_poll.server"), import_module("acme_poll.ui")
    words = SimpleNamespace(count=lambda one, other, n: other.replace("{n}", str(n)))
    for counts, shares in (([3, 1, 0], [75, 25, 0]), ([0, 0, 0], [0, 0, 0])):
        asked = server.Question("Where?", ["up", "along", "home"])
        message = SimpleNamespace(content=asked, state=server.Votes(counts))
        drawn = ui.PollView().render(message, words).children
        bars = [part.value for part in drawn if part._type == "Progress"]
        said = [part.leftSection for part in drawn if part._type == "Button"]
        assert bars == shares
        assert said == [f"{share} %" for share in shares]


def test_a_plugin_of_one_file_passes_its_tests_from_a_folder_of_plugins(tmp_path: Path) -> None:
    python = make_environment(tmp_path, FIRST_PARTY["core"], FIRST_PARTY["text"])
    folder = tmp_path / "plugins"
    folder.mkdir()
    shutil.copy(EXAMPLES / "dice" / "dice.py", folder)
    run_tests(python, EXAMPLES / "dice", tmp_path / "dice", DASH_MESSENGER_PLUGINS_DIR=str(folder))


def run_tests(python: Path, example: Path, folder: Path, **environment: str) -> None:
    """Run an example's tests where its code is not: only what is installed can be imported."""
    folder.mkdir()
    for name in ("conftest.py", "pyproject.toml", "tests"):
        source = example / name
        if source.is_dir():
            shutil.copytree(source, folder / name)
        elif source.exists():
            shutil.copy(source, folder / name)
    done = subprocess.run(
        [python, "-m", "pytest", "-q", "-p", "no:dash", "-p", "no:cacheprovider", "tests"],
        cwd=folder,
        env={**os.environ, **environment},
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
