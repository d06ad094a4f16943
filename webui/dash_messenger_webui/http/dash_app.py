"""The Dash application on the server's own Quart app: its index page and what it loads.

Owns the index page and the Content-Security-Policy. Must not know what the pages show, nor how
they are served. Invariant: everything a page loads is of this origin, and nothing is evaluated.
"""

from __future__ import annotations

import json
from functools import lru_cache
from html import escape
from typing import Any, cast

from dash import Dash
from dash.backends._quart import QuartDashServer
from quart import Quart, g

from dash_messenger_webui.http.assets import Assets
from dash_messenger_webui.http.callback_requests import check_declared
from dash_messenger_webui.http.component_bundles import UNUSED_NAMESPACES, Suites
from dash_messenger_webui.http.html_head import html_head
from dash_messenger_webui.i18n.translations import Words
from dash_messenger_webui.session import reader

__all__ = ["MessengerDash"]

COMPONENTS = "dash_messenger_webui.min.js"
TITLES = {
    "landing": "Messenger",
    "login": "Log in",
    "register": "Create an account",
    "messenger": "Messenger",
}
NO_SCRIPT = "This messenger needs JavaScript. Please allow it for this site."
# What an attacker would like to know and no page needs.
_VERSIONS = ("dash_version", "python_version", "plotly_version", "ddk_version", "dash_version_url")


class MessengerDash(Dash):
    """Dash with an index page of our own."""

    def __init__(
        self, server: Quart, *, files: Assets, words: dict[str, Words], suites: Suites
    ) -> None:
        # Every page would open a second socket, unused.
        QuartDashServer.websocket_capability = False
        self._files = files
        self._words = words
        self._suites = suites
        super().__init__(
            name=__name__,
            server=cast(Any, server),
            assets_folder="no-assets",
            assets_url_path="/_dash-assets",
            include_assets_files=False,
            # Which components there are depends on who asks.
            suppress_callback_exceptions=True,
            prevent_initial_callbacks=True,
            title="Messenger",
            update_title="",
            add_log_handler=False,
            use_pages=False,
            pages_folder="",
        )

    def interpolate_index(self, **parts: Any) -> str:  # type: ignore[override]
        """The page: language, theme and which part is shown stand in it before any script runs."""
        who = reader()
        t = self._words[who.language]
        files = self._files
        page = g.page
        urls = (*self._suites.urls(parts["scripts"]), files.url(COMPONENTS), files.url("pages.js"))
        scripts = "".join(f'<script src="{url}"></script>' for url in urls)
        title = g.get("title") or t(TITLES[page])
        return (
            f"{html_head(files, t, who, page=page, title=title)}<body>{_entry(page)}"
            f"<noscript>{escape(t(NO_SCRIPT))}</noscript>"
            f"{_config(parts['config'])}{scripts}{parts['renderer']}</body></html>"
        )

    def _prepare_callback(self, g: Any, body: Any) -> Any:
        """What Dash will call; it was checked that the body has the shape of a request."""
        check_declared(self.callback_map, body)
        return super()._prepare_callback(g, body)

    def csp(self) -> str:
        """The Content-Security-Policy: Dash starts by one inline script, named by its hash."""
        scripts = " ".join(("'self'", *self.csp_hashes()))
        return "; ".join(
            (
                "default-src 'self'",
                f"script-src {scripts}",
                # Mantine writes its style sheet with a script.
                "style-src 'self' 'unsafe-inline'",
                "img-src 'self' data: blob:",
                # A file that was chosen is looked at before it is sent.
                "media-src 'self' blob:",
                "object-src 'none'",
                "base-uri 'none'",
                "form-action 'self'",
                "frame-ancestors 'none'",
            )
        )


@lru_cache(8)
def _config(html: str) -> str:
    start, end = html.index(">") + 1, html.rindex("</script>")
    config = json.loads(html[start:end])
    for name in _VERSIONS:
        config.pop(name, None)
    # Where components hold components: Dash lists every component it knows, most of them without.
    config["children_props"] = {
        namespace: {name: props for name, props in those.items() if props}
        for namespace, those in config["children_props"].items()
        if namespace not in UNUSED_NAMESPACES
    }
    text = json.dumps(config, separators=(",", ":")).replace("<", "\\u003c")
    return f"{html[:start]}{text}{html[end:]}"


def _entry(page: str) -> str:
    """What stands there until Dash has drawn the page: the outlines, after a moment."""
    outline = '<div class="outline-list"></div><div class="outline-chat"></div>'
    inner = outline if page == "messenger" else ""
    return (
        f'<div id="react-entry-point"><div class="outline" aria-hidden="true">{inner}</div></div>'
    )
