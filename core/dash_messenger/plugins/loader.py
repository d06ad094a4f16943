"""Finds plugins by their entry points and loads each on its own.

Owns which plugins there are and why one of them is quarantined. A plugin that fails to import,
raises while registering, registers what is taken or needs another ``HOOK_API`` is quarantined with
its reason, and everything else goes on; it can be brought back. Must not know what the registered
objects do.
"""

from __future__ import annotations

import asyncio
import re
import sys
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from functools import partial
from importlib import import_module
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import pluggy
import structlog

from dash_messenger.isolation.runner import PluginRunner
from dash_messenger.plugin_api.sources import Sources
from dash_messenger.registry import CORE

__all__ = [
    "GROUP",
    "HOOK_API",
    "Plugin",
    "Plugins",
    "RequiredPluginMissing",
    "check_name",
    "folder_of",
    "loaders_of_halves",
    "names_of_plugins",
    "version_of",
]

GROUP = "dash_messenger"
# Raised when a hook changes so that plugins written for an older one would break. A plugin module
# may say ``HOOK_API = 1``; another number than ours quarantines it instead of failing later.
HOOK_API = 1
# Tables, folders and commands are called by it.
_NAME = re.compile(r"\w[\w.-]*")
# The Dash half of a plugin that is a single file.
_DASH_HALF = "_ui"

log = structlog.get_logger(__name__)


class RequiredPluginMissing(Exception):
    """A plugin that the settings require is not in use; the sentence says which and why."""


@dataclass(slots=True)
class Plugin:
    """One entry point: its name, the distribution it came with, and how it fares.

    ``until_ms`` is when its quarantine ends, where it ends by itself.
    """

    name: str
    group: str
    distribution: str
    version: str
    module: str
    status: Literal["loaded", "quarantined", "disabled"] = "loaded"
    reason: str = ""
    until_ms: int | None = None


# What is installed, and nothing left alone.
ALL_SOURCES = Sources()


@dataclass(frozen=True, slots=True)
class _Registration:
    """A ``register_*`` hook, and what becomes of its results."""

    hook: str
    accept: Callable[[str, Any], None]
    undo: Callable[[str], object]
    prepare: Callable[[str], dict[str, object]]
    arguments: dict[str, object]
    returns: bool


