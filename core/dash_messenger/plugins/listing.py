"""What plugins gave this server: loading them into it, and ``plugin.list``.

Owns which plugin each registered thing came from, and setting a plugin aside while the server runs.
Must not know the database's tables but who is an admin.
"""

from __future__ import annotations

import sys
import time
from collections import deque
from collections.abc import Awaitable, Callable, Iterable, Iterator
from dataclasses import replace
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from dash_messenger.commands import Caller, Command
from dash_messenger.messages import MessageType, MessageTypes
from dash_messenger.plugins.calling import CHECKS
from dash_messenger.plugins.context import Tables
from dash_messenger.plugins.hookspecs import PROJECT, ServerHooks
from dash_messenger.plugins.loading import GROUP, Plugin, Plugins, Sources
from dash_messenger.plugins.portraying import PortraitMaker
from dash_messenger.plugins.serving import Contexts
from dash_messenger.plugins.states import States
from dash_messenger.plugins.steps import Steps
from dash_messenger.plugins.themes import Themes
from dash_messenger.plugins.views import Renderer, View

__all__ = ["Installed"]

# So many failures in so short a time are no accident.
MAX_FAILURES = 20
FAILURES_WITHIN_S = 60.0

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


class PluginsListed(Struct, frozen=True):
    """Result of ``plugin.list``; what is quarantined is told to admins only.

    ``portraits`` says whether photos of people and groups can be changed.
    """

    types: list[TypeInfo]
    quarantined: list[QuarantinedPlugin]
    portraits: bool


class Installed:
    """The plugins of the server, loaded, with what they registered."""

    def __init__(
        self,
        *,
        without: Iterable[str] = (),
        states: States | None = None,
        folder: Path | None = None,
    ) -> None:
        self.types = MessageTypes()
        self.renderer = Renderer()
        self.themes = Themes()
        self.portraits = PortraitMaker(self.failed)
        self.contexts = Contexts()
        self.steps = Steps(self.contexts.of, self.failed)
        self.tables: dict[str, Tables] = {}
        self.plugins = Plugins(group=GROUP, project=PROJECT, hooks=ServerHooks)
        # What else has to forget a plugin.
        self.forget: list[Callable[[str], None]] = []
        self._owners: dict[str, str] = {}
        self._loaded_by_plugins: dict[str, list[Plugins]] = {}
        self._failures: dict[str, deque[float]] = {}
        self._states = states
        self.plugins.forget = self._forget
        self.plugins.load(_sources(frozenset(without), states, folder))
        for plugin in self.plugins:
            self.contexts.kept(plugin.name).code = _folder_of(plugin)
        register = self.plugins.register
        register("register_message_types", self._add_types, self._remove_types)
        register(
            "register_views",
            self._add_views,
            self.renderer.remove,
            prepare=lambda name: {
                "sources": self._for_dash_halves(frozenset(without), states, folder)
            },
        )
        register("register_plugins", self._add_plugins, lambda name: self._add_plugins(name, ()))
        register("register_themes", self._add_themes, self.themes.remove)
        register("register_tables", self._add_tables)
        self._register_steps()

    def _register_steps(self) -> None:
        for hook, accept in (
            ("register_factors", self.steps.add_factors),
            ("register_login_steps", self.steps.add_steps),
        ):
            self.plugins.register(
                hook,
                accept,
                self.steps.remove,
                prepare=lambda name: {"context": self.contexts.of(name)},
            )

    def _for_dash_halves(
        self, without: frozenset[str], states: States | None, folder: Path | None
    ) -> Sources:
        """A server half that is not there hides its Dash half."""
        sources = _sources(without, states, folder)
        hidden = {
            one.name: "its server half is quarantined"
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
        self, hook: str, accept: Callable[[str, Any], None], undo: Callable[[str], None]
    ) -> None:
        """Call a ``register_*`` hook that is given a context, as `Plugins.register` does."""
        self.forget.append(undo)
        self.plugins.register(
            hook, accept, undo, prepare=lambda name: {"context": self.contexts.of(name)}
        )

    def _add_plugins(self, plugin: str, groups: Iterable[Plugins]) -> None:
        found = list(groups)
        for each in found:
            if not isinstance(each, Plugins):
                raise TypeError(f"{each!r} is not a Plugins")
        self._loaded_by_plugins[plugin] = found

    def _add_types(self, plugin: str, types: Iterable[MessageType[Any, Any, Any]]) -> None:
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

    def _add_themes(self, plugin: str, themes: Iterable[Any]) -> None:
        for theme in themes:
            self.themes.add(plugin, theme)

    def _add_tables(self, plugin: str, tables: Tables) -> None:
        if not isinstance(tables, Tables):
            raise TypeError(f"{tables!r} is not a Tables")
        self.tables[plugin] = tables

    def owner(self, type: str) -> str | None:
        """The plugin that a message type came with, or None."""
        return self._owners.get(type)

    def _forget(self, plugin: str) -> None:
        """Take back all that a plugin registered, in whichever hook it failed."""
        self._remove_types(plugin)
        self.renderer.remove(plugin)
        self.themes.remove(plugin)
        self.steps.remove(plugin)
        self.tables.pop(plugin, None)
        self.contexts.remove(plugin)
        for forget in self.forget:
            forget(plugin)

    # While the server runs.

    def quarantine(self, plugin: str, error: BaseException | str) -> None:
        """Set a plugin aside: nothing that it registered stays."""
        if not self.plugins.loaded(plugin):
            return
        self.plugins.quarantine(plugin, error)
        reason = next(found.reason for found in self.plugins if found.name == plugin)
        if self._states is not None:
            # At the next start it would fail again.
            self._states.quarantine(plugin, reason)

    def failed(self, plugin: str, error: BaseException) -> None:
        """Note that a plugin's code failed; too often, and it is set aside.

        Not one that checks something, or that log-ins ask for a factor or step of: whoever can make
        it fail could switch its checks off.
        """
        now = time.monotonic()
        times = self._failures.setdefault(plugin, deque(maxlen=MAX_FAILURES))
        times.append(now)
        if len(times) == MAX_FAILURES and now - times[0] < FAILURES_WITHIN_S:
            times.clear()
            if self._checks(plugin):
                log.error("plugin_keeps_failing", plugin=plugin)
                return
            self.quarantine(
                plugin,
                f"it failed {MAX_FAILURES} times within {FAILURES_WITHIN_S:.0f} s, at last with "
                f"{type(error).__name__}: {error}",
            )

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
            quarantined = []
            if await is_admin(caller.user_id):
                quarantined = [
                    QuarantinedPlugin(plugin.name, plugin.reason)
                    for plugin in self
                    if plugin.status == "quarantined"
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
            return PluginsListed(types, quarantined, self.portraits.available)

        return [
            Command(
                "plugin.list",
                PluginList,
                PluginsListed,
                list_plugins,
                "Which message types there are; admins see what is quarantined.",
            )
        ]


def _sources(without: frozenset[str], states: States | None, folder: Path | None) -> Sources:
    if states is None:
        return Sources(without, folder=folder)
    return Sources(without, states.disabled, states.quarantined, folder)


def _folder_of(plugin: Plugin) -> Path | None:
    """Where a plugin's code lies: its ``locale`` and ``assets`` are beside it."""
    module = sys.modules.get(plugin.module.partition(":")[0])
    file = getattr(module, "__file__", None)
    return None if file is None else Path(file).parent
