"""Who hears of what was committed: a table that is empty at first and filled by other rooms.

Owns the order in which they hear. Invariant: what one of them raises keeps nothing from the others.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeAlias

import structlog

from dash_messenger.protocol.events import Event

__all__ = ["Hear", "Listeners"]

Hear: TypeAlias = Callable[[list[Event]], None]

log = structlog.get_logger(__name__)


class Listeners:
    """Called on the loop, once for each batch that was committed."""

    def __init__(self) -> None:
        self._before: list[Hear] = []
        self._after: list[Hear] = []

    def before_answers(self, hear: Hear) -> None:
        """Call ``hear`` before anybody gets an answer, after those that were registered earlier."""
        self._before.append(hear)

    def after_answers(self, hear: Hear) -> None:
        """Call ``hear`` after the answers, after those that were registered earlier."""
        self._after.append(hear)

    def clear(self) -> None:
        """Call nobody any more."""
        self._before.clear()
        self._after.clear()

    def apply(self, events: list[Event]) -> None:
        """Before the answers: changes of membership."""
        _tell(self._before, events)

    def announce(self, events: list[Event]) -> None:
        """After the answers: what readers and plugins are told."""
        _tell(self._after, events)


def _tell(listeners: list[Hear], events: list[Event]) -> None:
    for hear in listeners:
        try:
            hear(events)
        # A root: what is on disk is answered and told to the others, whatever one of them does.
        except Exception:
            log.exception("listener_failed")
