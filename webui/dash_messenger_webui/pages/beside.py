"""Which pages there are beside the messenger's, by their address.

Owns the addresses, and who finds what there. Invariant: what is not for the reader is not found.
"""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dash_messenger_webui.pages.extending import Part, part_of
from dash_messenger_webui.pages.parts import attributes
from dash_messenger_webui.session import reader
from dash_messenger_webui.translations import Words
from dash_messenger_webui.views import MessageViews

__all__ = ["Beside"]

PLUGINS_PAGE = "/p/"


class Beside:
    """The pages of plugins, for the reader of the request."""

    def __init__(self, views: MessageViews, words: dict[str, Words]) -> None:
        self._views = views
        self._words = words

    def title(self, path: str) -> str | None:
        """What the page at an address is called, or None where there is none."""
        found = self._part(path)
        return None if found is None else found.label

    def page(self, path: str) -> tuple[str, Component] | None:
        """Its heading and what it shows, or None."""
        found = self._part(path)
        if found is None:
            return None
        id: dict[str, Any] = {"page": found.name}
        body = html.Div(id=id, className="page-body", **attributes({"data-plugin": found.plugin}))
        return found.label, body

    def _part(self, path: str) -> Part | None:
        name = path.removeprefix(PLUGINS_PAGE).rstrip("/")
        page = self._views.pages.get(name) if path.startswith(PLUGINS_PAGE) else None
        return None if page is None else part_of(name, page, reader().language)
