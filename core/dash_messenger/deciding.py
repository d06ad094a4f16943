"""Runs what message types decide about messages that change, beside the loop and the database.

Owns what it means that their code fails. Must not know what is decided. Invariant: code that raises
or does not return costs those who asked for it their answer, and nobody else anything.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import TypeVar

import structlog

from dash_messenger.errors import ANYTHING, Failure, PluginFailed, TimedOut
from dash_messenger.messages import TypeFailed
from dash_messenger.plugins.aside import Abandoned, Aside

__all__ = ["Deciding"]

T = TypeVar("T")

log = structlog.get_logger(__name__)


class Deciding:
    """One thread for all types. ``failed`` hears of those whose code fails."""

    def __init__(self, failed: TypeFailed) -> None:
        self._failed = failed
        self._aside = Aside()

    async def run(self, type: str, doing: str, work: Callable[[], T], **named: object) -> T:
        """What ``work()`` returns; the log calls it ``doing``, with what is ``named``.

        Raises:
            Failure: as ``work`` raises it.
            PluginFailed: it raised anything else.
            TimedOut: it took more than 2 s.
        """
        try:
            return await self._aside.run(work)
        except Failure:
            raise
        except Abandoned as error:
            log.error(f"{doing}_abandoned", type=type, **named)
            self._failed(type, error)
            raise TimedOut from None
        # The edge to a stranger's code.
        except ANYTHING as error:
            log.error(f"{doing}_failed", type=type, **named, exc_info=error)
            self._failed(type, error)
            raise PluginFailed from error

    def close(self) -> None:
        """Let the thread end."""
        self._aside.close()
