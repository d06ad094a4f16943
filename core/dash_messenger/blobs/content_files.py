"""The bytes of files, in a local folder: each content once, under its SHA-256.

Owns the folder, its threads and when something is flushed. Must not know rows, users or names.
Invariants: a content that `Contents.keep` has returned for is on the disk, its name too: neither
a kill nor a power cut takes any of it; what is broken off leaves nothing behind.

Plain files rather than an object store's library: those flush nothing, and what has to be flushed
here, and in which order, is the whole point (docs/decisions/files.md).
"""

from __future__ import annotations

import asyncio
import errno
import hashlib
import os
import re
import secrets
import shutil
import threading
from collections.abc import AsyncGenerator, AsyncIterable, Callable
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass
from functools import partial
from io import FileIO
from pathlib import Path
from typing import TypeVar

import structlog

from dash_messenger.errors import DiskLow, FileDamaged, StorageFailed

__all__ = ["Contents", "Received"]

# Large enough that a thread's turn costs little beside the disk's, small enough for 64 at once.
CHUNK_BYTES = 256 * 1024
# The first bytes, by which the kind of a file is recognised.
HEAD_BYTES = 64
# Flushes wait for the disk: several wait together, and readers do not stand behind them.
WRITING_THREADS = 4
READING_THREADS = 4

_NAME = re.compile("[0-9a-f]{62}")

T = TypeVar("T")

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Received:
    """A content that came in: flushed, but under a name that does not outlive the process."""

    path: Path
    digest: bytes
    size: int
    head: bytes


