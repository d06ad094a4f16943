"""What a name means to ``install``, and what is asked before."""

from __future__ import annotations

import ast
from pathlib import Path
from unittest.mock import Mock

import dash_messenger
import pytest
from dash_messenger.cli import install


@pytest.fixture
def run(monkeypatch: pytest.MonkeyPatch) -> Mock:
    """What pip is called with; nothing is installed."""
    called = Mock(return_value=Mock(returncode=0))
    monkeypatch.setattr("subprocess.run", called)
    return called


def requirements(run: Mock) -> list[str]:
    command: list[str] = run.call_args_list[0].args[0]
    return command[command.index("--constraint") + 2 :]


def test_a_short_name_is_ours_and_says_which_package(
    run: Mock, capsys: pytest.CaptureFixture[str]
) -> None:
    assert install.install_plugins(["stickers"]) == 0
    assert requirements(run) == ["dash-messenger-stickers"]
    assert "the package dash-messenger-stickers, a part of" in capsys.readouterr().out


@pytest.mark.parametrize("name", ["sticker", "dash-messenger-chess", "acme-poll", "acme==1.0"])
def test_a_stranger_s_package_is_not_installed_unasked(
    run: Mock, capsys: pytest.CaptureFixture[str], name: str
) -> None:
    assert install.install_plugins([name]) == 1
    assert not run.called
    assert "no part of Dash Messenger" in capsys.readouterr().out


def test_a_yes_installs_it(run: Mock) -> None:
    assert install.install_plugins(["acme-poll"], yes=True) == 0
    assert requirements(run) == ["acme-poll"]


@pytest.mark.parametrize(
    "name", ["./acme", "../acme", ".", "acme-1.whl", "https://e.org/a.whl", "a @ https://e.org/a"]
)
def test_what_lies_somewhere_is_what_was_meant(run: Mock, name: str) -> None:
    assert install.install_plugins([name]) == 0
    assert requirements(run) == [name]


def test_the_core_names_no_plugin() -> None:
    """But for words that mean something else here too: a column, a kind of file."""
    names = install.own_packages().keys() - {"text", "photo", "files", "themes"}
    assert "webui" in names
    for path in Path(dash_messenger.__file__).parent.rglob("*.py"):
        if "template" in path.parts:
            continue
        strings = {
            node.value
            for node in ast.walk(ast.parse(path.read_text()))
            if isinstance(node, ast.Constant) and isinstance(node.value, str)
        }
        assert not names & strings, path
