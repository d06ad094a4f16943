"""What plugins gave this server: loading them into it, and ``plugin.list``.

Owns which plugin each registered thing came from, and quarantine while the server runs: how it
begins and how it ends. Must not know the database's tables but who is an admin.
"""

from __future__ import annotations

import asyncio
import sys
from collections.abc import Awaitable, Callable, Collection, Iterable, Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from dash_messenger.accounts.avatar_maker import PortraitMaker
from dash_messenger.activity import Activity
from dash_messenger.auth.factor_registry import Steps
from dash_messenger.errors import PluginFailed
from dash_messenger.isolation.contents import Contents, Costly, Pool
from dash_messenger.isolation.runner import PluginRunner
from dash_messenger.plugin_api.context import Tables
from dash_messenger.plugin_api.hookspecs import PROJECT, ServerHooks
from dash_messenger.plugin_api.message_types import MessageType, MessageTypes
from dash_messenger.plugin_api.sources import Sources
from dash_messenger.plugins.content_child import ChildSetup
from dash_messenger.plugins.context import Contexts
from dash_messenger.plugins.folder import check_plugins_folder
from dash_messenger.plugins.hooks import CHECKS
from dash_messenger.plugins.loader import GROUP, Plugin, Plugins, RequiredPluginMissing
from dash_messenger.plugins.quarantine_file import WHOLE, States
from dash_messenger.plugins.themes import Themes
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.realtime.views import Renderer
from dash_messenger.registry import Registry

__all__ = ["Installed", "PluginInfo", "each", "info_of"]

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


