"""What plugins gave this server: loading them into it, and ``plugin.list``.

Owns which plugin each registered thing came from, and setting a plugin aside while the server runs.
Must not know the database's tables but who is an admin.
"""

from __future__ import annotations

import sys
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from dash_messenger.commands import Caller, Command
from dash_messenger.messages import MessageType, MessageTypes
from dash_messenger.plugins.aside import Abandoned
from dash_messenger.plugins.calling import CHECKS
from dash_messenger.plugins.context import Tables
from dash_messenger.plugins.hookspecs import PROJECT, ServerHooks
from dash_messenger.plugins.loading import (
    GROUP,
    Plugin,
    Plugins,
    RequiredPluginMissing,
    Sources,
)
from dash_messenger.plugins.portraying import PortraitMaker
from dash_messenger.plugins.serving import Contexts
from dash_messenger.plugins.states import States
from dash_messenger.plugins.steps import Steps
from dash_messenger.plugins.themes import Themes
from dash_messenger.plugins.views import Renderer

__all__ = ["Installed", "each"]

SERVER_HALF_IS_QUARANTINED = "its server half is quarantined"

log = structlog.get_logger(__name__)


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
    """A plugin that was set aside, and why."""

    plugin: str
    reason: str


class PluginInfo(Struct, frozen=True):
    """A half of a plugin, by the group of its entry point, and how it fares.

    ``status`` is ``loaded``, ``quarantined`` or ``disabled``, ``reason`` why it is not loaded.
    """

    plugin: str
    group: str
    version: str
    status: str
    reason: str


class PluginsListed(Struct, frozen=True):
    """Result of ``plugin.list``; ``quarantined`` and ``plugins`` are told to admins only.

    ``portraits`` says whether photos of people and groups can be changed.
    """

    types: list[TypeInfo]
    quarantined: list[QuarantinedPlugin]
    portraits: bool
    plugins: list[PluginInfo] = []


