"""The data folder: made where it is missing, and used by one server at a time.

Invariant: two servers never serve one folder, and a lock never outlives its process.
"""

from __future__ import annotations

import os
import stat
from pathlib import Path
from typing import IO

import structlog

__all__ = ["DATABASE", "LOCK", "FolderInUse", "FolderLock"]

DATABASE = "messenger.sqlite"
# The id of the process that has the folder stands in it.
LOCK = "lock"
# What the group and everybody may do.
OTHERS = stat.S_IRWXG | stat.S_IRWXO

log = structlog.get_logger(__name__)


class FolderInUse(Exception):
    """Another server serves this folder."""


class FolderLock:
    """Holds the folder from when it is made until `close`, or the end of the process."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, making it if necessary; only its owner may look inside.

        One that others may look into is closed to them if it is a server's; else the log says so.

        Raises:
            FolderInUse: another process has it.
            OSError: it cannot be made or written.
        """
        folder.mkdir(mode=0o700, parents=True, exist_ok=True)
        self._file: IO[str] = (folder / LOCK).open("a+")
        try:
            _lock(self._file)
        except OSError:
            self._file.seek(0)
            owner = self._file.read(20).strip() or "unknown"
            self._file.close()
            raise FolderInUse(f"{folder} is in use by another server (process {owner})") from None
        self._file.truncate(0)
        self._file.write(f"{os.getpid()}\n")
        self._file.flush()
        _close_to_others(folder)

    def close(self) -> None:
        """Let go. The file stays: removing it would race with the next server."""
        self._file.close()


def _close_to_others(folder: Path) -> None:
    """Take from others what they may do in the folder and with the files at its top.

    Nobody gets to what lies deeper. A folder that was no server's before may be anything, ``/tmp``
    too, and is left as it is.
    """
    if os.name == "nt":  # pragma: no cover - permissions are inherited there
        return
    mode = folder.stat().st_mode
    if not mode & OTHERS:
        return
    ours = (folder / DATABASE).exists()
    try:
        for path in (folder, *folder.iterdir()) if ours else ():
            if path.is_symlink() or not path.stat().st_mode & OTHERS:
                continue
            path.chmod(stat.S_IMODE(path.stat().st_mode) & ~OTHERS)
    except OSError as error:
        log.warning("data_folder_open_to_others", folder=str(folder), error=str(error))
    else:
        event = "data_folder_closed_to_others" if ours else "data_folder_open_to_others"
        log.warning(event, folder=str(folder), mode=oct(stat.S_IMODE(mode)))


if os.name == "nt":  # pragma: no cover
    import msvcrt

    def _lock(file: IO[str]) -> None:
        # Beyond the text, so that others can read who has it.
        file.seek(4096)
        msvcrt.locking(file.fileno(), msvcrt.LK_NBLCK, 1)  # type: ignore[attr-defined]
        file.seek(0)

else:
    import fcntl

    def _lock(file: IO[str]) -> None:
        fcntl.flock(file, fcntl.LOCK_EX | fcntl.LOCK_NB)
