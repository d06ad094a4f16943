"""The web UI as a plugin of the server: its routes, and the view that draws messages for them.

Owns what the hooks share for one server. Invariant: whatever fails in a plugin's Dash half
leaves the pages standing.
"""

from __future__ import annotations

import asyncio
import json
from typing import TYPE_CHECKING, Any

from dash_messenger import MessageTypes, Plugins, Sources, View, WebContext, hookimpl

from dash_messenger_webui.http.assets import FOLDER, Assets
from dash_messenger_webui.i18n.translations import OWN_WORDS, read_words
from dash_messenger_webui.rendering.message_views import MessageViews
from dash_messenger_webui.session import reader

if TYPE_CHECKING:
    from quart import Quart

__all__ = ["WebUi"]


class WebUi:
    """One server's web UI."""

    def __init__(self) -> None:
        self._views = MessageViews()
        self._reading: asyncio.Task[None] | None = None

    @hookimpl
    def register_views(self, sources: Sources, types: MessageTypes) -> list[View]:
        """The view ``dash``, in every language of the pages."""
        self._views.load(sources)
        self._views.bind(types)
        return [self._views.as_view()]

    @hookimpl
    def register_plugins(self) -> list[Plugins]:
        """The Dash halves, so that one that failed is named beside the server's plugins."""
        return [self._views.plugins]

    @hookimpl
    def register_http(self, app: Quart, context: WebContext) -> None:
        """The pages and their files."""
        # Dash costs half a second; nothing needs it before this hook. Quart takes memory in the
        # processes that draw.
        from quart import has_request_context, request

        from dash_messenger_webui.http.component_bundles import Suites
        from dash_messenger_webui.http.dash_app import MessengerDash
        from dash_messenger_webui.http.routes import serve_pages
        from dash_messenger_webui.pages.callbacks import register_callbacks
        from dash_messenger_webui.pages.entrance import entrance
        from dash_messenger_webui.pages.failures import Sentences
        from dash_messenger_webui.pages.frame import framed_page
        from dash_messenger_webui.pages.messenger import messenger_page
        from dash_messenger_webui.pages.other_pages import Beside
        from dash_messenger_webui.pages.plugin_parts import offers, register_extensions
        from dash_messenger_webui.pages.security import register_security

        views = self._views
        words = read_words(OWN_WORDS)
        texts: dict[str, Any] = json.loads((FOLDER / "components" / "texts.json").read_text())
        files = Assets(views.style_sheets(), context.themes, views.modules().values())
        beside = Beside(views, words, files.url("plugins.min.js"))

        @app.before_serving
        async def read_ahead() -> None:
            # No message waits for the first catalogue to be read.
            self._reading = asyncio.get_running_loop().create_task(views.start())

        def layout() -> Any:
            who = reader()
            t = words[who.language]
            translated: dict[str, Any] = t.translate(texts)
            stranger = who.viewer is None
            find = views.step_refusals if stranger else views.refusals
            # As `Texts.failure` in webui/src/i18n/texts.ts finds them.
            refusals = find(who.language).items()
            translated.update({f"refused {english}": words for english, words in refusals})
            if stranger:
                steps = views.step_views(who.language)
                return entrance(
                    who,
                    t,
                    translated,
                    steps,
                    registration_open=context.registration_open,
                    password_min_length=context.password_min_length,
                )
            page = beside.page(request.args.get("page", "")) if has_request_context() else None
            if page is not None:
                return framed_page(who, t, translated, *page)
            composers, menus = views.composers(who.language), views.menus(who.language)
            return messenger_page(
                who,
                t,
                offers(views, context.themes, who.language),
                # English ones are in the script, which falls back on them.
                {key: text for key, text in translated.items() if text != texts.get(key)},
                composers,
                menus,
                views.owners(),
                {
                    type: files.url(name)
                    for type, (plugin, path) in views.modules().items()
                    if files.has(name := f"{plugin}/{path.name}")
                },
                [files.url("people.min.js"), files.url("people.css")],
                files.url("emoji.min.js"),
                context.max_upload_bytes,
            )

        def make(suites: Suites) -> MessengerDash:
            return MessengerDash(app, files=files, words=words, suites=suites)

        dash = serve_pages(app, make, context, files, beside.title, words)
        dash.layout = layout
        sentences = Sentences(words, texts)
        register_callbacks(dash, sentences)
        register_security(dash, sentences)
        register_extensions(dash, views, sentences)
