"""Whose the folder of single-file plugins may be."""

from __future__ import annotations

import os
from pathlib import Path

import pytest
from dash_messenger.plugins.folder import PluginsFolderUnsafe, check_plugins_folder
from dash_messenger.settings import SettingsInvalid, load_settings

STRANGER = 12_345


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    found = tmp_path / "plugins"
    found.mkdir(0o755)
    (found / "dice.py").touch(0o644)
    return found


def test_a_folder_of_one_s_own_is_taken(folder: Path) -> None:
    check_plugins_folder(folder)


@pytest.mark.parametrize("mode", [0o777, 0o757, 0o1777])
def test_a_folder_that_everybody_may_write_to_is_refused(folder: Path, mode: int) -> None:
    folder.chmod(mode)
    with pytest.raises(PluginsFolderUnsafe, match="everybody"):
        check_plugins_folder(folder)


def test_so_are_a_plugin_of_it_and_a_folder_above_it(folder: Path) -> None:
    (folder / "dice.py").chmod(0o666)
    with pytest.raises(PluginsFolderUnsafe, match="dice"):
        check_plugins_folder(folder)
    (folder / "dice.py").chmod(0o644)
    folder.parent.chmod(0o777)
    with pytest.raises(PluginsFolderUnsafe, match="everybody"):
        check_plugins_folder(folder)
    # As /tmp is: nobody can exchange what is another's.
    folder.parent.chmod(0o1777)
    check_plugins_folder(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to others")
def test_what_belongs_to_another_account_is_refused(folder: Path) -> None:
    os.chown(folder / "dice.py", STRANGER, -1)
    with pytest.raises(PluginsFolderUnsafe, match="another account"):
        check_plugins_folder(folder)


@pytest.mark.skipif(os.geteuid() != 0, reason="gives files to others")
def test_a_group_may_write_only_if_it_is_the_owner_s_alone(folder: Path) -> None:
    folder.chmod(0o775)
    os.chown(folder, 0, STRANGER)
    with pytest.raises(PluginsFolderUnsafe, match="group"):
        check_plugins_folder(folder)


def test_an_empty_name_is_no_folder(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setenv("DASH_MESSENGER_PLUGINS_DIR", "")
    with pytest.raises(SettingsInvalid, match="plugins_dir"):
        load_settings(data=tmp_path)
