"""Finds plugins by their entry points and loads each on its own.

Owns which plugins there are and why one of them is quarantined. A plugin that fails to import,
raises while registering, registers what is taken or needs another ``HOOK_API`` is set aside with
its reason, and everything else goes on. Must not know what the registered objects do.
"""

from __future__ import annotations

import re
import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import pluggy
import structlog

from dash_messenger.errors import ANYTHING
from dash_messenger.isolation.failures import (
    MAX_FAILURES,
    MAX_GRAVE_FAILURES,
    WITHIN_S,
    Failures,
)

__all__ = [
    "GROUP",
    "HOOK_API",
    "Plugin",
    "Plugins",
    "RequiredPluginMissing",
    "Sources",
    "check_name",
    "names_of_plugins",
]

GROUP = "dash_messenger"
# Raised when a hook changes so that plugins written for an older one would break. A plugin module
# may say ``HOOK_API = 1``; another number than ours quarantines it instead of failing later.
HOOK_API = 1
# Tables, folders and commands are called by it.
_NAME = re.compile(r"\w[\w.-]*")
# What the server itself keeps goes by this name, where plugins' goes by theirs.
_OURS = "core"
# The Dash half of a plugin that is a single file.
_DASH_HALF = "_ui"

log = structlog.get_logger(__name__)


class RequiredPluginMissing(Exception):
    """A plugin that the settings require is not in use; the sentence says which and why."""


@dataclass(slots=True)
class Plugin:
    """One entry point: its name, the distribution it came with, and how it fares."""

    name: str
    group: str
    distribution: str
    version: str
    module: str
    status: Literal["loaded", "quarantined", "disabled"] = "loaded"
    reason: str = ""


@dataclass(frozen=True, slots=True)
class Sources:
    """Where plugins are found and which of them are left alone.

    ``without`` are names that are as good as not installed; ``disabled`` and ``quarantined`` (with
    the reason) are listed and not loaded. ``folder`` holds plugins of a single file each:
    ``dice.py`` is the server half of plugin ``dice``, ``dice_ui.py`` its Dash half.
    ``quarantined_halves`` are those of one group alone, by group and name.

    ``loading(name, module)`` hears of each plugin just before it is imported;
    ``see(group, name, reason)`` of each that is set aside, ``keep(group, name, reason)`` of each
    that is so for good. Those that are ``required`` never are.
    """

    without: frozenset[str] = frozenset()
    disabled: frozenset[str] = frozenset()
    quarantined: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    quarantined_halves: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    loading: Callable[[str, str], None] = lambda name, module: None
    see: Callable[[str, str, str], None] = lambda group, name, reason: None
    keep: Callable[[str, str, str], None] = lambda group, name, reason: None


