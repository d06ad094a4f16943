"""How messages look on the pages: the plugins' views, and the renderer that calls them.

Owns which view draws which type. Must not know Dash: a component is whatever says
``to_plotly_json``. `draw` runs in the server's drawing thread; everything else happens at start.
"""

from __future__ import annotations

import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

from dash_messenger import Message, MessageTypes, Plugins, Sources, View
from msgspec import UNSET

from dash_messenger_webui.composing import Composer, MenuEntry, composer_json, menu_json
from dash_messenger_webui.contract import Drawable, MessageView, body_json
from dash_messenger_webui.extensions import Page, SettingsPanel, StepView, ThemeView, step_json
from dash_messenger_webui.hookspecs import GROUP, PROJECT, DashHooks
from dash_messenger_webui.translations import LANGUAGES, Words, folder_of, words_beside

__all__ = ["Extension", "MessageViews"]

PAGE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")


@dataclass(frozen=True, slots=True)
class _Entry:
    view: MessageView[Any, Any]
    plugin: str
    folder: Path
    words: dict[str, Words]


@dataclass(frozen=True, slots=True)
class Extension:
    """Something else that a plugin's Dash half registered, with the plugin's words."""

    plugin: str
    value: Any
    folder: Path
    words: dict[str, Words]


class MessageViews:
    """The registered views by message type."""

    def __init__(self) -> None:
        self.plugins = Plugins(group=GROUP, project=PROJECT, hooks=DashHooks)
        self._entries: dict[str, _Entry] = {}
        self._types: MessageTypes | None = None
        self.theme_views: dict[str, Extension] = {}
        self.steps: dict[str, Extension] = {}
        self.panels: dict[str, Extension] = {}
        # By address, without the "/p/".
        self.pages: dict[str, Extension] = {}
        self.plugins.forget = self.remove

    def load(self, sources: Sources) -> None:
        """Load the Dash halves that are installed, each on its own."""
        self.plugins.load(sources)
        self.plugins.register("register_message_views", self.add, self.remove)
        for hook, kind, taken in (
            ("register_theme_views", ThemeView, self.theme_views),
            ("register_step_views", StepView, self.steps),
            ("register_settings_panels", SettingsPanel, self.panels),
            ("register_pages", Page, self.pages),
        ):
            self.plugins.register(hook, partial(self._add_extensions, kind, taken), self.remove)

    def _add_extensions(
        self, kind: type[Any], taken: dict[str, Extension], plugin: str, found: Iterable[Any]
    ) -> None:
        for one in found:
            if not isinstance(one, kind):
                raise TypeError(f"{one!r} is not a {kind.__name__}")
            name = _name_of(plugin, one)
            if name in taken:
                raise ValueError(f"{kind.__name__} {name} is registered twice")
            folder = folder_of(one)
            taken[name] = Extension(plugin, one, folder, words_beside(folder))

    def add(self, plugin: str, views: Iterable[MessageView[Any, Any]]) -> None:
        """Register a plugin's views.

        Raises:
            TypeError: one is no `MessageView`.
            ValueError: one has no type, or another plugin draws that type.
        """
        for view in views:
            if not isinstance(view, MessageView):
                raise TypeError(f"{view!r} is not a MessageView")
            name = getattr(view, "type", None)
            if not isinstance(name, str):
                raise ValueError(f"{type(view).__name__} names no message type")
            if name in self._entries:
                raise ValueError(f"messages of type {name} are drawn by another plugin")
            folder = folder_of(view)
            self._entries[name] = _Entry(view, plugin, folder, words_beside(folder))

    def remove(self, plugin: str) -> None:
        """Forget what a plugin registered."""
        self._entries = {n: e for n, e in self._entries.items() if e.plugin != plugin}
        for taken in (self.theme_views, self.steps, self.panels, self.pages):
            for name in [name for name, one in taken.items() if one.plugin == plugin]:
                del taken[name]

    def bind(self, types: MessageTypes) -> None:
        """From now on draw the messages of these types; the views of others stay unused."""
        self._types = types

    def read_ahead(self) -> None:
        """Read every catalogue and import what is slow, so that no message waits for it."""
        self.load_views()
        for entry in self._entries.values():
            for words in entry.words.values():
                words.read()

    def refusals(self, language: str) -> dict[str, str]:
        """What plugins' server halves refuse with, by their English, in a language.

        Their sentences come as they were written; the catalogue lies beside both halves.
        """
        return {
            english: words
            for entry in self._entries.values()
            for english, words in entry.words[language].sentences.items()
        }

    def step_views(self, language: str) -> dict[str, dict[str, Any]]:
        """How each step of the log-in is asked for; one that cannot say so is set aside."""
        drawn = {}
        for name, one in list(self.steps.items()):
            try:
                drawn[name] = step_json(one.value, one.words[language])
            # The edge to a stranger's code.
            except Exception as error:
                self.remove(one.plugin)
                self.plugins.quarantine(one.plugin, error)
        return drawn

    def step_refusals(self, language: str) -> dict[str, str]:
        """What the steps' plugins refuse with, as `refusals`."""
        return {
            english: words
            for one in self.steps.values()
            for english, words in one.words[language].sentences.items()
        }

    def as_view(self) -> View:
        """What core asks to draw messages: ``dash:en``, ``dash:ru``."""
        return View(
            name="dash",
            languages=tuple(LANGUAGES),
            draw=self.draw,
            failed=self._failed,
            plugin_of=lambda type: self.owners().get(type),
        )

    def _failed(self, type: str, error: BaseException, grave: bool) -> None:
        entry = self._entries.get(type)
        if entry is not None:
            self.plugins.failed(entry.plugin, error, grave=grave)

    def draw(self, message: Message, language: str) -> bytes | None:
        """A message's body as the time line's JSON, or None where its text is to be shown."""
        entry = self._entries.get(message.type)
        if entry is None or self._types is None or message.content is None:
            return None
        version = 1 if message.type_version is UNSET else message.type_version
        content = self._types.decode(message.type, message.content, version)
        if content is None:
            return None
        state = None if message.state is UNSET else message.state
        drawable = Drawable(
            id=message.id,
            rev=message.rev,
            sender=message.sender,
            content=content,
            text=message.text or "",
            sent_at_ms=message.sent_at_ms,
            state=self._types.decode_state(message.type, state),
        )
        return body_json(entry.view.render(drawable, entry.words[language]))

    def composers(self, language: str) -> list[dict[str, Any]]:
        """How the registered types are written, by rank, as the browser draws it."""
        found: list[tuple[str, Composer]] = []
        for name, composer in self._ask(language, self._composer):
            if composer is not None:
                found.append((name, composer))
        found.sort(key=lambda each: (each[1].rank, each[0]))
        plugins = self.owners()
        return [
            composer_json(name, composer, composer.guide and f"/p/{plugins[name]}/{composer.guide}")
            for name, composer in found
        ]

    def _composer(self, view: MessageView[Any, Any], t: Words) -> object:
        composer = view.composer(t)
        if isinstance(composer, Composer) and composer.guide is not None:
            page = f"{self._entries[view.type].plugin}/{composer.guide}"
            if page not in self.pages:
                raise ValueError(f"there is no page {page}")
        return composer

    def menus(self, language: str) -> dict[str, list[dict[str, Any]]]:
        """What the menu of each type's messages offers of its own."""
        return {
            name: [menu_json(entry) for entry in entries]
            for name, entries in self._ask(language, lambda view, t: view.menu(t))
            if entries
        }

    def _ask(
        self, language: str, question: Callable[[MessageView[Any, Any], Words], Any]
    ) -> Iterator[tuple[str, Any]]:
        """What each view in use answers; one that raises is set aside."""
        for name, entry in list(self._entries.items()):
            if self._types is None or name not in self._types:
                continue
            try:
                answer = question(entry.view, entry.words[language])
                _check(answer)
            # The edge to a stranger's code.
            except (Exception, SystemExit) as error:
                self.plugins.quarantine(entry.plugin, error)
                continue
            yield name, answer

    def load_views(self) -> None:
        """Let each view import what is slow; one that raises is set aside."""
        for entry in list(self._entries.values()):
            try:
                entry.view.load()
            # The edge to a stranger's code.
            except (Exception, SystemExit) as error:
                self.plugins.quarantine(entry.plugin, error)

    def each(self) -> list[tuple[str, MessageView[Any, Any]]]:
        """Every view with its plugin."""
        return [(entry.plugin, entry.view) for entry in self._entries.values()]

    def owners(self) -> dict[str, str]:
        """The plugin that draws each type: bodies carry it, and its style sheets hold for them."""
        return {name: entry.plugin for name, entry in self._entries.items()}

    def style_sheets(self) -> list[tuple[str, Path]]:
        """Each plugin's ``assets/*.css``, by plugin."""
        parts = (*self.panels.values(), *self.pages.values())
        folders = {part.plugin: part.folder for part in parts}
        folders.update((entry.plugin, entry.folder) for entry in self._entries.values())
        return [
            (plugin, path)
            for plugin, folder in sorted(folders.items())
            for path in sorted((folder / "assets").glob("*.css"))
        ]


def _name_of(plugin: str, one: ThemeView | StepView | SettingsPanel | Page) -> str:
    if isinstance(one, ThemeView):
        return one.theme
    if isinstance(one, StepView):
        return one.step
    if isinstance(one, SettingsPanel):
        return f"{plugin}-{one.name}"
    if not PAGE_NAME.fullmatch(one.name):
        raise ValueError(f"{one.name!r} is no name of a page")
    return f"{plugin}/{one.name}"


def _check(answer: object) -> None:
    fits = answer is None or isinstance(answer, Composer)
    if not fits and isinstance(answer, list):
        fits = all(isinstance(entry, MenuEntry) for entry in answer)
    if not fits:
        raise TypeError(f"it returned {answer!r}")
