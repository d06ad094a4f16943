"""Plugins' commands among the server's own.

Owns what they may be called and whose failures theirs are. Must not know what they do. Invariant: a
plugin takes away no command but its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

import structlog

from dash_messenger.commands import Caller, Command, Commands
from dash_messenger.errors import ANYTHING, Failure, InternalError

__all__ = ["PluginCommands"]

log = structlog.get_logger(__name__)


class PluginCommands:
    """What plugins add to ``commands``. ``failed(plugin, error)`` hears of each that fails."""

    def __init__(self, commands: Commands, failed: Callable[[str, BaseException], None]) -> None:
        self._commands = commands
        self._failed = failed
        self._added: dict[str, list[str]] = {}

    def add(self, plugin: str, command: Command) -> None:
        """Register a plugin's command.

        Raises:
            TypeError: it is none.
            ValueError: its name is taken, or does not begin with the plugin's.
        """
        if not isinstance(command, Command):
            raise TypeError(f"{command!r} is not a Command")
        if not command.name.startswith(f"{plugin}."):
            raise ValueError(f"command {command.name} must be called {plugin}.…")
        self._commands.add(replace(command, handler=self._guarded(plugin, command)))
        self._added.setdefault(plugin, []).append(command.name)

    def remove(self, plugin: str) -> None:
        """Forget what a plugin registered."""
        for name in self._added.pop(plugin, []):
            self._commands.remove(name)

    def _guarded(self, plugin: str, command: Command) -> Callable[[Caller, Any], Any]:
        async def handle(caller: Caller, params: Any) -> Any:
            try:
                return await command.handler(caller, params)
            except Failure:
                raise
            # The edge to a stranger's code.
            except ANYTHING as error:
                log.error("command_failed", plugin=plugin, command=command.name, exc_info=error)
                self._failed(plugin, error)
                raise InternalError from error

        return handle
