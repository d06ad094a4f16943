"""One server for a folder."""

from __future__ import annotations

from pathlib import Path

import pytest
from dash_messenger.folder import FolderInUse, FolderLock


def test_a_folder_is_made_and_held_by_one(tmp_path: Path) -> None:
    folder = tmp_path / "a" / "b"
    lock = FolderLock(folder)
    assert folder.stat().st_mode & 0o077 == 0
    with pytest.raises(FolderInUse, match="in use"):
        FolderLock(folder)
    lock.close()
    FolderLock(folder).close()
