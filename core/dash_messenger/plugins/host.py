"""What plugins gave this server: loading them into it.

Owns which plugin each registered thing came from, and quarantine while the server runs: how it
begins and how it ends. Must not know what is done with what they registered.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Collection, Iterable, Iterator
from dataclasses import replace
from importlib.metadata import version
from pathlib import Path
from typing import Any

import structlog

from dash_messenger.accounts.avatar_maker import AvatarMaker
from dash_messenger.activity import Activity
from dash_messenger.auth.factor_registry import Steps
from dash_messenger.errors import PluginFailed
from dash_messenger.isolation.contents import Contents, Costly
from dash_messenger.isolation.pool import JobPool
from dash_messenger.isolation.runner import PluginRunner
from dash_messenger.plugin_api.hookspecs import PROJECT, ServerHooks
from dash_messenger.plugin_api.message_types import MessageType
from dash_messenger.plugin_api.sources import Sources
from dash_messenger.plugin_api.type_registry import MessageTypes
from dash_messenger.plugins.content_child import encode_setup
from dash_messenger.plugins.context import Parts
from dash_messenger.plugins.contexts import Contexts
from dash_messenger.plugins.folder import check_plugins_folder
from dash_messenger.plugins.hooks import CHECKS, HookCalls
from dash_messenger.plugins.limits import PluginLimits
from dash_messenger.plugins.loader import (
    GROUP,
    Plugin,
    Plugins,
    RequiredPluginMissing,
    folder_of,
    version_of,
)
from dash_messenger.plugins.quarantine_file import WHOLE, QuarantineFile
from dash_messenger.plugins.registration import Registration, each_of
from dash_messenger.plugins.tables import PluginTables
from dash_messenger.plugins.themes import Themes
from dash_messenger.realtime.views import Renderer

__all__ = ["PluginHost"]

SERVER_HALF_IS_QUARANTINED = "its server half is quarantined"

DEFAULT_LIMITS = PluginLimits()

log = structlog.get_logger(__name__)


class PluginHost:
    """The plugins of the server, with what they registered: tables that `load` fills.

    ``pool``: where types and views that are not inline run; ``costly``: what was killed there.
    ``serves``: what goes wrong is noted in the states, for ``dash-messenger plugins``;
    ``restarted``: the server was restarted because of a plugin, so that quarantines go on.
    """

    def __init__(
        self,
        *,
        without: Iterable[str] = (),
        states: QuarantineFile | None = None,
        folder: Path | None = None,
        required: Iterable[str] = (),
        serves: bool = False,
        restarted: bool = False,
        activity: Activity | None = None,
        loading: Callable[[str, str], None] = lambda name, module: None,
        pool: JobPool | None = None,
        costly: Costly | None = None,
        limits: PluginLimits = DEFAULT_LIMITS,
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
        self.plugins.forget = self._forget
        self.plugins.checks = self._checks
        self.runner.set_probe(self._try_type)
        self.avatars = AvatarMaker(self.runner, make_within_s=limits.avatar_within_s)
        self.contexts = Contexts(
            self.runner,
            self._configure_children,
            max_waiting=limits.turns_waiting,
            max_tasks=limits.tasks,
        )
        self.calls = HookCalls(
            self.plugins,
            self.contexts.of,
            self.contexts.bot_of,
            check_within_s=limits.check_within_s,
            on_within_s=limits.on_within_s,
            max_waiting=limits.hooks_waiting,
        )
        self.steps = Steps(self.contexts.of, self.runner, check_within_s=limits.check_within_s)
        self.tables = PluginTables(self.plugins)
        # What has to forget a plugin that is quarantined.
        self._undo: list[Callable[[str], None]] = []
        self._loaded_by_plugins: dict[str, list[Plugins]] = {}
        self._folder = folder
        self._states = states
        self._required = frozenset(required)
        self._returning = asyncio.Lock()
        self._pool = pool
        self._started = False
        self._sources = Sources(
            frozenset(without),
            folder=folder,
            required=self._required,
            loading=loading,
            keep=self._keep,
            activity=activity,
        )
        if states is not None and serves:
            states.begin(restarted=restarted)
            self._sources = replace(self._sources, see=states.see)
        if states is not None:
            self._sources = replace(
                self._sources,
                disabled=states.disabled,
                quarantined=states.quarantined,
                quarantined_halves=states.quarantined_halves,
            )

    def load(self) -> None:
        """Load the plugins, and take what can be looked at while no server runs."""
        sources = self._sources
        self.plugins.load(sources)
        for plugin in self.plugins:
            self.contexts.kept(plugin.name).code = folder_of(plugin)
        self._register("register_message_types", each_of(self._add_type), self.types.remove_of)
        self._register(
            "register_views",
            each_of(self.renderer.add),
            self.renderer.remove,
            lambda: {"sources": self._for_dash_halves(sources), "types": self.types},
        )
        self.plugins.register(
            "register_plugins",
            self._add_plugins,
            lambda name: self._add_plugins(name, ()),
            returns=False,
        )
        self._register("register_themes", each_of(self.themes.add), self.themes.remove)
        self._register("register_tables", self.tables.add, self.tables.remove)
        self._register("register_factors", self.steps.add_factors, self.steps.remove)
        self._register("register_login_steps", self.steps.add_steps, self.steps.remove)
        self._tell_ends()

    def load_into(
        self,
        parts: Parts,
        values: dict[str, dict[str, str]],
        registrations: Iterable[Registration],
    ) -> None:
        """Load the plugins into a server: their contexts work with its ``parts``.

        ``values`` are the settings that were kept, by plugin.
        """
        self.contexts.open(parts, values)
        self.load()
        self.plugins.register("register_settings", self.contexts.declare_settings)
        for one in registrations:
            self._register(one.hook, each_of(one.add), one.remove)
        self._register("register_portraits", self.avatars.add, self.avatars.remove)
        self.calls.find()
        self._undo.append(self.calls.remove)

    async def start(self) -> None:
        """Bring plugins' tables up to date, then let them begin."""
        for plugin in self.tables:
            await self.tables.migrate(plugin, self.contexts.parts.store)
        self._started = True
        self._configure_children()
        await self.calls.start()

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

    def _register(
        self,
        hook: str,
        accept: Callable[[str, Any], None],
        undo: Callable[[str], None],
        arguments: Callable[[], dict[str, object]] = dict,
    ) -> None:
        """Call a ``register_*`` hook, as `Plugins.register` does; a context is at hand.

        ``undo`` is called for a plugin that is quarantined later, too.
        """
        self._undo.append(undo)
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

    def _forget(self, plugin: str) -> None:
        """Take back all that a plugin registered, in whichever hook it failed."""
        for undo in self._undo:
            undo(plugin)
        self.contexts.remove(plugin)
        self._has_changed()
        for groups in self._loaded_by_plugins.values():
            for plugins in groups:
                if plugins.loaded(plugin):
                    plugins.quarantine(plugin, SERVER_HALF_IS_QUARANTINED)

    def versions(self) -> dict[str, str]:
        """Every half that is installed, by its group and name: quarantine changes nothing in it."""
        found = {f"{one.group} {one.name}": version_of(one) for one in self}
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
        store = self.contexts.parts.store
        return await self.tables.migrate(plugin, store) and await self.calls.begin(plugin)

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
        self._configure_children()

    def _configure_children(self) -> None:
        """Have children load the plugins that are in use, with the settings in force."""
        if self._started and self._pool is not None:
            self._pool.configure(
                encode_setup(self, self._folder, self.versions(), self.contexts.encoded_settings())
            )

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


def _both(one: Callable[[str], None], other: Callable[[str], None]) -> Callable[[str], None]:
    def call(name: str) -> None:
        one(name)
        other(name)

    return call
