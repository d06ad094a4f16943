"""What becomes of a process whose loop a plugin holds: the plugin is set aside, the server starts
anew.

Owns that decision. Must not know how it is noticed (`watchdog`) nor how a process starts anew
(`restarting`).
"""

from __future__ import annotations

import os
from typing import TYPE_CHECKING

import structlog

from dash_messenger.plugins import watchdog
from dash_messenger.plugins.states import States
from dash_messenger.plugins.watchdog import Code, Watchdog
from dash_messenger.restarting import start_anew
from dash_messenger.settings import Settings

if TYPE_CHECKING:
    from types import TracebackType

    from dash_messenger.server import Server

__all__ = ["Guard"]

log = structlog.get_logger(__name__)


class Guard:
    """Guards the process while the context is open; made on the loop."""

    def __init__(self, settings: Settings) -> None:
        self.code = Code()
        self._settings = settings
        self._server: Server | None = None
        self._stopping = False
        self._watchdog = Watchdog(self.code, self._give_up)

    def __enter__(self) -> Guard:
        self._watchdog.start()
        return self

    def __exit__(
        self,
        kind: type[BaseException] | None,
        error: BaseException | None,
        trace: TracebackType | None,
    ) -> None:
        self._watchdog.close()

    def opened(self, server: Server) -> None:
        """The server has been made."""
        self._server = server

    def serving(self) -> None:
        """Plugins are loaded, and people wait for the loop."""
        self._watchdog.limit(watchdog.SERVING)

    def stopping(self) -> None:
        """The server was told to end."""
        self._stopping = True

    def _give_up(self, plugin: str, held_s: float) -> None:
        """Set a plugin aside and start anew, or end if that was wanted anyway.

        What was acknowledged is on disk; clients come back and read on.
        """
        reason = f"it held the event loop for {held_s:.0f} s"
        if plugin in self._settings.plugins_required:
            log.error("required_plugin_kept", plugin=plugin, reason=reason)
        else:
            States(self._settings.data).quarantine(plugin, reason)
        listening = None if self._server is None else self._server.leave()
        if self._stopping:
            os._exit(1)
        log.error("server_starts_anew", plugin=plugin, reason=reason)
        start_anew(listening)
