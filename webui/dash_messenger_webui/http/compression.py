"""Compressed copies of what is sent often: made ahead of time, kept in the data folder.

Owns which copy a request gets. The best copy (Brotli at its highest level) costs a second for a
megabyte and 20 MiB that the allocator keeps, so another process makes it once after the first
start; until it is there a quick one is sent. Invariant: no compression runs on the event loop but
of a few kilobytes.
"""

from __future__ import annotations

import asyncio
import gzip
import hashlib
import os
import subprocess
import sys
import threading
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

import brotli
from werkzeug.datastructures import Accept
from werkzeug.http import parse_accept_header

__all__ = ["Body", "Compression", "compress_small"]

QUICK = 5
CHILD = (
    "import brotli, os, sys; getattr(os, 'nice', int)(15);"
    " sys.stdout.buffer.write(brotli.compress(sys.stdin.buffer.read(), quality=11))"
)
CHILD_S = 60
# Dynamic answers are a few kilobytes: level 4 takes 0.2 ms for 10 kB.
SMALL = 4
# Smaller bodies grow or save less than a packet.
WORTH_BYTES = 600


@dataclass(frozen=True, slots=True)
class Body:
    """Bytes that are served, with their digest."""

    content: bytes
    media_type: str
    digest: str

    @classmethod
    def of(cls, content: bytes, media_type: str) -> Body:
        """A body with the digest of its content."""
        return cls(content, media_type, hashlib.sha256(content).hexdigest()[:20])

    @property
    def compressible(self) -> bool:
        """Whether compressing saves anything."""
        return len(self.content) >= WORTH_BYTES and not self.media_type.startswith("font/")


class Compression:
    """Copies of bodies by digest and encoding."""

    def __init__(self, folder: Path) -> None:
        self._folder = folder
        self._best: dict[str, bytes] = {}
        self._quick: dict[tuple[str, str], bytes] = {}
        self._stop = threading.Event()
        self._thread: threading.Thread | None = None

    def start(self, bodies: Iterable[Body]) -> None:
        """Make the best copies of these in the background, or find them in the folder."""
        waiting = [body for body in bodies if body.compressible]
        self._thread = threading.Thread(
            target=self._prepare, args=(waiting,), name="compression", daemon=True
        )
        self._thread.start()

    def close(self) -> None:
        """Stop after the body that is being compressed."""
        self._stop.set()

    async def encode(self, body: Body, accept: str) -> tuple[bytes, str | None]:
        """The smallest copy ready for an ``Accept-Encoding`` header, and its encoding."""
        if not body.compressible:
            return body.content, None
        encoding = _choose(accept)
        if encoding is None:
            return body.content, None
        if encoding == "br" and body.digest in self._best:
            return self._best[body.digest], encoding
        key = (body.digest, encoding)
        if key not in self._quick:
            self._quick[key] = await asyncio.to_thread(_compress, body.content, encoding, QUICK)
        return self._quick[key], encoding

    def _prepare(self, bodies: list[Body]) -> None:
        for body in bodies:
            if self._stop.is_set():
                return
            path = self._folder / f"{body.digest}.br"
            try:
                best = path.read_bytes()
            except OSError:
                best = _compress_elsewhere(body.content)
                if not best:
                    continue
                _keep(path, best)
            self._best[body.digest] = best
            self._quick.pop((body.digest, "br"), None)
        self._forget_others({body.digest for body in bodies})

    def _forget_others(self, digests: set[str]) -> None:
        for path in self._folder.glob("*.br"):
            if path.stem not in digests:
                path.unlink(missing_ok=True)


def compress_small(content: bytes, accept: str) -> tuple[bytes, str | None]:
    """A small dynamic answer, compressed at once."""
    encoding = _choose(accept) if len(content) >= WORTH_BYTES else None
    if encoding is None:
        return content, None
    return _compress(content, encoding, SMALL), encoding


def _choose(accept: str) -> str | None:
    # Browsers offer Brotli only where nothing between could spoil it: over TLS, or locally.
    offered = parse_accept_header(accept, Accept)
    return next((encoding for encoding in ("br", "gzip") if offered[encoding] > 0), None)


def _compress(content: bytes, encoding: str, level: int) -> bytes:
    if encoding == "br":
        compressed: bytes = brotli.compress(content, quality=level)
        return compressed
    return gzip.compress(content, min(level + 2, 9), mtime=0)


def _compress_elsewhere(content: bytes) -> bytes:
    """The best copy, made by a process of low priority; nothing where that fails."""
    try:
        made = subprocess.run(  # noqa: S603
            [sys.executable, "-c", CHILD], input=content, capture_output=True, timeout=CHILD_S
        )
    except (OSError, subprocess.TimeoutExpired):
        return b""
    return made.stdout if made.returncode == 0 else b""


def _keep(path: Path, content: bytes) -> None:
    """Store a copy; a folder that cannot be written costs the next start its time, no more."""
    try:
        path.parent.mkdir(parents=True, exist_ok=True)
        unfinished = path.with_suffix(f".{os.getpid()}")
        unfinished.write_bytes(content)
        unfinished.replace(path)
    except OSError:
        return
