"""Whether code takes time in proportion to what people write.

Owns what is tried and when time counts as out of proportion. Must not know what the code does. Near
misses are what makes a regular expression try everything: something repeated that nearly matches,
and an end that spoils it. Sizes grow slowly, so that exponential code is told before it hangs.
"""

from __future__ import annotations

import contextlib
import gc
import time
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from typing import Any

__all__ = ["NearMiss", "near_misses", "out_of_proportion"]

MAX_CHARACTERS = 16_384
MAX_ITEMS = 4_096
# Two sizes for each doubling, from 4 on: exponential code is told at 16, and has not hung before.
STEPS_A_DOUBLING = 2
FIRST = 4
# From n to 4 n proportional code takes 4 times as long, quadratic code 16 times.
MAX_GROWTH = 8.0
# What is quicker says nothing about growth.
FLOOR_S = 0.0002
# Code that takes so long is not looked at further.
MAX_TIME_S = 0.25
# What is out of proportion is so each time; a busy machine is not.
TRIES = 5

# What formats and their regular expressions look for, once, in pairs, and with what comes between.
UNITS = (
    *(" ", "\t", "\n", "-", "_", "*", "~", "`", "=", "+", "#", ">", "<", "|", "/", "\\", "'", '"'),
    *("(", ")", "[", "]", "{", "}", ".", ",", ":", ";", "!", "?", "@", "&", "%", "$", "^"),
    *("a", "0", "я", "é", "\u0301", "👍🏽", "\u200b", "\x00"),
    *("a ", " a", "- ", "> ", "1. ", "a\n", "\n\n", "| ", "a.", "a-", "a@", "a:", "0.", "(a", "[a"),
    *(
        "[](",
        "![",
        "**a",
        "_a_ ",
        "`a",
        "<a ",
        "</",
        "<!--",
        "&#",
        "\\\\",
        "a\\",
        "http://",
        "www.",
    ),
    *("https://a.a/", "a@a.", "((", "))", "{{", "}}", "$'", "x=", 'x="'),
)
ENDS = ("", "a", "!")


@dataclass(frozen=True, slots=True)
class NearMiss:
    """A way to let one place of a value grow; ``make(n)`` is the value with about n characters."""

    what: str
    make: Callable[[int], Any]
    most: int


def near_misses(samples: Iterable[Any]) -> Iterator[NearMiss]:
    """Ways to let each text and each list in JSON values grow, the same place only once."""
    seen = set()
    for sample in samples:
        names = frozenset(sample) if isinstance(sample, dict) else frozenset()
        for path, value in _places(sample):
            if (path, names) not in seen:
                seen.add((path, names))
                yield from _near_misses(sample, path, value)


def out_of_proportion(work: Callable[[Any], object], samples: Iterable[Any]) -> str | None:
    """What lets ``work`` take time out of proportion, in a sentence; None where nothing does.

    ``work`` is given values like ``samples``, most of them nonsense: what it raises counts as done.
    """
    for miss in near_misses(samples):
        told = _look(work, miss)
        if told is not None:
            return f"{miss.what}: {told}"
    return None


def _near_misses(sample: Any, path: tuple[str | int, ...], value: Any) -> Iterator[NearMiss]:
    named = ".".join(map(str, path)) or "value"
    if isinstance(value, str):
        units = UNITS if not value else (*UNITS, value[:8], value[-8:])
        for unit in dict.fromkeys(units):
            for end in ENDS:
                yield NearMiss(
                    f"{named}: {unit!r} repeated, then {end!r}",
                    lambda n, path=path, unit=unit, end=end: _with(  # type: ignore[misc]
                        sample, path, (unit * (n // len(unit) + 1))[:n] + end
                    ),
                    MAX_CHARACTERS,
                )
    elif value:
        yield NearMiss(
            f"{named}: the first item repeated",
            lambda n, path=path, value=value: _with(  # type: ignore[misc]
                sample, path, [value[0]] * n
            ),
            MAX_ITEMS,
        )


def _look(work: Callable[[Any], object], miss: NearMiss) -> str | None:
    took: dict[int, float] = {}
    for step in range(100):
        size = round(FIRST * 2 ** (step / STEPS_A_DOUBLING))
        if size > miss.most:
            return None
        took[step] = _measure(work, miss.make(size), 1)
        if took[step] > MAX_TIME_S and _measure(work, miss.make(size), 1) > MAX_TIME_S:
            return f"{took[step]:.2f} s at a size of {size}"
        before = step - 2 * STEPS_A_DOUBLING
        if before >= 0 and _grew(took[before], took[step]) > MAX_GROWTH:
            sizes = [round(FIRST * 2 ** (each / STEPS_A_DOUBLING)) for each in _thrice(before)]
            times = [_measure(work, miss.make(each), TRIES) for each in sizes]
            if _grew(times[0], times[2]) > MAX_GROWTH:
                told = ", ".join(f"{each * 1000:.2f}" for each in times)
                return f"{told} ms at sizes of {sizes[0]}, {sizes[1]} and {sizes[2]}"
    return None


def _thrice(step: int) -> tuple[int, int, int]:
    """The steps of n, 2 n and 4 n."""
    return step, step + STEPS_A_DOUBLING, step + 2 * STEPS_A_DOUBLING


def _grew(before_s: float, after_s: float) -> float:
    return after_s / max(before_s, FLOOR_S)


def _measure(work: Callable[[Any], object], value: Any, tries: int) -> float:
    """The least processor time that ``work`` takes."""
    least_s = float("inf")
    collects = gc.isenabled()
    gc.disable()
    try:
        for _ in range(tries):
            began_s = time.thread_time()
            # Whatever it is: a refusal takes time as well as what is taken.
            with contextlib.suppress(Exception):
                work(value)
            least_s = min(least_s, time.thread_time() - began_s)
    finally:
        if collects:
            gc.enable()
    return least_s


def _places(
    value: Any, path: tuple[str | int, ...] = ()
) -> Iterator[tuple[tuple[str | int, ...], Any]]:
    """The texts and lists in a value, each with the way there."""
    if isinstance(value, str):
        yield path, value
    elif isinstance(value, dict):
        for name, inner in value.items():
            yield from _places(inner, (*path, name))
    elif isinstance(value, list):
        yield path, value
        # Those after the first are read by the same code.
        for inner in value[:1]:
            yield from _places(inner, (*path, 0))


def _with(value: Any, path: tuple[str | int, ...], new: Any) -> Any:
    """A value with something else in one place."""
    if not path:
        return new
    first, *rest = path
    copy = value.copy()
    copy[first] = _with(value[first], tuple(rest), new)
    return copy
