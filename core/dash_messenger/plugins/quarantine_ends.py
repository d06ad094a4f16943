"""Ends quarantines: those that began while the server ran, when their time is over.

Owns when it looks. Must not know how a plugin comes back (`host` does).
"""

from __future__ import annotations

import asyncio

import structlog

from dash_messenger.clock import Clock
from dash_messenger.plugins.host import PluginHost

__all__ = ["QuarantineEnds"]

# A quarantine lasts a minute at least.
EVERY_S = 1.0

log = structlog.get_logger(__name__)


class QuarantineEnds:
    """Looks once a second. Close it with `aclose`."""

    def __init__(self, installed: PluginHost, clock: Clock) -> None:
        self._installed = installed
        self._clock = clock
        self._task: asyncio.Task[None] | None = None

    def start(self) -> None:
        """Begin to look."""
        self._task = asyncio.get_running_loop().create_task(self._run())

    async def aclose(self) -> None:
        """Look no more."""
        if self._task is not None:
            self._task.cancel()
            await asyncio.gather(self._task, return_exceptions=True)

    async def _run(self) -> None:
        while True:
            await asyncio.sleep(EVERY_S)
            try:
                await self._installed.bring_back_due(self._clock())
            # The root of a task: the file of states may be unreadable now and well in a second.
            except Exception:
                log.exception("plugins_not_returned")