class Plugins:
    """The plugins of one group, in the order of their names."""

    def __init__(self, *, group: str, project: str, hooks: type) -> None:
        self._group = group
        self._manager = pluggy.PluginManager(project)
        self._manager.add_hookspecs(hooks)
        self._plugins: dict[str, Plugin] = {}
        self._entries: dict[str, EntryPoint] = {}
        # What was loaded, also of those that are quarantined now.
        self._objects: dict[str, object] = {}
        self._registrations: list[_Registration] = []
        # Called with the name of a plugin that is quarantined: takes back what it had registered.
        self.forget: Callable[[str], None] = lambda name: None
        # Whether a plugin checks what others do.
        self.checks: Callable[[str], bool] = lambda name: False
        # Runs the code of these plugins.
        self.runner = PluginRunner(self)
        self._sources = ALL_SOURCES

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self._plugins.values())

    @property
    def group(self) -> str:
        """The group of their entry points."""
        return self._group

    def knows(self, name: str) -> bool:
        """Whether there is a plugin called ``name``, however it fares."""
        return name in self._plugins

    def has_term(self, name: str) -> bool:
        """Whether the plugin is quarantined until a certain time."""
        plugin = self._plugins.get(name)
        return plugin is not None and plugin.until_ms is not None

    def loaded(self, name: str) -> bool:
        """Whether the plugin called ``name`` is there and not quarantined."""
        plugin = self._plugins.get(name)
        return plugin is not None and plugin.status == "loaded"

    def load(self, sources: Sources = ALL_SOURCES) -> None:
        """Import every plugin of the group that there is, as ``sources`` says."""
        self._sources = sources
        if sources.activity is not None:
            self.runner.activity = sources.activity
        found = sorted(entry_points(group=self._group), key=lambda entry: entry.name)
        for entry in [*found, *self._single_files(sources.folder)]:
            if entry.name not in sources.without:
                self._load(entry, sources)

    def _single_files(self, folder: Path | None) -> list[EntryPoint]:
        """The plugins in a folder as if they were installed. What is installed comes first."""
        if folder is None:
            return []
        if str(folder) not in sys.path:
            # At the end: a file must not stand before a module of the same name.
            sys.path.append(str(folder))
        server = self._group == GROUP
        return [
            EntryPoint(path.stem.removesuffix(_DASH_HALF), path.stem, self._group)
            for path in sorted(folder.glob("*.py"))
            if path.stem.isidentifier() and path.stem.endswith(_DASH_HALF) is not server
        ]

    def _load(self, entry: EntryPoint, sources: Sources) -> None:
        distribution = entry.dist
        plugin = Plugin(
            name=entry.name,
            group=self._group,
            distribution=distribution.name if distribution else "",
            version=distribution.version if distribution else "",
            module=entry.value,
        )
        if entry.name in self._plugins:
            first = self._plugins[entry.name]
            log.error("plugin_name_taken", plugin=entry.name, by=first.distribution)
            self._plugins[f"{entry.name} ({plugin.distribution})"] = plugin
            plugin.status, plugin.reason = (
                "quarantined",
                f"its name is taken by {first.distribution}",
            )
            return
        self._plugins[entry.name] = plugin
        self._entries[entry.name] = entry
        if entry.name in sources.disabled:
            plugin.status = "disabled"
            return
        halves = sources.quarantined_halves.get(self._group, {})
        reason = sources.quarantined.get(entry.name) or halves.get(entry.name)
        if reason:
            plugin.status, plugin.reason = "quarantined", reason
            return
        self.runner.start(entry.name, lambda: self._import(entry), doing="import")

    def _import(self, entry: EntryPoint) -> None:
        if entry.name not in self._objects:
            check_name(entry.name)
            _check_file(entry, self._sources.folder)
            self._sources.loading(entry.name, entry.value)
            found = entry.load()
            # A class is for plugins that keep something between their hooks.
            plugin = found() if isinstance(found, type) else found
            needed = getattr(plugin, "HOOK_API", HOOK_API)
            if needed != HOOK_API:
                raise RuntimeError(f"it needs HOOK_API {needed}, this server has {HOOK_API}")
            self._objects[entry.name] = plugin
        self._manager.register(self._objects[entry.name], entry.name)
        self._manager.check_pending()

    def quarantine(self, name: str, error: BaseException | str) -> None:
        """Take back what a plugin registered, and log why."""
        plugin = self._plugins[name]
        plugin.status = "quarantined"
        plugin.reason = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
        plugin.until_ms = None
        if self._manager.has_plugin(name):
            self._manager.unregister(name=name)
        log.error(
            "plugin_quarantined",
            plugin=name,
            group=self._group,
            reason=plugin.reason,
            exc_info=error if isinstance(error, BaseException) else None,
        )
        self._sources.see(self._group, name, plugin.reason)
        self.forget(name)

    def quarantine_for_a_while(self, name: str, reason: str) -> None:
        """Quarantine a plugin that runs: longer if it was quarantined a short while ago."""
        if self.loaded(name):
            self.quarantine(name, reason)
            self._plugins[name].until_ms = self._sources.keep(self._group, name, reason)

    def spares(self, name: str) -> bool:
        """Whether a plugin stays however often it fails: it is required, or checks something."""
        return name in self._sources.required or self.checks(name)

    async def bring_back(self, name: str) -> bool:
        """Use a quarantined plugin again, with all that can be registered while the server runs.

        Whether it is in use now; one that fails is quarantined again.
        """
        plugin, entry = self._plugins.get(name), self._entries.get(name)
        if plugin is None or entry is None or plugin.status != "quarantined":
            return self.loaded(name)
        if name not in self._objects:
            # Beside the loop; what fails here fails again below, and is told there.
            await asyncio.gather(
                asyncio.to_thread(import_module, entry.module), return_exceptions=True
            )
        plugin.status, plugin.reason, plugin.until_ms = "loaded", "", None
        self.runner.start(name, lambda: self._import(entry), doing="import")
        for registration in self._registrations:
            if registration.returns and self.loaded(name):
                self._register(registration, name)
        if self.loaded(name):
            log.warning("plugin_returned", plugin=name, group=self._group)
        return self.loaded(name)

    def implementations(
        self, hook: str
    ) -> Iterator[tuple[str, Callable[..., Any], tuple[str, ...]]]:
        """Who implements a hook: the plugin's name, its function, the arguments it takes."""
        for name in self._plugins:
            for implementation in getattr(self._manager.hook, hook).get_hookimpls():
                if implementation.plugin_name == name:
                    yield name, implementation.function, implementation.argnames

    def register(
        self,
        hook: str,
        accept: Callable[[str, Any], None],
        undo: Callable[[str], object] = lambda name: None,
        prepare: Callable[[str], dict[str, object]] = lambda name: {},
        *,
        returns: bool = True,
        **arguments: object,
    ) -> None:
        """Call a ``register_*`` hook plugin by plugin, giving each result to ``accept``.

        ``accept(plugin name, result)`` may raise to refuse it; ``undo(plugin name)`` then takes
        back what that plugin had registered. ``prepare(plugin name)`` gives arguments that are
        each plugin's own. First loaded, first called. ``returns``: it is called again for a plugin
        that comes back while the server runs.
        """
        registration = _Registration(hook, accept, undo, prepare, arguments, returns)
        self._registrations.append(registration)
        for name in [*self._plugins]:
            self._register(registration, name)

    def _register(self, registration: _Registration, name: str) -> None:
        for by, function, names in [*self.implementations(registration.hook)]:
            if by == name:
                self.runner.start(
                    name,
                    partial(_accept, registration, name, function, names),
                    doing=registration.hook,
                    undo=partial(registration.undo, name),
                )


