"""``plugin.list``: which message types there are, and how each plugin fares.

Owns what clients are told of plugins, admins more than others.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import Struct

from dash_messenger.accounts.admins import IsAdmin
from dash_messenger.plugins.host import PluginHost
from dash_messenger.plugins.loader import Plugin
from dash_messenger.protocol.commands import Caller, Command

__all__ = ["Listing", "PluginInfo", "info_of"]


class PluginList(Struct, frozen=True, forbid_unknown_fields=True):
    """``plugin.list`` has no parameters."""


class ActionInfo(Struct, frozen=True):
    """An action of a message type; ``params`` is a JSON Schema."""

    name: str
    may: str
    params: dict[str, Any]


class TypeInfo(Struct, frozen=True):
    """A message type and the plugin it came with."""

    type: str
    plugin: str
    editable: bool
    actions: list[ActionInfo]


class QuarantinedPlugin(Struct, frozen=True):
    """A plugin that is quarantined, and why."""

    plugin: str
    reason: str


class PluginInfo(Struct, frozen=True):
    """A half of a plugin, by the group of its entry point, and how it fares.

    ``status`` is ``loaded``, ``quarantined`` or ``disabled``, ``reason`` why it is not loaded;
    ``until_ms`` is when it will be tried again, where that is not at the next start alone.
    """

    plugin: str
    group: str
    version: str
    status: str
    reason: str
    until_ms: int | None


class PluginsListed(Struct, frozen=True):
    """Result of ``plugin.list``; ``quarantined`` and ``plugins`` are told to admins only.

    ``portraits`` says whether photos of people and groups can be changed.
    """

    types: list[TypeInfo]
    quarantined: list[QuarantinedPlugin]
    portraits: bool
    plugins: list[PluginInfo] = []


class Listing:
    """``plugin.list``."""

    def __init__(self, installed: PluginHost, is_admin: IsAdmin) -> None:
        self._installed = installed
        self._is_admin = is_admin

    def commands(self) -> list[Command]:
        """What a client may ask about plugins."""
        return [
            Command(
                "plugin.list",
                PluginList,
                PluginsListed,
                self.list_plugins,
                "Which message types there are; admins see how each plugin fares.",
                rate="cheap read",
            )
        ]

    async def list_plugins(self, caller: Caller, params: PluginList) -> PluginsListed:
        """The message types; for admins each half of each plugin too."""
        installed, types = self._installed, self._installed.types
        quarantined: list[QuarantinedPlugin] = []
        plugins: list[PluginInfo] = []
        if await self._is_admin(caller.user_id):
            quarantined = [
                QuarantinedPlugin(plugin.name, plugin.reason)
                for plugin in installed
                if plugin.status == "quarantined"
            ]
            plugins = [info_of(one) for one in installed]
        listed = [
            TypeInfo(
                one.type,
                types.plugin_of(one.type) or "",
                one.editable,
                [
                    ActionInfo(action.name, action.may, msgspec.json.schema(action.params))
                    for action in types.actions(one.type).values()
                ],
            )
            for one in types
        ]
        return PluginsListed(listed, quarantined, installed.avatars.available, plugins)


def info_of(one: Plugin) -> PluginInfo:
    """A half of a plugin as admins see it."""
    return PluginInfo(one.name, one.group, one.version, one.status, one.reason, one.until_ms)