class Contents:
    """The contents in ``folder``, which is made with the first. Close it with `aclose`."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._incoming = folder / "incoming"
        self._writing = ThreadPoolExecutor(WRITING_THREADS, "files-write")
        self._reading = ThreadPoolExecutor(READING_THREADS, "files-read")
        self._preparing = threading.Lock()
        self._prepared = False
        # Folders whose own names are known to be on the disk.
        self._flushed: set[str] = set()

    async def aclose(self) -> None:
        """End the threads, when they have done what was begun."""
        await asyncio.to_thread(self._writing.shutdown)
        await asyncio.to_thread(self._reading.shutdown)

    # Coming in.

    async def receive(self, chunks: AsyncIterable[bytes]) -> Received:
        """What ``chunks`` give, written and flushed.

        Raises:
            DiskLow, StorageFailed: the disk is full, or refused.
            Exception: what ``chunks`` raises; nothing of it stays.
        """
        writing = _Writing(self._incoming / secrets.token_hex(16))
        waiting: list[bytes] = []
        waiting_bytes = 0
        try:
            async for chunk in chunks:
                # The parser's own memory may change when it goes on.
                waiting.append(bytes(chunk))
                waiting_bytes += len(chunk)
                if waiting_bytes >= CHUNK_BYTES:
                    await self._write(writing.write, waiting)
                    waiting, waiting_bytes = [], 0
            return await self._write(writing.finish, waiting)
        except BaseException:
            self._soon(writing.discard)
            raise

    async def keep(self, received: Received) -> None:
        """Put a content where it stays, instead of what may lie there: that is not believed.

        Raises:
            DiskLow, StorageFailed: the disk is full, or refused; nothing of it stays.
        """
        try:
            await self._write(self._keep, received)
        except BaseException:
            self.discard(received)
            raise

    def discard(self, received: Received) -> None:
        """Remove what came in and is not wanted; soon."""
        self._soon(partial(_remove, received.path))

    async def remove(self, digest: bytes) -> None:
        """Remove a content; harmless if there is none."""
        await self._write(_remove, self._path(digest))

    async def listed(self, folder: int) -> list[bytes]:
        """The contents in one of the 256 folders."""
        return await self._write(self._listed, f"{folder:02x}")

    async def free_bytes(self) -> tuple[int, int]:
        """How much of the disk is free, and how large it is.

        Raises:
            StorageFailed: the disk does not say.
        """
        return await self._write(self._free_bytes)

    # Going out.

    async def stream(
        self, digest: bytes, size: int, start: int, end: int
    ) -> AsyncGenerator[bytes, None]:
        """The bytes of a content of ``size`` bytes, from ``start`` up to ``end``.

        It is looked at before the first of them, also where none are wanted.

        Raises:
            FileDamaged: it is gone, or has another length.
        """
        loop = asyncio.get_running_loop()
        path = self._path(digest)
        while True:
            stop = min(end, start + CHUNK_BYTES)
            # Opened again for each: a reader who is gone leaves no open file, however slow it was.
            yield await loop.run_in_executor(self._reading, _read, path, size, start, stop)
            if stop >= end:
                return
            start = stop

    # On threads.

    async def _write(self, work: Callable[..., T], *arguments: object) -> T:
        loop = asyncio.get_running_loop()
        try:
            return await loop.run_in_executor(self._writing, self._ready, work, arguments)
        except OSError as error:
            log.error("file_not_stored", error=errno.errorcode.get(error.errno or 0, str(error)))
            if error.errno in (errno.ENOSPC, errno.EDQUOT):
                raise DiskLow from error
            raise StorageFailed from error

    def _soon(self, work: Callable[[], None]) -> None:
        """Clear something away; whoever was cancelled does not wait for a disk."""
        try:
            self._writing.submit(work)
        except RuntimeError:
            # The threads have ended: the server stops, and this is the last of it.
            work()

    def _ready(self, work: Callable[..., T], arguments: tuple[object, ...]) -> T:
        with self._preparing:
            if not self._prepared:
                made = not self._folder.exists()
                # What was on its way when the server was killed.
                shutil.rmtree(self._incoming, ignore_errors=True)
                self._incoming.mkdir(mode=0o700, parents=True)
                _flush_folder(self._folder)
                if made:
                    _flush_folder(self._folder.parent)
                self._prepared = True
        return work(*arguments)

    def _keep(self, received: Received) -> None:
        path = self._path(received.digest)
        folder = path.parent
        if folder.name not in self._flushed:
            folder.mkdir(mode=0o700, exist_ok=True)
            # Whoever finds it made by another thread cannot tell whether that has flushed it yet.
            _flush_folder(self._folder)
            self._flushed.add(folder.name)
        received.path.replace(path)
        _flush_folder(folder)
        _flush_folder(self._incoming)

    def _listed(self, folder: str) -> list[bytes]:
        try:
            names = os.listdir(self._folder / folder)
        except FileNotFoundError:
            return []
        return [bytes.fromhex(folder + name) for name in names if _NAME.fullmatch(name)]

    def _free_bytes(self) -> tuple[int, int]:
        usage = shutil.disk_usage(self._folder)
        return usage.free, usage.total

    def _path(self, digest: bytes) -> Path:
        name = digest.hex()
        return self._folder / name[:2] / name[2:]


class _Writing:
    """A file being written, by one thread after another; discarding it waits for them."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._file: FileIO | None = None
        self._digest = hashlib.sha256()
        self._bytes = 0
        self._head = b""
        self._discarded = False
        self._lock = threading.Lock()

    def write(self, chunks: list[bytes]) -> None:
        """Append to it."""
        with self._lock:
            if not self._discarded:
                self._append(chunks)

    def finish(self, chunks: list[bytes]) -> Received:
        """Append the last of it and flush it; what it is."""
        with self._lock:
            file = self._append(chunks)
            os.fsync(file.fileno())
            file.close()
        return Received(self._path, self._digest.digest(), self._bytes, self._head)

    def discard(self) -> None:
        """Nothing of it stays."""
        with self._lock:
            self._discarded = True
            if self._file is not None:
                self._file.close()
            _remove(self._path)

    def _append(self, chunks: list[bytes]) -> FileIO:
        if self._file is None:
            self._file = open(self._path, "xb", buffering=0, opener=_private)  # noqa: SIM115
        for chunk in chunks:
            self._digest.update(chunk)
            self._bytes += len(chunk)
            if len(self._head) < HEAD_BYTES:
                self._head += chunk[: HEAD_BYTES - len(self._head)]
            rest = memoryview(chunk)
            while rest:
                rest = rest[self._file.write(rest) :]
        return self._file


def _private(path: str, flags: int) -> int:
    return os.open(path, flags, 0o600)


def _remove(path: Path) -> None:
    try:
        path.unlink(missing_ok=True)
    except OSError as error:
        # It goes when the server starts the next time, or is collected again.
        log.error("file_not_removed", error=errno.errorcode.get(error.errno or 0, str(error)))


def _flush_folder(folder: Path) -> None:
    """Have the names in a folder on the disk. Windows knows no such thing."""
    if os.name == "nt":
        return
    handle = os.open(folder, os.O_RDONLY)
    try:
        os.fsync(handle)
    finally:
        os.close(handle)


def _read(path: Path, size: int, start: int, stop: int) -> bytes:
    found: int | None = None
    try:
        with path.open("rb", buffering=0) as file:
            found = os.fstat(file.fileno()).st_size
            if found == size:
                file.seek(start)
                parts: list[bytes] = []
                while start < stop and (part := file.read(stop - start)):
                    parts.append(part)
                    start += len(part)
                if start >= stop:
                    return b"".join(parts)
    except OSError as error:
        reason = errno.errorcode.get(error.errno or 0, str(error))
    else:
        reason = "it is shorter than its row" if found < size else "it is longer than its row"
    log.error("file_damaged", file=str(path), expected_bytes=size, found_bytes=found, why=reason)
    raise FileDamaged
