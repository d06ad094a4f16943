"""What plugins add beside messages: themes to choose from, sections of the settings, pages.

Owns the wiring. Invariant: what a plugin's part or callback does wrong is told in its place and
in the log with the plugin's name; the rest of the page stands.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

import structlog
from dash import Dash, Input, Output, html, no_update
from dash.exceptions import PreventUpdate
from dash_messenger import Failure, Plugins, Theme

from dash_messenger_webui.pages.sentences import Sentences
from dash_messenger_webui.session import reader
from dash_messenger_webui.views import Extension, MessageViews

__all__ = ["Offers", "Part", "PluginApp", "offers", "part_of", "register_extensions"]

CALLBACK_WITHIN_S = 10.0

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Part:
    """A section of the settings or a page, as its heading needs it."""

    name: str
    plugin: str
    icon: str
    label: str


@dataclass(frozen=True, slots=True)
class Offers:
    """What there is to choose, in the reader's language: themes by name, sections, pages."""

    themes: dict[str, str]
    schemes: dict[str, str]
    panels: list[Part]
    pages: list[Part]


def offers(views: MessageViews, themes: Iterable[Theme], language: str) -> Offers:
    """What plugins offer."""
    labels = {}
    for theme in themes:
        named = views.theme_views.get(theme.name)
        label = _asked(named, "label", language) if named else None
        labels[theme.name] = label or theme.name.capitalize()
    return Offers(
        labels,
        {one.name: one.scheme for one in themes},
        _parts(views.panels, language),
        _parts(views.pages, language),
    )


def _parts(found: Mapping[str, Extension], language: str) -> list[Part]:
    parts = (part_of(name, found[name], language) for name in sorted(found))
    return [part for part in parts if part is not None]


def part_of(name: str, extension: Extension, language: str) -> Part | None:
    """A section or page with its heading; None where the plugin cannot say one."""
    label = _asked(extension, "label", language)
    return Part(name, extension.plugin, extension.value.icon, label) if label else None


def _asked(extension: Extension, method: str, language: str) -> str | None:
    try:
        answer = getattr(extension.value, method)(extension.words[language])
    # The edge to a stranger's code.
    except (Exception, SystemExit):
        log.exception("extension_failed", plugin=extension.plugin, method=method)
        return None
    return answer if isinstance(answer, str) else None


def register_extensions(app: Dash, views: MessageViews, sentences: Sentences) -> None:
    """Add the callbacks of plugins, and the one that fills their sections."""
    for kind, parts in (("settings-panel", views.panels), ("page", views.pages)):
        for name, part in list(parts.items()):
            try:
                part.value.register(PluginApp(app, part.plugin, views.plugins))
            # The edge to a stranger's code.
            except (Exception, SystemExit) as error:
                views.plugins.quarantine(part.plugin, error)
                continue
            id = {kind: name}
            # A page is asked for as soon as it stands there, a section when the settings open.
            opens = Input(id, "id") if kind == "page" else Input("settings", "opened")
            _fill(app, id, opens, part, views.plugins, sentences)
    for plugin, view in views.each():
        try:
            view.register(PluginApp(app, plugin, views.plugins))
        # As above.
        except (Exception, SystemExit) as error:
            views.plugins.quarantine(plugin, error)


def _fill(
    app: Dash,
    id: dict[str, str],
    opens: Input,
    part: Extension,
    plugins: Plugins,
    sentences: Sentences,
) -> None:
    @app.callback(Output(id, "children"), opens, prevent_initial_call="page" not in id)
    async def fill(opened: object) -> Any:
        if not opened or not plugins.loaded(part.plugin):
            return no_update
        try:
            async with asyncio.timeout(CALLBACK_WITHIN_S):
                return await part.value.layout(part.words[reader().language])
        except Failure as failure:
            return _problem(sentences.of(failure))
        # As above.
        except (Exception, SystemExit) as error:
            log.exception("layout_failed", plugin=part.plugin, part=id)
            plugins.failed(part.plugin, error)
            return _problem(sentences.t("Something went wrong on the server."))


def _problem(sentence: str) -> Any:
    return html.P(sentence, className="form-error", role="alert")


class PluginApp:
    """What a plugin's Dash half adds callbacks to: as Dash's, but bounded to the plugin."""

    def __init__(self, app: Dash, plugin: str, plugins: Plugins) -> None:
        self._app = app
        self._plugin = plugin
        self._plugins = plugins

    def callback(self, *arguments: Any, **options: Any) -> Callable[[Any], Any]:
        """Declare a callback, as `dash.Dash.callback`.

        Raises:
            TypeError: the function is not async; it would stop every socket while it runs.
            ValueError: an id is not the plugin's own.
        """
        for dependency in _dependencies(arguments):
            id = dependency.component_id
            if not isinstance(id, dict) or id.get("plugin") != self._plugin:
                raise ValueError(f"{id!r} is no id of plugin {self._plugin}")

        def declare(function: Any) -> Any:
            if not inspect.iscoroutinefunction(function):
                raise TypeError(f"callback {function.__name__} is not async")

            @wraps(function)
            async def bounded(*values: Any) -> Any:
                # Pages that were open before still ask.
                if not self._plugins.loaded(self._plugin):
                    raise PreventUpdate
                try:
                    async with asyncio.timeout(CALLBACK_WITHIN_S):
                        return await function(*values)
                # A refusal of a command is told by the page, and nobody's fault.
                except (PreventUpdate, Failure):
                    raise
                # As above.
                except (Exception, SystemExit) as error:
                    log.exception("callback_failed", plugin=self._plugin)
                    self._plugins.failed(self._plugin, error)
                    raise RuntimeError(f"a callback of {self._plugin} failed") from error

            return self._app.callback(*arguments, **options)(bounded)

        return declare


def _dependencies(arguments: Iterable[Any]) -> Iterable[Any]:
    for argument in arguments:
        if isinstance(argument, list | tuple):
            yield from _dependencies(argument)
        elif hasattr(argument, "component_id"):
            yield argument