def _accept(
    registration: _Registration, name: str, function: Callable[..., Any], names: tuple[str, ...]
) -> None:
    arguments = {**registration.arguments, **registration.prepare(name)}
    registration.accept(name, function(**{key: arguments[key] for key in names}))


def check_name(name: str) -> None:
    """Return if a plugin may be called so.

    Raises:
        ValueError: it may not.
    """
    if name == CORE or _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no name of a plugin")


def names_of_plugins(folder: Path | None) -> set[str]:
    """Those that are installed, and those in a folder of single files."""
    single_files = folder.glob("*.py") if folder else ()
    return {entry.name for entry in entry_points(group=GROUP)} | {
        path.stem.removesuffix(_DASH_HALF) for path in single_files
    }


def loaders_of_halves() -> set[str]:
    """The plugins that load halves of others: the group of those is called after them."""
    prefix = f"{GROUP}_"
    groups = entry_points().groups
    return {group.removeprefix(prefix) for group in groups if group.startswith(prefix)}


def _check_file(entry: EntryPoint, folder: Path | None) -> None:
    """Return unless a single file has the name of a module that would be taken instead of it."""
    if entry.dist is not None or folder is None:
        return
    spec = find_spec(entry.value)
    if spec is None or spec.origin is None or Path(spec.origin).parent != folder:
        raise ImportError(f"there is another module called {entry.value}: rename the file")


def folder_of(plugin: Plugin) -> Path | None:
    """Where a plugin's code lies: its ``locale`` and ``assets`` are beside it."""
    file = _file_of(plugin)
    return None if file is None else file.parent


def version_of(plugin: Plugin) -> str:
    """What changes with a plugin's code; a single file has its time of change."""
    if plugin.distribution:
        return f"{plugin.distribution} {plugin.version}"
    file = _file_of(plugin)
    return "" if file is None else str(file.stat().st_mtime_ns)


def _file_of(plugin: Plugin) -> Path | None:
    file = getattr(sys.modules.get(plugin.module.partition(":")[0]), "__file__", None)
    return None if file is None else Path(file)
