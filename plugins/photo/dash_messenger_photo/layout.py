"""Several photos side by side: rows that fill the bubble's width, each photo nearly in its shape.

Pure. Invariant: every photo stands in exactly one row, in the order in which they were sent.
"""

from __future__ import annotations

from collections.abc import Iterator, Sequence
from math import log

__all__ = ["arrange", "shape"]

# Neither a ribbon nor a tower: what is beyond is seen in the gallery.
MIN_RATIO, MAX_RATIO = 0.65, 1.8
MAX_IN_ROW = 4
# The height of a row that looks best, and of all rows, as parts of the width.
ROW_HEIGHT = 0.42
TOTAL_HEIGHT = 1.25


def shape(width: int, height: int) -> float:
    """Width by height as a photo is shown among others."""
    return min(max(width / max(height, 1), MIN_RATIO), MAX_RATIO)


def arrange(ratios: Sequence[float]) -> list[list[int]]:
    """The places of the photos in ``ratios``, row by row; all of a row are of one height."""
    best = min(_partitions(len(ratios)), key=lambda counts: _ugliness(ratios, counts))
    rows, start = [], 0
    for count in best:
        rows.append([*range(start, start + count)])
        start += count
    return rows


def _partitions(count: int) -> Iterator[tuple[int, ...]]:
    if count == 0:
        yield ()
    for first in range(1, min(count, MAX_IN_ROW) + 1):
        for rest in _partitions(count - first):
            yield first, *rest


def _ugliness(ratios: Sequence[float], counts: tuple[int, ...]) -> float:
    start, off, total = 0, 0.0, 0.0
    for count in counts:
        height = 1 / sum(ratios[start : start + count])
        off += log(height / ROW_HEIGHT) ** 2
        total += height
        start += count
    return off / len(counts) + max(0.0, total - TOTAL_HEIGHT)
