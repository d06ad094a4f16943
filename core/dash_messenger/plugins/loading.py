"""Finds plugins by their entry points and loads each on its own.

Owns which plugins there are and why one of them is quarantined. A plugin that fails to import,
raises while registering, registers what is taken or needs another ``HOOK_API`` is set aside with
its reason, and everything else goes on. Must not know what the registered objects do.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterator, Mapping
from dataclasses import dataclass, field
from importlib.metadata import EntryPoint, entry_points
from importlib.util import find_spec
from pathlib import Path
from typing import Any, Literal

import pluggy
import structlog

from dash_messenger.plugins.hookspecs import HOOK_API

__all__ = ["GROUP", "Plugin", "Plugins", "Sources"]

GROUP = "dash_messenger"

log = structlog.get_logger(__name__)


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
    """

    without: frozenset[str] = frozenset()
    disabled: frozenset[str] = frozenset()
    quarantined: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None


class Plugins:
    """The plugins of one group, in the order of their names."""

    def __init__(self, *, group: str, project: str, hooks: type) -> None:
        self._group = group
        self._manager = pluggy.PluginManager(project)
        self._manager.add_hookspecs(hooks)
        self._plugins: dict[str, Plugin] = {}
        # Called with the name of a plugin that is set aside: takes back what it had registered.
        self.forget: Callable[[str], None] = lambda name: None

    def __iter__(self) -> Iterator[Plugin]:
        return iter(self._plugins.values())

    def loaded(self, name: str) -> bool:
        """Whether the plugin called ``name`` is there and not quarantined."""
        plugin = self._plugins.get(name)
        return plugin is not None and plugin.status == "loaded"

    def load(self, sources: Sources = Sources()) -> None:
        """Import every plugin of the group that there is, as ``sources`` says."""
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
            EntryPoint(path.stem.removesuffix("_ui"), path.stem, self._group)
            for path in sorted(folder.glob("*.py"))
            if path.stem.isidentifier() and path.stem.endswith("_ui") is not server
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
        if entry.name in sources.quarantined:
            plugin.status, plugin.reason = "quarantined", sources.quarantined[entry.name]
            return
        try:
            _check_file(entry, sources.folder)
            found = entry.load()
            # A class is for plugins that keep something between their hooks.
            self._register(entry.name, found() if isinstance(found, type) else found)
        # A plugin's module may raise anything, SystemExit included; it must not stop the others.
        except (Exception, SystemExit) as error:
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
        self.forget(name)

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
            except Exception as error:
                undo(name)
                self.quarantine(name, error)


def _check_file(entry: EntryPoint, folder: Path | None) -> None:
    """Return unless a single file has the name of a module that would be taken instead of it."""
    if entry.dist is not None or folder is None:
        return
    spec = find_spec(entry.value)
    if spec is None or spec.origin is None or Path(spec.origin).parent != folder:
        raise ImportError(f"there is another module called {entry.value}: rename the file")
