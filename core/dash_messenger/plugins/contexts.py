"""The contexts of one server's plugins, and what lasts beyond one call: settings in force, work in
the background.

Owns a table that is empty until plugins are loaded; other rooms hold it and ask when they need a
context. Must not know what a plugin does.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import msgspec
from msgspec import Struct

from dash_messenger.errors import Busy
from dash_messenger.isolation.quotas import MAX_TASKS, MAX_WAITING, Bounds
from dash_messenger.isolation.runner import PluginRunner
from dash_messenger.plugins.context import Parts, PluginContext
from dash_messenger.plugins.declared_settings import decode_settings

__all__ = ["Contexts", "NoSettings"]


class NoSettings(Struct, frozen=True):
    """The settings of a plugin that declares none."""


@dataclass(slots=True)
class Kept:
    """What core keeps of a plugin while it runs."""

    settings_type: type[Struct] = NoSettings
    settings: Struct = field(default_factory=NoSettings)
    bot: str | None = None
    code: Path | None = None


class Contexts:
    """The contexts of one server, by plugin; ``changed`` hears of settings that have changed."""

    def __init__(
        self,
        runner: PluginRunner,
        changed: Callable[[], None],
        *,
        max_waiting: int = MAX_WAITING,
        max_tasks: int = MAX_TASKS,
    ) -> None:
        self.bounds = Bounds(max_waiting=max_waiting)
        self._max_tasks = max_tasks
        self.changed = changed
        self._runner = runner
        self._parts: Parts | None = None
        self._kept: dict[str, Kept] = {}
        self._contexts: dict[str, PluginContext] = {}
        self._values: dict[str, dict[str, str]] = {}
        self._tasks: dict[asyncio.Task[bool], str] = {}

    def open(self, parts: Parts, values: dict[str, dict[str, str]]) -> None:
        """From now on contexts work; ``values`` are the settings that were kept, by plugin."""
        self._parts, self._values = parts, values

    @property
    def parts(self) -> Parts:
        """What contexts are joined to.

        Raises:
            RuntimeError: nothing yet; ``dash-messenger plugins`` only looks at what there is.
        """
        if self._parts is None:
            raise RuntimeError("the server does not run: a context only answers while it does")
        return self._parts

    def of(self, plugin: str) -> PluginContext:
        """The plugin's context; always the same object."""
        found = self._contexts.get(plugin)
        if found is None:
            found = self._contexts[plugin] = PluginContext(plugin, self)
        return found

    def translate(self, plugin: str, language: str) -> Callable[[str], str]:
        """A plugin's sentences in a language."""
        return self.of(plugin).translate(language)

    def kept(self, plugin: str) -> Kept:
        """What is kept of a plugin."""
        return self._kept.setdefault(plugin, Kept())

    def declare_settings(self, plugin: str, declared: object) -> None:
        """Take a plugin's settings struct.

        Raises:
            TypeError: it is none, a field has no default, or nobody could say what is valid.
        """
        if not isinstance(declared, type) or not issubclass(declared, Struct):
            raise TypeError(f"{declared!r} is not a msgspec struct")
        for setting in msgspec.structs.fields(declared):
            # Made again for the form each time; what cannot be described shows itself now.
            msgspec.json.schema(setting.type)
        kept = self.kept(plugin)
        kept.settings = decode_settings(declared, self._values.get(plugin, {}))
        kept.settings_type = declared

    def encoded_settings(self) -> dict[str, dict[str, str]]:
        """The settings in force as JSON, by plugin and field, of those that declare any."""
        return {
            plugin: {
                field.name: msgspec.json.encode(getattr(kept.settings, field.name)).decode()
                for field in msgspec.structs.fields(kept.settings_type)
            }
            for plugin, kept in self._kept.items()
            if kept.settings_type is not NoSettings
        }

    def bot_of(self, plugin: str) -> str | None:
        """The id of a plugin's bot, where it has been made since the start."""
        kept = self._kept.get(plugin)
        return None if kept is None else kept.bot

    def start(self, plugin: str, work: Coroutine[Any, Any, None]) -> None:
        """Run a plugin's background work.

        Raises:
            Busy: it has too much of it already.
        """
        if sum(by == plugin for by in self._tasks.values()) >= self._max_tasks:
            work.close()
            raise Busy
        task = asyncio.get_running_loop().create_task(
            self._runner.attempt(plugin, lambda: work, doing="background work", within_s=None)
        )
        self._tasks[task] = plugin
        task.add_done_callback(self._tasks.pop)

    def remove(self, plugin: str) -> None:
        """End a plugin's background work, and offer its settings no more."""
        for task in [task for task, by in self._tasks.items() if by == plugin]:
            task.cancel()
        self.kept(plugin).settings_type = NoSettings

    async def aclose(self) -> None:
        """End what runs in the background."""
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
