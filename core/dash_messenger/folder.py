"""The data folder: made where it is missing, and used by one server at a time.

Invariant: two servers never serve one folder, and a lock never outlives its process.
"""

from __future__ import annotations

import os
from pathlib import Path
from typing import IO

__all__ = ["DATABASE", "LOCK", "FolderInUse", "FolderLock"]

DATABASE = "messenger.sqlite"
# The id of the process that has the folder stands in it.
LOCK = "lock"


class FolderInUse(Exception):
    """Another server serves this folder."""


class FolderLock:
    """Holds the folder from when it is made until `close`, or the end of the process."""

    def __init__(self, folder: Path) -> None:
        """Take the folder, making it if necessary; only its owner may look inside.

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

    def close(self) -> None:
        """Let go. The file stays: removing it would race with the next server."""
        self._file.close()


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
