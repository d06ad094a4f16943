"""How messages look on the pages: the plugins' views, and the renderer that calls them.

Owns which view draws which type. Must not know Dash: a component is whatever says
``to_plotly_json``. `draw` runs in a child process, or in the server's drawing thread for views that
are ``inline``. What a view says of itself is asked at start, where a failure quarantines its
plugin, and for each page, where it costs the page that view alone.
"""

from __future__ import annotations

import asyncio
import re
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from functools import partial
from pathlib import Path
from typing import Any

import structlog
from dash_messenger import Failure, Message, MessageTypes, Plugins, Registry, Sources, View
from msgspec import UNSET

from dash_messenger_webui.addresses import OF_PLUGINS
from dash_messenger_webui.api.composers import Composer, MenuEntry, composer_json, menu_json
from dash_messenger_webui.api.contract import Drawable, MessageView, body_json
from dash_messenger_webui.api.extensions import Page, SettingsPanel, StepView, ThemeView, step_json
from dash_messenger_webui.api.hookspecs import GROUP, PROJECT, DashHooks
from dash_messenger_webui.i18n.translations import LANGUAGES, Words, folder_of, words_beside

__all__ = ["Extension", "MessageViews"]

PAGE_NAME = re.compile(r"[a-z0-9][a-z0-9-]{0,39}")
MODULE_NAME = re.compile(r"[a-z0-9_-]{1,64}\.js")