class Installed:
    """The plugins of the server, loaded, with what they registered.

    ``serves``: what goes wrong is noted in the states, for ``dash-messenger plugins``.
    """

    def __init__(
        self,
        *,
        without: Iterable[str] = (),
        states: States | None = None,
        folder: Path | None = None,
        required: Iterable[str] = (),
        serves: bool = False,
        loading: Callable[[str, str], None] = lambda name, module: None,
    ) -> None:
        self.types = MessageTypes()
        self.renderer = Renderer()
        self.themes = Themes()
        self.portraits = PortraitMaker(self.failed)
        self.contexts = Contexts()
        self.steps = Steps(self.contexts.of, self.failed)
        self.tables: dict[str, Tables] = {}
        self.plugins = Plugins(group=GROUP, project=PROJECT, hooks=ServerHooks)
        # What has to forget a plugin that is set aside.
        self.forget: list[Callable[[str], None]] = []
        self._owners: dict[str, str] = {}
        self._loaded_by_plugins: dict[str, list[Plugins]] = {}
        self._states = states
        self._required = frozenset(required)
        self.plugins.forget = self._forget
        self.plugins.spares = self._checks
        sources = Sources(
            frozenset(without),
            folder=folder,
            required=self._required,
            loading=loading,
            keep=self._keep,
        )
        if states is not None:
            sources = replace(
                sources,
                disabled=states.disabled,
                quarantined=states.quarantined,
                quarantined_halves=states.quarantined_halves,
            )
        if states is not None and serves:
            states.begin()
            sources = replace(sources, see=states.see)
        self.plugins.load(sources)
        for plugin in self.plugins:
            self.contexts.kept(plugin.name).code = _folder_of(plugin)
        self.register("register_message_types", self._add_types, self._remove_types)
        self.register(
            "register_views",
            each(self.renderer.add),
            self.renderer.remove,
            lambda: {"sources": self._for_dash_halves(sources)},
        )
        self.plugins.register(
            "register_plugins", self._add_plugins, lambda name: self._add_plugins(name, ())
        )
        self.register("register_themes", each(self.themes.add), self.themes.remove)
        self.register("register_tables", self._add_tables, self._remove_tables)
        self.register("register_factors", self.steps.add_factors, self.steps.remove)
        self.register("register_login_steps", self.steps.add_steps, self.steps.remove)

    def _for_dash_halves(self, sources: Sources) -> Sources:
        """A server half that is not there hides its Dash half."""
        hidden = {
            one.name: SERVER_HALF_IS_QUARANTINED
            for one in self.plugins
            if one.status == "quarantined"
        }
        return replace(sources, quarantined={**hidden, **sources.quarantined})

    def __iter__(self) -> Iterator[Plugin]:
        """Every plugin of every group, quarantined ones too."""
        yield from self.plugins
        for groups in self._loaded_by_plugins.values():
            for plugins in groups:
                yield from plugins

    def register(
        self,
        hook: str,
        accept: Callable[[str, Any], None],
        undo: Callable[[str], None],
        arguments: Callable[[], dict[str, object]] = dict,
    ) -> None:
        """Call a ``register_*`` hook, as `Plugins.register` does; a context is at hand.

        ``undo`` is called for a plugin that is set aside later, too.
        """
        self.forget.append(undo)
        self.plugins.register(
            hook,
            accept,
            undo,
            prepare=lambda name: {"context": self.contexts.of(name), **arguments()},
        )

    def _add_plugins(self, plugin: str, groups: Iterable[Plugins]) -> None:
        found = list(groups)
        for each in found:
            if not isinstance(each, Plugins):
                raise TypeError(f"{each!r} is not a Plugins")
            each.forget = _both(each.forget, lambda name: self.renderer.forget_drawn())
        self._loaded_by_plugins[plugin] = found

    def _add_types(self, plugin: str, types: Iterable[MessageType[Any, Any, Any]]) -> None:
        for message_type in types:
            self.types.add(message_type)
            self._owners[message_type.type] = plugin

    def _remove_types(self, plugin: str) -> None:
        for name in [name for name, owner in self._owners.items() if owner == plugin]:
            self.types.remove(name)
            del self._owners[name]

    def _add_tables(self, plugin: str, tables: Tables) -> None:
        if not isinstance(tables, Tables):
            raise TypeError(f"{tables!r} is not a Tables")
        self.tables[plugin] = tables

    def _remove_tables(self, plugin: str) -> None:
        self.tables.pop(plugin, None)

    def owner(self, type: str) -> str | None:
        """The plugin that a message type came with, or None."""
        return self._owners.get(type)

    def _forget(self, plugin: str) -> None:
        """Take back all that a plugin registered, in whichever hook it failed."""
        for forget in self.forget:
            forget(plugin)
        self.contexts.remove(plugin)
        self.renderer.forget_drawn()
        for groups in self._loaded_by_plugins.values():
            for plugins in groups:
                if plugins.loaded(plugin):
                    plugins.quarantine(plugin, SERVER_HALF_IS_QUARANTINED)

    def tell_seen(self) -> None:
        """Tell of what loads here, and failed in the server since its last start."""
        if self._states is None:
            return
        for one in self:
            reason = self._states.of(one.name).seen.get(one.group)
            if reason and one.status == "loaded":
                one.status, one.reason = "quarantined", reason

    def check_required(self, without: Collection[str] = ()) -> None:
        """Return if every plugin that is required is loaded, each half that there is.

        Those that are ``without`` are only told of: they brought the server down over and over.

        Raises:
            RequiredPluginMissing: naming those that are not, and why.
        """
        missing = []
        for name in sorted(self._required.intersection(without)):
            log.error("required_plugin_given_up", plugin=name)
        for name in sorted(self._required.difference(without)):
            halves = [one for one in self if one.name == name]
            if not halves:
                missing.append(f"{name} is not installed, or left out by plugins_without")
            missing += [
                f"{name} ({one.group}) is {one.status}" + (f": {one.reason}" if one.reason else "")
                for one in halves
                if one.status != "loaded"
            ]
        if missing:
            raise RequiredPluginMissing(
                "plugins_required names plugins that are not in use: " + "; ".join(missing)
            )

    # While the server runs.

    def quarantine(self, plugin: str, error: BaseException | str) -> None:
        """Set a plugin aside, for good: nothing that it registered stays."""
        self.plugins.set_aside(plugin, error)

    def failed(self, plugin: str, error: BaseException) -> None:
        """Note that a plugin's code failed; too often, and it is set aside.

        Not one that checks something, or that log-ins ask for a factor or step of: whoever can make
        it fail could switch its checks off.
        """
        self.plugins.failed(plugin, error, grave=isinstance(error, Abandoned))

    def _keep(self, group: str, plugin: str, reason: str) -> None:
        if self._states is not None and group == GROUP:
            self._states.quarantine(plugin, reason)
        elif self._states is not None:
            self._states.quarantine_half(group, plugin, reason)

    def _checks(self, plugin: str) -> bool:
        return self.steps.owns(plugin) or any(
            name == plugin for hook in CHECKS for name, _, _ in self.plugins.implementations(hook)
        )

    def type_failed(self, type: str, error: BaseException) -> None:
        """The same for the plugin that a message type came with."""
        plugin = self._owners.get(type)
        if plugin is not None:
            self.failed(plugin, error)

    def commands(self, is_admin: Callable[[str], Awaitable[bool]]) -> list[Command]:
        """What a client may ask about plugins."""

        async def list_plugins(caller: Caller, params: PluginList) -> PluginsListed:
            quarantined: list[QuarantinedPlugin] = []
            plugins: list[PluginInfo] = []
            if await is_admin(caller.user_id):
                quarantined = [
                    QuarantinedPlugin(plugin.name, plugin.reason)
                    for plugin in self
                    if plugin.status == "quarantined"
                ]
                plugins = [
                    PluginInfo(one.name, one.group, one.version, one.status, one.reason)
                    for one in self
                ]
            types = [
                TypeInfo(
                    one.type,
                    self._owners[one.type],
                    one.editable,
                    [
                        ActionInfo(action.name, action.may, msgspec.json.schema(action.params))
                        for action in self.types.actions(one.type).values()
                    ],
                )
                for one in self.types
            ]
            return PluginsListed(types, quarantined, self.portraits.available, plugins)

        return [
            Command(
                "plugin.list",
                PluginList,
                PluginsListed,
                list_plugins,
                "Which message types there are; admins see how each plugin fares.",
            )
        ]


def each(add: Callable[[str, Any], None]) -> Callable[[str, Iterable[Any]], None]:
    """``add(plugin, one)`` for each that a plugin registers."""

    def add_all(plugin: str, found: Iterable[Any]) -> None:
        for one in found:
            add(plugin, one)

    return add_all


def _folder_of(plugin: Plugin) -> Path | None:
    """Where a plugin's code lies: its ``locale`` and ``assets`` are beside it."""
    module = sys.modules.get(plugin.module.partition(":")[0])
    file = getattr(module, "__file__", None)
    return None if file is None else Path(file).parent


def _both(one: Callable[[str], None], other: Callable[[str], None]) -> Callable[[str], None]:
    def call(name: str) -> None:
        one(name)
        other(name)

    return call
