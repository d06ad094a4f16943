"""The child's side of content: loads what the server loaded, so that types and views can be asked.

Owns what a plugin gets there. Runs in the fork server, before any content is seen: nothing of the
server is at hand, neither database nor files nor secrets. Invariant: of a plugin's hooks, those
that give message types and views are called, and no others.
"""

from __future__ import annotations

import sys
from collections.abc import Callable, Iterable, Mapping
from pathlib import Path
from typing import Any

import msgspec
import structlog
from msgspec import Struct

from dash_messenger.isolation import content_work
from dash_messenger.plugin_api.hookspecs import PROJECT, ServerHooks
from dash_messenger.plugin_api.message_types import MessageType
from dash_messenger.plugin_api.sources import Sources
from dash_messenger.plugin_api.type_registry import MessageTypes
from dash_messenger.plugin_api.views import View
from dash_messenger.plugins.declared_settings import decode_settings
from dash_messenger.plugins.loader import GROUP, Plugin, Plugins, folder_of, names_of_plugins
from dash_messenger.plugins.translations import Catalogues

__all__ = ["ENTRY", "ChildSetup", "encode_setup", "load"]

ENTRY = "dash_messenger.plugins.content_child:load"


class ChildSetup(Struct, frozen=True):
    """What a child loads.

    ``plugins`` are those that the server has in use; ``halves`` those Dash halves, by group, that
    it has not. ``versions`` and ``settings`` are there so that a change of them is a change of
    this.
    """

    path: list[str]
    folder: str | None
    plugins: list[str]
    halves: dict[str, list[str]]
    versions: dict[str, str]
    settings: dict[str, dict[str, str]]


def encode_setup(
    halves: Iterable[Plugin],
    folder: Path | None,
    versions: dict[str, str],
    settings: dict[str, dict[str, str]],
) -> bytes:
    """What children load: of these halves of plugins those that are in use, with their settings."""
    plugins: list[str] = []
    not_in_use: dict[str, list[str]] = {}
    for one in halves:
        if one.group == GROUP and one.status == "loaded":
            plugins.append(one.name)
        elif one.group != GROUP and one.status != "loaded":
            not_in_use.setdefault(one.group, []).append(one.name)
    setup = ChildSetup(
        path=[path for path in sys.path if path],
        folder=None if folder is None else str(folder),
        plugins=plugins,
        halves=not_in_use,
        versions=versions,
        settings=settings,
    )
    return msgspec.json.encode(setup, order="sorted")


class ChildContext:
    """What a type or view may use of its plugin's `Context` in a child."""

    def __init__(self, name: str, code: Path | None, settings: Callable[[], Struct]) -> None:
        self.name = name
        self.log = structlog.get_logger(f"plugin.{name}").bind(plugin=name)
        self._catalogues = Catalogues(code)
        self._settings = settings

    @property
    def settings(self) -> Any:
        """The settings in force."""
        return self._settings()

    def translate(self, language: str) -> Callable[[str], str]:
        """The plugin's sentences in a language."""
        return self._catalogues.of(language)

    def __getattr__(self, name: str) -> Any:
        raise AttributeError(
            f"context.{name} is not there for code that works on content: it runs in a process of "
            "its own, with context.name, log, settings and translate"
        )


def load(setup: bytes) -> Mapping[str, Callable[[bytes], bytes]]:
    """The work on content that a child can be given, by name."""
    given = msgspec.json.decode(setup, type=ChildSetup)
    sys.path += [place for place in given.path if place not in sys.path]
    folder = None if given.folder is None else Path(given.folder)
    sources = Sources(
        without=frozenset(names_of_plugins(folder)) - set(given.plugins),
        folder=folder,
        quarantined_halves={
            group: dict.fromkeys(names, "not in use in the server")
            for group, names in given.halves.items()
        },
        draws_only=True,
    )
    plugins = Plugins(group=GROUP, project=PROJECT, hooks=ServerHooks)
    plugins.load(sources)
    settings = _Settings(plugins, given.settings)
    contexts = {
        plugin.name: ChildContext(plugin.name, folder_of(plugin), settings.of(plugin.name))
        for plugin in plugins
    }
    types, views = MessageTypes(), dict[str, View]()

    def add_types(name: str, found: Iterable[MessageType[Any, Any, Any]]) -> None:
        for one in found:
            types.add(one)
            one.load()

    def add_views(name: str, found: Iterable[View]) -> None:
        for one in found:
            one.load()
            views[one.name] = one

    def prepare(name: str) -> dict[str, object]:
        return {"context": contexts[name], "sources": sources, "types": types}

    plugins.register("register_message_types", add_types, prepare=prepare)
    plugins.register("register_views", add_views, prepare=prepare)
    return content_work.jobs(types, {name: view.draw for name, view in views.items()})


class _Settings:
    """The plugins' settings, each read when it is asked for: the struct is the plugin's own."""

    def __init__(self, plugins: Plugins, values: dict[str, dict[str, str]]) -> None:
        self._plugins = plugins
        self._values = values
        self._read: dict[str, Struct] = {}

    def of(self, plugin: str) -> Callable[[], Struct]:
        def read() -> Struct:
            if plugin not in self._read:
                self._read[plugin] = self._decode(plugin)
            return self._read[plugin]

        return read

    def _decode(self, plugin: str) -> Struct:
        for name, declare, _ in self._plugins.implementations("register_settings"):
            if name == plugin:
                return decode_settings(declare(), self._values.get(plugin, {}))
        return Struct()
