"""A ``register_*`` hook, and who takes what it gives."""

from __future__ import annotations

from collections.abc import Callable, Iterable
from dataclasses import dataclass
from typing import Any

__all__ = ["Registration", "each_of"]


@dataclass(frozen=True, slots=True)
class Registration:
    """A ``register_*`` hook, and who takes each of the things that it gives.

    ``add(plugin, thing)`` may raise to refuse it; ``remove(plugin)`` forgets all of the plugin's.
    """

    hook: str
    add: Callable[[str, Any], None]
    remove: Callable[[str], None]


def each_of(add: Callable[[str, Any], None]) -> Callable[[str, Iterable[Any]], None]:
    """``add(plugin, one)`` for each that a plugin registers."""

    def add_all(plugin: str, found: Iterable[Any]) -> None:
        for one in found:
            add(plugin, one)

    return add_all
