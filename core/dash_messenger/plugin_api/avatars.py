"""Photos of people and groups: what a plugin offers that makes them.

Owns the public types. Must not know how they are asked for.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Protocol

__all__ = ["Portrait", "Portraits"]


@dataclass(frozen=True, slots=True)
class Portrait:
    """A photo of a person or group, fit to be shown: a small square picture without metadata.

    ``media_type`` is ``image/webp``, ``image/png``, ``image/jpeg`` or ``image/avif``; ``data`` has
    at most 256 KiB.
    """

    data: bytes
    media_type: str


class Portraits(Protocol):
    """Makes photos of people and groups: what `register_portraits` returns."""

    async def make(self, upload: bytes) -> Portrait:
        """The photo to show, from a file that somebody chose; it may take 25 s.

        Raises:
            Refused: it is no picture that can be taken; its sentence is shown.
        """