log = structlog.get_logger(__name__)


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
        self._entries: Registry[_Entry] = Registry("view of message type")
        self._types: MessageTypes | None = None
        self.theme_views: Registry[Extension] = Registry("theme view")
        self.steps: Registry[Extension] = Registry("step view")
        self.panels: Registry[Extension] = Registry("settings panel")
        # By address, without `OF_PLUGINS` before it.
        self.pages: Registry[Extension] = Registry("page")
        # Those of whose sections and pages the callbacks are there, once they all are.
        self._with_callbacks: frozenset[str] | None = None
        self._loaded = False
        self.plugins.forget = self.remove

    def load(self, sources: Sources) -> None:
        """Load the Dash halves that are installed, each on its own; once."""
        if self._loaded:
            return
        self._loaded = True
        self.plugins.load(sources)
        self.plugins.register("register_message_views", self.add, self.remove)
        if sources.draws_only:
            return
        for hook, kind, taken in (
            ("register_theme_views", ThemeView, self.theme_views),
            ("register_step_views", StepView, self.steps),
            ("register_settings_panels", SettingsPanel, self.panels),
            ("register_pages", Page, self.pages),
        ):
            self.plugins.register(hook, partial(self._add_extensions, kind, taken), self.remove)

    def _add_extensions(
        self, kind: type[Any], taken: Registry[Extension], plugin: str, found: Iterable[Any]
    ) -> None:
        for one in found:
            if not isinstance(one, kind):
                raise TypeError(f"{one!r} is not a {kind.__name__}")
            name = _name_of(plugin, one)
            if self._comes_too_late(one, name):
                log.warning("plugin_part_needs_a_start", plugin=plugin, part=name)
                continue
            folder = folder_of(one)
            taken.add(plugin, name, Extension(plugin, one, folder, words_beside(folder)))

    def _comes_too_late(self, one: object, name: str) -> bool:
        """Whether Dash, which takes callbacks at start alone, has none of a section or page."""
        known = self._with_callbacks
        return known is not None and isinstance(one, SettingsPanel | Page) and name not in known

    def close_callbacks(self) -> None:
        """All callbacks are registered."""
        self._with_callbacks = frozenset((*self.panels.by_name, *self.pages.by_name))

    def add(self, plugin: str, views: Iterable[MessageView[Any, Any]]) -> None:
        """Register a plugin's views.

        Raises:
            TypeError: one is no `MessageView`.
            ValueError: one has no type, another plugin draws that type, or its module is missing.
        """
        for view in views:
            if not isinstance(view, MessageView):
                raise TypeError(f"{view!r} is not a MessageView")
            name = getattr(view, "type", None)
            if not isinstance(name, str):
                raise ValueError(f"{type(view).__name__} names no message type")
            folder = folder_of(view)
            if view.module and not (
                MODULE_NAME.fullmatch(view.module) and (folder / "assets" / view.module).is_file()
            ):
                raise ValueError(f"there is no module {view.module!r} in assets/")
            self._entries.add(plugin, name, _Entry(view, plugin, folder, words_beside(folder)))

    def remove(self, plugin: str) -> None:
        """Forget what a plugin registered."""
        self._entries.remove(plugin)
        for taken in (self.theme_views, self.steps, self.panels, self.pages):
            taken.remove(plugin)

    def bind(self, types: MessageTypes) -> None:
        """From now on draw the messages of these types; the views of others stay unused."""
        self._types = types

    def load_for_drawing(self) -> None:
        """Import what is slow, in the process that children are made from."""
        for entry in self._entries:
            load = partial(_read, entry, also_what_is_slow=True)
            self.plugins.runner.start(entry.plugin, load, doing="load")

    async def start(self) -> None:
        """Read what is slow, so that no message waits for it, and ask each view about itself.

        A plugin that fails is quarantined.
        """
        for entry in self._entries:
            await self.plugins.runner.start_async(
                entry.plugin, partial(asyncio.to_thread, _read, entry), doing="load", within_s=None
            )
        for language in LANGUAGES:
            for entry in self._entries:
                if self._entries.by_name.get(entry.view.type) is entry and self._is_used(entry):
                    self.plugins.runner.start(
                        entry.plugin, partial(self._ask_all, entry, language), doing="composer"
                    )
            for name, one in list(self.steps.by_name.items()):
                if name in self.steps:
                    ask = partial(step_json, one.value, one.words[language])
                    self.plugins.runner.start(one.plugin, ask, doing="step")

    def _ask_all(self, entry: _Entry, language: str) -> None:
        self._composer(entry.view, entry.words[language])
        _menu(entry.view, entry.words[language])

    def refusals(self, language: str) -> dict[str, str]:
        """What plugins' server halves refuse with, by their English, in a language.

        Their sentences come as they were written; the catalogue lies beside both halves.
        """
        return {
            english: words
            for entry in self._entries
            for english, words in entry.words[language].sentences.items()
        }

    def step_views(self, language: str) -> dict[str, dict[str, Any]]:
        """How each step of the log-in is asked for, but for those that cannot say so."""
        drawn = {}
        for name, one in list(self.steps.by_name.items()):
            ask = partial(step_json, one.value, one.words[language])
            try:
                drawn[name] = self.plugins.runner.call(one.plugin, ask, doing="step")
            except Failure:
                continue
        return drawn

    def step_refusals(self, language: str) -> dict[str, str]:
        """What the steps' plugins refuse with, as `refusals`."""
        return {
            english: words
            for one in self.steps
            for english, words in one.words[language].sentences.items()
        }

    def as_view(self) -> View:
        """What core asks to draw messages: ``dash:en``, ``dash:ru``."""
        return View(
            name="dash",
            languages=tuple(LANGUAGES),
            draw=self.draw,
            failed=self._failed,
            plugin_of=self._entries.owners.get,
            inline=self._is_inline,
            load=self.load_for_drawing,
        )

    def _is_inline(self, type: str) -> bool:
        """Whether a type is drawn on the server's thread; what has no view costs nothing there."""
        entry = self._entries.by_name.get(type)
        return entry is None or entry.view.inline

    def _failed(self, type: str, error: BaseException, grave: bool) -> None:
        entry = self._entries.by_name.get(type)
        if entry is not None:
            self.plugins.runner.content_failed(entry.plugin, error, kind=type, grave=grave)

    def draw(self, message: Message, language: str) -> bytes | None:
        """A message's body as the time line's JSON, or None where its text is to be shown."""
        entry = self._entries.by_name.get(message.type)
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
        found = [
            (answer[0], name, answer[1])
            for name, answer in self._ask(language, self._composer)
            if answer is not None
        ]
        return [drawn for _, _, drawn in sorted(found, key=lambda each: each[:2])]

    def _composer(self, view: MessageView[Any, Any], t: Words) -> tuple[int, dict[str, Any]] | None:
        """A view's composer, with its rank."""
        composer: object = view.composer(t)
        if composer is None:
            return None
        if not isinstance(composer, Composer):
            raise TypeError(f"composer() returned {composer!r}")
        page = None
        if composer.guide is not None:
            page = f"{self._entries.owners[view.type]}/{composer.guide}"
            if page not in self.pages:
                raise ValueError(f"there is no page {page}")
        return composer.rank, composer_json(view.type, composer, page and f"{OF_PLUGINS}{page}")

    def menus(self, language: str) -> dict[str, list[dict[str, Any]]]:
        """What the menu of each type's messages offers of its own."""
        return {name: entries for name, entries in self._ask(language, _menu) if entries}

    def _ask(
        self, language: str, question: Callable[[MessageView[Any, Any], Words], Any]
    ) -> Iterator[tuple[str, Any]]:
        """What each view in use answers, but for those that raise."""
        for name, entry in list(self._entries.by_name.items()):
            if not self._is_used(entry):
                continue
            ask = partial(question, entry.view, entry.words[language])
            try:
                answer = self.plugins.runner.call(entry.plugin, ask, doing="composer")
            except Failure:
                continue
            yield name, answer

    def _is_used(self, entry: _Entry) -> bool:
        return self._types is not None and entry.view.type in self._types

    def each(self) -> list[tuple[str, MessageView[Any, Any]]]:
        """Every view with its plugin."""
        return [(entry.plugin, entry.view) for entry in self._entries]

    def owners(self) -> dict[str, str]:
        """The plugin that draws each type: bodies carry it, and its style sheets hold for them."""
        return dict(self._entries.owners)

    def modules(self) -> dict[str, tuple[str, Path]]:
        """The JavaScript module of each type that has one, with the plugin's name."""
        return {
            name: (entry.plugin, entry.folder / "assets" / entry.view.module)
            for name, entry in self._entries.by_name.items()
            if entry.view.module
        }

    def style_sheets(self) -> list[tuple[str, Path]]:
        """Each plugin's ``assets/*.css``, by plugin."""
        parts = (*self.panels, *self.pages)
        folders = {part.plugin: part.folder for part in parts}
        folders.update((entry.plugin, entry.folder) for entry in self._entries)
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


def _menu(view: MessageView[Any, Any], t: Words) -> list[dict[str, Any]]:
    menu: object = view.menu(t)
    if not isinstance(menu, list) or not all(isinstance(entry, MenuEntry) for entry in menu):
        raise TypeError(f"menu() returned {menu!r}")
    return [menu_json(entry) for entry in menu]


def _read(entry: _Entry, *, also_what_is_slow: bool = False) -> None:
    # What draws in children alone is not needed here.
    if entry.view.inline or also_what_is_slow:
        entry.view.load()
    for words in entry.words.values():
        words.read()
