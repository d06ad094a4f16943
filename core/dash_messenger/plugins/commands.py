"""Plugins' commands among the server's own.

Owns what a client hears of their failures. Must not know what they do.
"""

from __future__ import annotations

from collections.abc import Callable
from dataclasses import replace
from typing import Any

from dash_messenger.errors import InternalError
from dash_messenger.isolation.runner import PluginRunner
from dash_messenger.isolation.time_limits import COMMAND_WITHIN_S
from dash_messenger.protocol.commands import Caller, Command, Commands

__all__ = ["PluginCommands"]


class PluginCommands:
    """What plugins add to ``commands``."""

    def __init__(self, commands: Commands, runner: PluginRunner) -> None:
        self._commands = commands
        self._runner = runner

    def add(self, plugin: str, command: Command) -> None:
        """Register a plugin's command.

        Raises:
            TypeError: it is none.
            ValueError: its name is taken, or does not begin with the plugin's.
        """
        if not isinstance(command, Command):
            raise TypeError(f"{command!r} is not a Command")
        self._commands.add(plugin, replace(command, handler=self._guarded(plugin, command)))

    def _guarded(self, plugin: str, command: Command) -> Callable[[Caller, Any], Any]:
        async def handle(caller: Caller, params: Any) -> Any:
            return await self._runner.run(
                plugin,
                lambda: command.handler(caller, params),
                doing=f"command {command.name}",
                within_s=COMMAND_WITHIN_S,
                raises=InternalError,
            )

        return handle
