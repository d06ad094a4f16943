"""Our own plugins pass the kit as a stranger's would: installed as wheels, with nothing of ours
beside them."""

from __future__ import annotations

import shutil
import subprocess
from pathlib import Path

import pytest

from tests.environment import FIRST_PARTY, ROOT, make_environment

PLUGINS = sorted(path.parent for path in (ROOT / "plugins").glob("*/pyproject.toml"))
KINDS = {
    "register_message_types": "MessageTypeContract",
    "register_themes": "ThemeContract",
    "register_factors": "FactorContract",
}


@pytest.mark.parametrize("plugin", PLUGINS, ids=lambda plugin: plugin.name)
def test_what_a_plugin_registers_is_held_to_its_contract(plugin: Path) -> None:
    (server,) = plugin.glob("dash_messenger_*/server.py")
    tests = "".join(path.read_text() for path in plugin.glob("tests/test_*.py"))
    for hook, contract in KINDS.items():
        if f"def {hook}(" in server.read_text():
            assert f"({contract})" in tests
            if contract == "MessageTypeContract":
                assert (plugin / "tests" / "samples" / "1.json").is_file()


def test_the_contracts_hold_for_wheels(tmp_path: Path) -> None:
    python = make_environment(tmp_path, FIRST_PARTY["core"], FIRST_PARTY["webui"], *PLUGINS)
    for plugin in PLUGINS:
        found = [
            path
            for path in plugin.glob("tests/test_*.py")
            if any(f"({contract})" in path.read_text() for contract in KINDS.values())
        ]
        for path in found:
            into = tmp_path / "tests" / plugin.name
            into.mkdir(parents=True, exist_ok=True)
            shutil.copy(path, into)
            if (path.parent / "samples").is_dir():
                shutil.copytree(path.parent / "samples", into / "samples", dirs_exist_ok=True)
    done = subprocess.run(
        [
            *(python, "-m", "pytest", "-q", "-p", "no:dash", "-p", "no:cacheprovider"),
            *("-p", "dash_messenger.testing", "-o", "asyncio_mode=auto"),
            *("-o", "asyncio_default_fixture_loop_scope=function", "-W", "error", "tests"),
        ],
        cwd=tmp_path,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, done.stdout[-6000:] + done.stderr[-2000:]
    assert "skipped" not in done.stdout