class Plugins:
    """The plugins of one group, in the order of their names."""

    def __init__(self, *, group: str, project: str, hooks: type) -> None:
        self._group = group
        self._manager = pluggy.PluginManager(project)
        self._manager.add_hookspecs(hooks)
        self._plugins: dict[str, Plugin] = {}
        # Called with the name of a plugin that is set aside: takes back what it had registered.
        self.forget: Callable[[str], None] = lambda name: None
        # Whether a plugin stays however often it fails.
        self.spares: Callable[[str], bool] = lambda name: False
        self._failures = Failures()
        self._sources = Sources()

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self._plugins.values())

    def loaded(self, name: str) -> bool:
        """Whether the plugin called ``name`` is there and not quarantined."""
        plugin = self._plugins.get(name)
        return plugin is not None and plugin.status == "loaded"

    def load(self, sources: Sources = Sources()) -> None:
        """Import every plugin of the group that there is, as ``sources`` says."""
        self._sources = sources
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
        if entry.name in sources.disabled:
            plugin.status = "disabled"
            return
        halves = sources.quarantined_halves.get(self._group, {})
        reason = sources.quarantined.get(entry.name) or halves.get(entry.name)
        if reason:
            plugin.status, plugin.reason = "quarantined", reason
            return
        try:
            check_name(entry.name)
            _check_file(entry, sources.folder)
            sources.loading(entry.name, entry.value)
            found = entry.load()
            # A class is for plugins that keep something between their hooks.
            self._register(entry.name, found() if isinstance(found, type) else found)
        # A plugin's module may raise anything, SystemExit included; it must not stop the others.
        except ANYTHING as error:
            self.quarantine(entry.name, error)

    def _register(self, name: str, plugin: object) -> None:
        needed = getattr(plugin, "HOOK_API", HOOK_API)
        if needed != HOOK_API:
            raise RuntimeError(f"it needs HOOK_API {needed}, this server has {HOOK_API}")
        self._manager.register(plugin, name)
        self._manager.check_pending()

    def quarantine(self, name: str, error: BaseException | str) -> None:
        """Set a plugin aside and log why."""
        plugin = self._plugins[name]
        plugin.status = "quarantined"
        plugin.reason = error if isinstance(error, str) else f"{type(error).__name__}: {error}"
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

    def set_aside(self, name: str, error: BaseException | str) -> None:
        """Quarantine a plugin, at the next start too: it would fail again."""
        if self.loaded(name):
            self.quarantine(name, error)
            self._sources.keep(self._group, name, self._plugins[name].reason)

    def failed(self, name: str, error: BaseException, *, grave: bool = False) -> None:
        """Note that a plugin's code failed; too often, and it is set aside.

        Not one that is required, or that `spares` names. Failures are ``grave`` that hold up
        everybody; there may be fewer of them.
        """
        limit = MAX_GRAVE_FAILURES if grave else MAX_FAILURES
        if not self.loaded(name) or not self._failures.count(name, limit=limit):
            return
        if name in self._sources.required or self.spares(name):
            log.error("plugin_keeps_failing", plugin=name, group=self._group)
            return
        self.set_aside(
            name,
            f"it failed {limit} times within {WITHIN_S:.0f} s, at last with "
            f"{type(error).__name__}: {error}",
        )

    def implementations(
        self, hook: str
    ) -> Iterator[tuple[str, Callable[..., Any], tuple[str, ...]]]:
        """Who implements a hook: the plugin's name, its function, the arguments it takes."""
        for implementation in getattr(self._manager.hook, hook).get_hookimpls():
            yield implementation.plugin_name, implementation.function, implementation.argnames

    def register(
        self,
        hook: str,
        accept: Callable[[str, Any], None],
        undo: Callable[[str], None] = lambda name: None,
        prepare: Callable[[str], dict[str, object]] = lambda name: {},
        **arguments: object,
    ) -> None:
        """Call a ``register_*`` hook plugin by plugin, giving each result to ``accept``.

        ``accept(plugin name, result)`` may raise to refuse it; ``undo(plugin name)`` then takes
        back what that plugin had registered. ``prepare(plugin name)`` gives arguments that are
        each plugin's own. First loaded, first called.
        """
        for implementation in list(getattr(self._manager.hook, hook).get_hookimpls()):
            name = implementation.plugin_name
            all_arguments = {**arguments, **prepare(name)}
            given = {key: all_arguments[key] for key in implementation.argnames}
            try:
                accept(name, implementation.function(**given))
            # The edge to a stranger's code.
            except ANYTHING as error:
                undo(name)
                self.quarantine(name, error)


def check_name(name: str) -> None:
    """Return if a plugin may be called so.

    Raises:
        ValueError: it may not.
    """
    if name == _OURS or _NAME.fullmatch(name) is None:
        raise ValueError(f"{name!r} is no name of a plugin")


def names_of_plugins(folder: Path | None) -> set[str]:
    """Those that are installed, and those in a folder of single files."""
    single_files = folder.glob("*.py") if folder else ()
    return {entry.name for entry in entry_points(group=GROUP)} | {
        path.stem.removesuffix(_DASH_HALF) for path in single_files
    }


def _check_file(entry: EntryPoint, folder: Path | None) -> None:
    """Return unless a single file has the name of a module that would be taken instead of it."""
    if entry.dist is not None or folder is None:
        return
    spec = find_spec(entry.value)
    if spec is None or spec.origin is None or Path(spec.origin).parent != folder:
        raise ImportError(f"there is another module called {entry.value}: rename the file")
