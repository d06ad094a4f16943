"""One server for a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
import structlog.testing
from dash_messenger.server.data_folder import DATABASE, FolderInUse, FolderLock


def test_a_folder_is_made_and_held_by_one(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    lock = FolderLock(folder)
    assert folder.stat().st_mode & 0o077 == 0
    with pytest.raises(FolderInUse, match="in use"):
        FolderLock(folder)
    lock.close()
    FolderLock(folder).close()


def test_a_server_s_folder_that_others_look_into_is_closed_to_them(tmp_path: Path) -> None:
    (tmp_path / DATABASE).touch(0o644)
    (tmp_path / "blobs").mkdir(0o755)
    tmp_path.chmod(0o755)
    with structlog.testing.capture_logs() as lines:
        FolderLock(tmp_path).close()
    assert [line["event"] for line in lines] == ["data_folder_closed_to_others"]
    for path in (tmp_path, *tmp_path.iterdir()):
        assert path.stat().st_mode & 0o077 == 0, path


def test_a_folder_that_is_no_server_s_is_told_and_left(tmp_path: Path) -> None:
    (tmp_path / "letter.txt").touch(0o644)
    tmp_path.chmod(0o755)
    with structlog.testing.capture_logs() as lines:
        FolderLock(tmp_path).close()
    assert [line["event"] for line in lines] == ["data_folder_open_to_others"]
    assert tmp_path.stat().st_mode & 0o777 == 0o755
