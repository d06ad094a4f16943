"""What plugins gave this server: loading them into it, and ``plugin.list``.

Owns which plugin a message type came from. Must not know the database's tables but who is an admin.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable, Iterable, Iterator
from typing import Any

from msgspec import Struct

from dash_messenger.commands import Caller, Command
from dash_messenger.messages import MessageType, MessageTypes
from dash_messenger.plugins.hookspecs import PROJECT, ServerHooks
from dash_messenger.plugins.loading import GROUP, Plugin, Plugins
from dash_messenger.plugins.views import Renderer, View

__all__ = ["Installed"]


class PluginList(Struct, frozen=True, forbid_unknown_fields=True):
    """``plugin.list`` has no parameters."""


class TypeInfo(Struct, frozen=True):
    """A message type and the plugin it came with."""

    type: str
    plugin: str


class QuarantinedPlugin(Struct, frozen=True):
    """A plugin that was set aside, and why."""

    plugin: str
    reason: str


class PluginsListed(Struct, frozen=True):
    """Result of ``plugin.list``; what is quarantined is told to admins only."""

    types: list[TypeInfo]
    quarantined: list[QuarantinedPlugin]


class Installed:
    """The plugins of the server, loaded, with what they registered."""

    def __init__(self, *, without: Iterable[str] = ()) -> None:
        self.types = MessageTypes()
        self.renderer = Renderer()
        self.plugins = Plugins(group=GROUP, project=PROJECT, hooks=ServerHooks)
        self._owners: dict[str, str] = {}
        self._loaded_by_plugins: dict[str, list[Plugins]] = {}
        self.plugins.load(without=frozenset(without))
        self.plugins.register("register_message_types", self._add_types, self._remove_types)
        self.plugins.register("register_views", self._add_views, self.renderer.remove)
        self.plugins.register(
            "register_plugins", self._add_plugins, lambda name: self._add_plugins(name, ())
        )

    def __iter__(self) -> Iterator[Plugin]:
        """Every plugin of every group, quarantined ones too."""
        yield from self.plugins
        for groups in self._loaded_by_plugins.values():
            for plugins in groups:
                yield from plugins

    def _add_plugins(self, plugin: str, groups: Iterable[Plugins]) -> None:
        found = list(groups)
        for each in found:
            if not isinstance(each, Plugins):
                raise TypeError(f"{each!r} is not a Plugins")
        self._loaded_by_plugins[plugin] = found

    def _add_types(self, plugin: str, types: Iterable[MessageType[Any]]) -> None:
        for message_type in types:
            self.types.add(message_type)
            self._owners[message_type.type] = plugin

    def _remove_types(self, plugin: str) -> None:
        for name in [name for name, owner in self._owners.items() if owner == plugin]:
            self.types.remove(name)
            del self._owners[name]

    def _add_views(self, plugin: str, views: Iterable[View]) -> None:
        for view in views:
            self.renderer.add(plugin, view)

    def commands(self, is_admin: Callable[[str], Awaitable[bool]]) -> list[Command]:
        """What a client may ask about plugins."""

        async def list_plugins(caller: Caller, params: PluginList) -> PluginsListed:
            quarantined = []
            if await is_admin(caller.user_id):
                quarantined = [
                    QuarantinedPlugin(plugin.name, plugin.reason)
                    for plugin in self
                    if plugin.status == "quarantined"
                ]
            types = [TypeInfo(one.type, self._owners[one.type]) for one in self.types]
            return PluginsListed(types, quarantined)

        return [
            Command(
                "plugin.list",
                PluginList,
                PluginsListed,
                list_plugins,
                "Which message types there are; admins see what is quarantined.",
            )
        ]