class Installed:
    """The plugins of the server, loaded, with what they registered.

    ``pool``: where types and views that are not inline run; ``costly``: what was killed there.
    ``serves``: what goes wrong is noted in
    the states, for ``dash-messenger plugins``; ``restarted``: the server was restarted because of a
    plugin, so that quarantines go on.
    """

    def __init__(
        self,
        *,
        without: Iterable[str] = (),
        states: States | None = None,
        folder: Path | None = None,
        required: Iterable[str] = (),
        serves: bool = False,
        restarted: bool = False,
        activity: Activity | None = None,
        loading: Callable[[str, str], None] = lambda name, module: None,
        pool: Pool | None = None,
        costly: Costly | None = None,
    ) -> None:
        if folder is not None:
            check_plugins_folder(folder)
        self.types = MessageTypes()
        self.contents = Contents(
            self.types, pool, costly=costly, failed=self.type_failed, worked=self._type_worked
        )
        self.renderer = Renderer(self.contents)
        self.themes = Themes()
        self.plugins = Plugins(group=GROUP, project=PROJECT, hooks=ServerHooks)
        self.runner.set_probe(self._try_type)
        runner = self.plugins.runner
        self.portraits = PortraitMaker(runner)
        self.contexts = Contexts(runner)
        self.steps = Steps(self.contexts.of, runner)
        # By plugin.
        self.tables: Registry[Tables] = Registry("the tables of")
        # What has to forget a plugin that is quarantined.
        self.forget: list[Callable[[str], object]] = []
        # What a plugin that comes back has to do before it is in use.
        self.begin: list[Callable[[str], Awaitable[bool]]] = []
        # Hears when the plugins in use have changed.
        self.changed: list[Callable[[], None]] = []
        self._loaded_by_plugins: dict[str, list[Plugins]] = {}
        self._folder = folder
        self._states = states
        self._required = frozenset(required)
        self._returning = asyncio.Lock()
        self.plugins.forget = self._forget
        self.plugins.checks = self._checks
        sources = Sources(
            frozenset(without),
            folder=folder,
            required=self._required,
            loading=loading,
            keep=self._keep,
            activity=activity,
        )
        if states is not None and serves:
            states.begin(restarted=restarted)
            sources = replace(sources, see=states.see)
        if states is not None:
            sources = replace(
                sources,
                disabled=states.disabled,
                quarantined=states.quarantined,
                quarantined_halves=states.quarantined_halves,
            )
        self.plugins.load(sources)
        for plugin in self.plugins:
            self.contexts.kept(plugin.name).code = _folder_of(plugin)
        self.register("register_message_types", each(self._add_type), self.types.remove_of)
        self.register(
            "register_views",
            each(self.renderer.add),
            self.renderer.remove,
            lambda: {"sources": self._for_dash_halves(sources), "types": self.types},
        )
        self.plugins.register(
            "register_plugins",
            self._add_plugins,
            lambda name: self._add_plugins(name, ()),
            returns=False,
        )
        self.register("register_themes", each(self.themes.add), self.themes.remove)
        self.register("register_tables", self._add_tables, self.tables.remove)
        self.register("register_factors", self.steps.add_factors, self.steps.remove)
        self.register("register_login_steps", self.steps.add_steps, self.steps.remove)
        self._tell_ends()

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
        undo: Callable[[str], object],
        arguments: Callable[[], dict[str, object]] = dict,
    ) -> None:
        """Call a ``register_*`` hook, as `Plugins.register` does; a context is at hand.

        ``undo`` is called for a plugin that is quarantined later, too.
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
            each.forget = _both(each.forget, lambda name: self._has_changed())
        self._loaded_by_plugins[plugin] = found

    def _add_type(self, plugin: str, message_type: MessageType[Any, Any, Any]) -> None:
        self.types.add(message_type, plugin)

    def _add_tables(self, plugin: str, tables: Tables) -> None:
        if not isinstance(tables, Tables):
            raise TypeError(f"{tables!r} is not a Tables")
        self.tables.add(plugin, plugin, tables)

    def _forget(self, plugin: str) -> None:
        """Take back all that a plugin registered, in whichever hook it failed."""
        for forget in self.forget:
            forget(plugin)
        self.contexts.remove(plugin)
        self._has_changed()
        for groups in self._loaded_by_plugins.values():
            for plugins in groups:
                if plugins.loaded(plugin):
                    plugins.quarantine(plugin, SERVER_HALF_IS_QUARANTINED)

    def child_setup(self) -> bytes:
        """What children that work on content load: what is in use here, with its settings."""
        halves: dict[str, list[str]] = {}
        for one in self:
            if one.group != GROUP and one.status != "loaded":
                halves.setdefault(one.group, []).append(one.name)
        setup = ChildSetup(
            path=[path for path in sys.path if path],
            folder=None if self._folder is None else str(self._folder),
            plugins=[one.name for one in self.plugins if one.status == "loaded"],
            halves=halves,
            versions=self.versions(),
            settings=self.contexts.encoded_settings(),
        )
        return msgspec.json.encode(setup, order="sorted")

    def versions(self) -> dict[str, str]:
        """Every half that is installed, by its group and name: quarantine changes nothing in it."""
        found = {f"{one.group} {one.name}": _version_of(one) for one in self}
        return {"core": version("dash-messenger"), **found}

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

    @property
    def runner(self) -> PluginRunner:
        """Runs the code of the plugins' server halves."""
        return self.plugins.runner

    def quarantine(self, plugin: str, reason: str) -> None:
        """Quarantine a plugin for a while: nothing that it registered stays."""
        self.plugins.quarantine_for_a_while(plugin, reason)

    async def bring_back(self, plugin: str, group: str | None = None) -> bool:
        """Use a quarantined plugin again, or what it is to one group: whether it is in use now."""
        async with self._returning:
            back = True
            if group in (None, GROUP):
                back = await self._bring_back_server_half(plugin)
                self._released(GROUP, plugin, back)
            if back and self.plugins.loaded(plugin):
                for half in [one for some in self._loaded_by_plugins.values() for one in some]:
                    wanted = group in (None, half.group) or not half.has_term(plugin)
                    if half.knows(plugin) and wanted:
                        back = await half.bring_back(plugin) and back
                        self._released(half.group, plugin, back)
            self._has_changed()
            return back

    async def _bring_back_server_half(self, plugin: str) -> bool:
        if self.plugins.loaded(plugin):
            return True
        if not await self.plugins.bring_back(plugin):
            return False
        for begin in self.begin:
            if not await begin(plugin):
                return False
        return True

    def _released(self, group: str, plugin: str, back: bool) -> None:
        if self._states is not None and back:
            self._states.release(plugin, WHOLE if group == GROUP else group)

    async def bring_back_due(self, now_ms: int) -> None:
        """Bring back all whose quarantine has ended."""
        for one in [*self]:
            if one.until_ms is not None and one.until_ms <= now_ms:
                # Where it fails, it is tried again at the next start.
                one.until_ms = None
                await self.bring_back(one.name, one.group)

    def _tell_ends(self) -> None:
        """Tell of what was quarantined before this start until when that is."""
        ends_ms = {} if self._states is None else self._states.ends_ms
        for one in self:
            if one.status == "quarantined":
                group = WHOLE if one.group == GROUP else one.group
                one.until_ms = ends_ms.get((group, one.name))

    def _has_changed(self) -> None:
        self.renderer.forget_drawn()
        for changed in self.changed:
            changed()

    def _keep(self, group: str, plugin: str, reason: str) -> int | None:
        if self._states is None:
            return None
        if group == GROUP:
            return self._states.quarantine(plugin, reason)
        return self._states.quarantine_half(group, plugin, reason)

    def _checks(self, plugin: str) -> bool:
        return self.steps.owns(plugin) or any(
            name == plugin for hook in CHECKS for name, _, _ in self.plugins.implementations(hook)
        )

    def _type_worked(self, type: str, content: bytes, by: str, cpu_s: float) -> None:
        """Note content that a type took well, to try the type with when it keeps failing."""
        plugin = self.types.plugin_of(type)
        if plugin is not None:
            self.runner.content_worked(plugin, content, kind=type, by=by, cpu_s=cpu_s)

    async def _try_type(self, plugin: str, type: str, content: bytes) -> bool:
        """Whether a type takes a content that it took before.

        Raises:
            Busy, TimedOut: that cannot be said now.
        """
        try:
            await self.contents.new(type, content, plugin)
        except PluginFailed:
            return False
        return True

    def type_failed(self, type: str, error: BaseException) -> None:
        """Count that the code of a message type's plugin failed on a content."""
        plugin = self.types.plugin_of(type)
        if plugin is not None:
            self.runner.content_failed(plugin, error, kind=type)

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
                plugins = [info_of(one) for one in self]
            types = [
                TypeInfo(
                    one.type,
                    self.types.plugin_of(one.type) or "",
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
                rate="cheap read",
            )
        ]


def info_of(one: Plugin) -> PluginInfo:
    """A half of a plugin as admins see it."""
    return PluginInfo(one.name, one.group, one.version, one.status, one.reason, one.until_ms)


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


def _version_of(plugin: Plugin) -> str:
    """What changes with a plugin's code; a single file has its time of change."""
    if plugin.distribution:
        return f"{plugin.distribution} {plugin.version}"
    file = getattr(sys.modules.get(plugin.module.partition(":")[0]), "__file__", None)
    return "" if file is None else str(Path(file).stat().st_mtime_ns)


def _both(one: Callable[[str], None], other: Callable[[str], None]) -> Callable[[str], None]:
    def call(name: str) -> None:
        one(name)
        other(name)

    return call
