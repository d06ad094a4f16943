"""Checkpoints: committed pages go from the WAL to the database file, off the writer.

Owns the thread that does it, and when. Invariant: the WAL stays bounded however long readers hold
their snapshots.
"""

from __future__ import annotations

import threading
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as sqlite
import structlog

__all__ = ["Checkpointer"]

# Rare enough that a page that changes often is moved once for many changes.
CHECKPOINT_EVERY_BYTES = 32 * 1024 * 1024
# Under load the checkpointer never catches up by itself, and the WAL restarts only when all of
# it is in the file. Beyond the first size the writer moves what little is left; beyond the second
# it waits for the readers too.
REUSE_WAL_BYTES = 64 * 1024 * 1024
TRUNCATE_WAL_BYTES = 256 * 1024 * 1024
PAGE_BYTES = 4_096


class Checkpointer:
    """PASSIVE waits for nobody, so the writer does not notice but for the disk it shares."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._wake = threading.Event()
        self._closing = False
        self._written_bytes = 0
        self._wal_frames = 0
        self._log = structlog.get_logger("store")
        self._thread = threading.Thread(target=self._run, name="store-checkpointer", daemon=True)

    def start(self) -> None:
        self._thread.start()

    def wake(self) -> None:
        """Checkpoint soon; any thread."""
        self._wake.set()

    def count(self, changes: int) -> None:
        """Note how many rows the writer committed."""
        self._written_bytes += changes * PAGE_BYTES

    def tend(self, driver: Any) -> None:
        """Keep the WAL short, on the writer's thread and connection between two batches."""
        if self._written_bytes >= CHECKPOINT_EVERY_BYTES:
            self._written_bytes = 0
            self.wake()
        # Known once after each checkpoint.
        frames, self._wal_frames = self._wal_frames, 0
        wal_bytes = frames * PAGE_BYTES
        if wal_bytes < REUSE_WAL_BYTES:
            return
        kind = "TRUNCATE" if wal_bytes >= TRUNCATE_WAL_BYTES else "PASSIVE"
        try:
            driver.execute(f"PRAGMA wal_checkpoint({kind})").fetchone()
        except sqlite.Error as error:
            self._log.warning("checkpoint_failed", error=repr(error))

    def close(self) -> None:
        """Checkpoint a last time, then stop. Blocks."""
        self._closing = True
        self._wake.set()
        self._thread.join()

    def _run(self) -> None:
        connection = sqlite.connect(str(self._path), isolation_level=None)
        try:
            while not self._closing:
                self._wake.wait()
                self._wake.clear()
                try:
                    _, self._wal_frames, _ = connection.execute(
                        "PRAGMA wal_checkpoint(PASSIVE)"
                    ).fetchone()
                except sqlite.Error as error:
                    self._log.warning("checkpoint_failed", error=repr(error))
        finally:
            connection.close()
