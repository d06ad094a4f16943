"""What plugins add beside messages: themes to choose from, sections of the settings, pages.

Owns the wiring. Invariant: what a plugin's part or callback does wrong is told in its place and
in the log with the plugin's name; the rest of the page stands, and so does the plugin.
"""

from __future__ import annotations

import inspect
from collections.abc import Awaitable, Callable, Iterable, Mapping
from dataclasses import dataclass
from functools import wraps
from typing import Any

from dash import Dash, Input, Output, html, no_update
from dash.exceptions import PreventUpdate
from dash_messenger import Failure, Plugins, Theme

from dash_messenger_webui.pages.callback_parameters import checked
from dash_messenger_webui.pages.failures import Sentences
from dash_messenger_webui.rendering.message_views import Extension, MessageViews
from dash_messenger_webui.session import reader

__all__ = ["Offers", "Part", "PluginApp", "offers", "part_of", "register_extensions"]

CALLBACK_WITHIN_S = 10.0


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
    plugins, labels = views.plugins, {}
    for theme in themes:
        named = views.theme_views.by_name.get(theme.name)
        label = _label(named, plugins, language) if named else None
        labels[theme.name] = label or theme.name.capitalize()
    return Offers(
        labels,
        {one.name: one.scheme for one in themes},
        _parts(views.panels.by_name, plugins, language),
        _parts(views.pages.by_name, plugins, language),
    )


def _parts(found: Mapping[str, Extension], plugins: Plugins, language: str) -> list[Part]:
    parts = (part_of(name, found[name], plugins, language) for name in sorted(found))
    return [part for part in parts if part is not None]


def part_of(name: str, extension: Extension, plugins: Plugins, language: str) -> Part | None:
    """A section or page with its heading; None where the plugin cannot say one."""
    label = _label(extension, plugins, language)
    return Part(name, extension.plugin, extension.value.icon, label) if label else None


def _label(extension: Extension, plugins: Plugins, language: str) -> str | None:
    def ask() -> str:
        return _text(extension.value.label(extension.words[language]))

    try:
        return plugins.runner.call(extension.plugin, ask, doing="label")
    except Failure:
        return None


def _text(answer: object) -> str:
    if not isinstance(answer, str):
        raise TypeError(f"label() returned {answer!r}")
    return answer


def register_extensions(app: Dash, views: MessageViews, sentences: Sentences) -> None:
    """Add the callbacks of plugins, and the one that fills their sections."""
    for kind, parts in (("settings-panel", views.panels), ("page", views.pages)):
        for name, part in list(parts.by_name.items()):
            if not _register(part.value, app, part.plugin, views.plugins):
                continue
            id = {kind: name}
            # A page is asked for as soon as it stands there, a section when the settings open.
            opens = Input(id, "id") if kind == "page" else Input("settings", "opened")
            _fill(app, id, opens, part, views.plugins, sentences)
    for plugin, view in views.each():
        _register(view, app, plugin, views.plugins)
    views.close_callbacks()


def _register(one: Any, app: Dash, plugin: str, plugins: Plugins) -> bool:
    bounded = PluginApp(app, plugin, plugins)
    return plugins.runner.start(plugin, lambda: one.register(bounded), doing="register")


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
            return await plugins.runner.run(
                part.plugin,
                lambda: part.value.layout(part.words[reader().language]),
                doing=f"layout of {part.value.name}",
                within_s=CALLBACK_WITHIN_S,
                raises=Failure,
            )
        except Failure as failure:
            return _problem(sentences.of(failure))


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

            work = checked(function)

            @wraps(function)
            async def bounded(*values: Any) -> Any:
                # Pages that were open before still ask.
                if not self._plugins.loaded(self._plugin):
                    raise PreventUpdate
                answer = await self._plugins.runner.run(
                    self._plugin,
                    lambda: _unless_prevented(work(*values)),
                    doing=f"callback {function.__name__}",
                    within_s=CALLBACK_WITHIN_S,
                )
                if isinstance(answer, PreventUpdate):
                    raise answer
                return answer

            return self._app.callback(*arguments, **options)(bounded)

        return declare


async def _unless_prevented(work: Awaitable[Any]) -> Any:
    """What a callback answers; that nothing is to be changed is no failure."""
    try:
        return await work
    except PreventUpdate as nothing:
        return nothing


def _dependencies(arguments: Iterable[Any]) -> Iterable[Any]:
    for argument in arguments:
        if isinstance(argument, list | tuple):
            yield from _dependencies(argument)
        elif hasattr(argument, "component_id"):
            yield argument
