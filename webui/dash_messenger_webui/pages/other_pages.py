"""The pages beside the messenger's: what stands at an address, and what it is called.

Owns who finds what there; the addresses are in `addresses`. Invariant: what is not for the reader
is not found.
"""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dash_messenger_webui import components
from dash_messenger_webui.addresses import ABOUT_PLUGINS, OF_PLUGINS
from dash_messenger_webui.elements.parts import attributes
from dash_messenger_webui.i18n.translations import Words
from dash_messenger_webui.pages.plugin_parts import Part, part_of
from dash_messenger_webui.pages.quarantine import quarantined_plugins
from dash_messenger_webui.rendering.message_views import MessageViews
from dash_messenger_webui.session import reader

__all__ = ["Beside"]


class Beside:
    """The pages of plugins and about them, for the reader of the request."""

    def __init__(self, views: MessageViews, words: dict[str, Words], plugin_script: str) -> None:
        self._views = views
        self._words = words
        self._plugin_script = plugin_script

    def title(self, path: str) -> str | None:
        """What the page at an address is called, or None where there is none."""
        if self._is_about_plugins(path):
            return self._words[reader().language]("Plugins")
        found = self._part(path)
        return None if found is None else found.label

    def page(self, path: str) -> tuple[str, Component] | None:
        """Its heading and what it shows, or None."""
        if self._is_about_plugins(path):
            about = html.Div(
                [quarantined_plugins(), components.Plugins(script=self._plugin_script)]
            )
            return self._words[reader().language]("Plugins"), about
        found = self._part(path)
        if found is None:
            return None
        id: dict[str, Any] = {"page": found.name}
        body = html.Div(id=id, className="page-body", **attributes({"data-plugin": found.plugin}))
        return found.label, body

    @staticmethod
    def _is_about_plugins(path: str) -> bool:
        return path.rstrip("/") == ABOUT_PLUGINS and reader().role == "admin"

    def _part(self, path: str) -> Part | None:
        name = path.removeprefix(OF_PLUGINS).rstrip("/")
        page = self._views.pages.by_name.get(name) if path.startswith(OF_PLUGINS) else None
        return None if page is None else part_of(name, page, self._views.plugins, reader().language)
