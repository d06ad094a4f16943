"""Plugins' commands among the server's own.

Owns what they may be called. Must not know what they do. Invariant: a plugin takes away no command
but its own.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dash_messenger.errors import InternalError
from dash_messenger.isolation.runner import PluginRunner
from dash_messenger.protocol.commands import Caller, Command, Commands

__all__ = ["PluginCommands"]

# As long as a client waits.
RUN_WITHIN_S = 30.0


class PluginCommands:
    """What plugins add to ``commands``."""

    def __init__(self, commands: Commands, runner: PluginRunner) -> None:
        self._commands = commands
        self._runner = runner
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
            return await self._runner.run(
                plugin,
                lambda: command.handler(caller, params),
                doing=f"command {command.name}",
                within_s=RUN_WITHIN_S,
                raises=InternalError,
            )

        return handle
