"""Drawings that are kept: the latest, and never more than a bound."""

from __future__ import annotations

from dash_messenger.realtime.drawing_cache import MAX_CACHED_BYTES, DrawingCache
from dash_messenger.realtime.views import MAX_VIEW_BYTES
from msgspec import UNSET, Raw

LARGEST = Raw(b"x" * MAX_VIEW_BYTES)
KEPT = MAX_CACHED_BYTES // MAX_VIEW_BYTES


def key(number: int) -> tuple[str, int, str]:
    return f"m{number}", 1, "dash:en"


def test_oldest_drawings_give_way_when_all_take_too_much() -> None:
    cache = DrawingCache()
    for number in range(KEPT + 2):
        cache.remember({key(number): LARGEST})
    assert [*cache] == [key(number) for number in range(2, KEPT + 2)]
    cache.remember({key(KEPT + 2): Raw(b"x")})
    assert len(cache) == KEPT


def test_drawing_made_twice_counts_once() -> None:
    cache = DrawingCache()
    cache.remember({key(number): LARGEST for number in range(KEPT)})
    for _ in range(3):
        cache.remember({key(0): LARGEST})
    assert len(cache) == KEPT


def test_small_drawings_are_bounded_by_number() -> None:
    cache = DrawingCache(max_drawings=3)
    cache.remember({key(number): UNSET for number in range(5)})
    assert [*cache] == [key(2), key(3), key(4)]
