"""Drawings that were made, to be given again: the latest, within a bound for what they take.

Owns that bound. Must not know how a drawing is made. Invariant: what somebody makes others draw
never takes more than `MAX_CACHED_BYTES` beside the keys.
"""

from __future__ import annotations

from collections import OrderedDict
from collections.abc import Mapping

from msgspec import Raw, UnsetType

from dash_messenger.realtime.delivery import ViewKey

__all__ = ["CACHED_DRAWINGS", "MAX_CACHED_BYTES", "DrawingCache"]

CACHED_DRAWINGS = 4_096
# So many of texts take 4 MiB in all; of the largest there may be, 128 are kept.
MAX_CACHED_BYTES = 16 * 1024 * 1024


class DrawingCache(OrderedDict[ViewKey, Raw | UnsetType]):
    """What was drawn, the oldest first; UNSET where there is no drawing. Add by `remember`."""

    def __init__(self, max_drawings: int = CACHED_DRAWINGS) -> None:
        super().__init__()
        self._max_drawings = max_drawings
        self._bytes = 0

    def remember(self, fresh: Mapping[ViewKey, Raw | UnsetType]) -> None:
        """Keep what was drawn; the oldest gives way."""
        for key, drawing in fresh.items():
            # Two readers may have had it drawn at once.
            self._bytes += _size(drawing) - _size(self.get(key))
            self[key] = drawing
        while len(self) > self._max_drawings or self._bytes > MAX_CACHED_BYTES:
            self._bytes -= _size(self.popitem(last=False)[1])


def _size(drawing: Raw | UnsetType | None) -> int:
    return memoryview(drawing).nbytes if isinstance(drawing, Raw) else 0
