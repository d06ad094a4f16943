"""Runs what plugins decide beside the loop and the database, for as long as is decent.

Owns the time limit. Must not know what is decided. Invariant: code that does not return costs those
who asked for it their answer, and nobody a thread of the store's.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

from dash_messenger.plugins.drawing import Drawer

__all__ = ["Abandoned", "Aside"]

WITHIN_S = 2.0

T = TypeVar("T")


class Abandoned(TimeoutError):
    """It did not return; its thread was left behind."""


class Aside:
    """One thread, replaced when something does not return. Close it with `close`."""

    def __init__(self) -> None:
        self._drawer: Drawer[Callable[[], object], tuple[object, BaseException | None]] = Drawer(
            abandon_after_s=WITHIN_S,
            abandoned=lambda work: (None, Abandoned(f"it took more than {WITHIN_S} s")),
        )

    async def run(self, work: Callable[[], T]) -> T:
        """What ``work()`` returns.

        Raises:
            Abandoned: it took too long.
            Exception: what it raises.
        """
        done = await self._drawer.draw([work], _tried)
        result, error = done[work]
        if error is not None:
            raise error
        return result  # type: ignore[return-value]

    def close(self) -> None:
        """Let the thread end."""
        self._drawer.close()


def _tried(work: Callable[[], object]) -> tuple[object, BaseException | None]:
    try:
        return work(), None
    # Raised again where it was asked for.
    except BaseException as error:
        return None, error
