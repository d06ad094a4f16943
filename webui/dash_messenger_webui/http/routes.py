"""Answers the web UI's requests on the server's Quart app: pages, their data, files.

Owns caching, and who may see which of the pages in `addresses`. Must not know what pages show, nor
which there are beside the messenger's (``framed`` does). Invariant: nothing but pages for
strangers, their data and files is answered without a session.
"""

from __future__ import annotations

import hashlib
import json
from collections.abc import Callable
from dataclasses import replace
from functools import cache
from pathlib import Path
from typing import Any, TypeAlias
from urllib.parse import quote

from dash_messenger import WebContext
from quart import Quart, Response, g, redirect, request

from dash_messenger_webui.addresses import (
    ENTRANCE,
    LANDING,
    LOGIN,
    OPEN,
    is_beside,
    is_of_messenger,
    needs_login,
)
from dash_messenger_webui.http import component_bundles
from dash_messenger_webui.http.assets import IMMUTABLE, Assets
from dash_messenger_webui.http.callback_requests import check_callback_request
from dash_messenger_webui.http.compression import Body, Compression, compress_small
from dash_messenger_webui.http.dash_app import MessengerDash
from dash_messenger_webui.http.error_pages import error_page, wants_error_page
from dash_messenger_webui.i18n.translations import Words, choose_language
from dash_messenger_webui.session import Reader, Scheme, keep_reader, reader

__all__ = ["serve_pages"]

# What somebody who has not logged in may load.
OPEN_PATHS = (
    *OPEN,
    "/assets/",
    "/favicon.ico",
    "/manifest.webmanifest",
    "/_dash-layout",
    "/_dash-dependencies",
    component_bundles.PREFIX,
)
DATA = ("/_dash-layout", "/_dash-dependencies")
CALLBACK = "/_dash-update-component"
# By this rule Dash answers whatever nobody else does with a page.
ANY_PAGE = "/<path:path>"
# Others' routes.
FOREIGN = ("/api/", "/_dash", "/blobs/", "/healthz", "/ws")
# The title of the page at an address, for the reader.
Framed: TypeAlias = Callable[[str], str | None]
YEAR_S = 31_536_000


def serve_pages(
    app: Quart,
    make: Callable[[component_bundles.Suites], MessengerDash],
    context: WebContext,
    files: Assets,
    framed: Framed,
    words: dict[str, Words],
) -> MessengerDash:
    """Answer pages, their data and files on ``app``; ``make`` makes the Dash application.

    ``framed`` says what the page at an address beside the messenger's is called for the reader, or
    None where there is none. ``words`` are the pages' texts by language.

    Quart asks in the order of registration: what comes before Dash is registered before it is
    made.
    """
    compression = Compression(Path(context.data_path) / "compressed")
    libraries = component_bundles.Suites()
    made: list[MessengerDash] = []
    context.open_paths(*OPEN_PATHS)

    @app.before_request
    async def answer_first() -> Any:
        path = request.path
        if path.startswith("/assets/"):
            found = files.find(path)
            return _not_found() if found is None else await _send(compression, *found)
        if path.startswith(component_bundles.PREFIX):
            body = libraries.body(made[0], path)
            return _not_found() if body is None else await _send(compression, body, True)
        if path == "/manifest.webmanifest":
            return await _send(compression, _manifest(files), False)
        if path == "/favicon.ico":
            path = files.url("icon-192.png")
            return redirect(path, code=301)
        if path in DATA or path == CALLBACK:
            keep_reader(await _read_reader(context))
            if path == CALLBACK:
                if reader().viewer is None:
                    return Response(status=401)
                if request.method != "POST":
                    return Response(status=405, headers={"Allow": "POST"})
                asked = await request.get_data(as_text=False)
                check_callback_request(asked)  # type: ignore[arg-type]
            g.cached = path in DATA
            return None
        return await _page(context, path, framed) if request.method in ("GET", "HEAD") else None

    @app.after_request
    async def finish(response: Response) -> Response:
        if g.get("cached") and response.status_code == 200:
            return await _revalidated(response)
        return response

    application = make(libraries)
    libraries.register(application)
    made.append(application)

    @app.after_request
    async def protect(response: Response) -> Response:
        if wants_error_page(request, response):
            who = _stranger(context)
            t = words[who.language]
            response = error_page(files, t, who, response.status_code, request.full_path)
        elif "page" in g:
            response.headers["Content-Security-Policy"] = csp()
            response.headers["Referrer-Policy"] = "same-origin"
            response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
            response.headers["Permissions-Policy"] = "browsing-topics=()"
            _remember_choices(response)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response

    @cache
    def csp() -> str:
        return application.csp()

    @app.before_serving
    async def start() -> None:
        html = application._generate_scripts_html()
        compression.start([*files, *libraries.bodies(application, html)])

    @app.after_serving
    async def stop() -> None:
        compression.close()

    return application


async def _page(context: WebContext, path: str, framed: Framed) -> Any:
    """Choose the page, or send the browser where it belongs; None lets Dash draw it."""
    chat, beside = is_of_messenger(path), is_beside(path)
    if path not in ENTRANCE and not chat and not beside:
        known = request.url_rule is not None and request.url_rule.rule != ANY_PAGE
        return None if known and path.startswith(FOREIGN) else _not_found()
    who = await _read_reader(context)
    keep_reader(who)
    if beside:
        if who.viewer is None and needs_login(path):
            return redirect(f"{LOGIN}?next={quote(path)}")
        title = framed(path)
        if title is None or who.viewer is None:
            return _not_found()
        g.page, g.title = "framed", title
    elif who.viewer is None:
        if chat:
            return redirect(f"{LOGIN}?next={quote(path)}")
        g.page = ENTRANCE[path]
    else:
        if path in ENTRANCE and path != LANDING:
            wish = request.args.get("next", LANDING)
            return redirect(wish if needs_login(wish) else LANDING)
        g.page = "messenger"
    g.cached = True
    return None


async def _read_reader(context: WebContext) -> Reader:
    viewer = await context.viewer(request.headers)
    if viewer is None:
        return replace(_stranger(context), setup_code=await context.setup_code())
    schemes = _schemes(context)
    cookies = request.cookies
    account = await viewer.call("account.get")
    user = account["user"]
    theme = account.get("theme") or cookies.get("theme", "auto")
    # A theme whose plugin is gone.
    theme = theme if theme in schemes else "auto"
    return Reader(
        language=choose_language(_accepted(), account.get("language"), cookies.get("lang")),
        theme=theme,
        scheme=schemes[theme],
        viewer=viewer,
        username=user["username"],
        display_name=user["display_name"],
        photo=user.get("photo"),
        role=account["role"],
    )


def _stranger(context: WebContext) -> Reader:
    """Somebody of whom nothing is known but what the browser says and has kept."""
    schemes, theme = _schemes(context), request.cookies.get("theme", "auto")
    theme = theme if theme in schemes else "auto"
    language = choose_language(_accepted(), request.cookies.get("lang"))
    return Reader(language, theme, schemes[theme])


def _accepted() -> str:
    return request.headers.get("Accept-Language", "")


def _schemes(context: WebContext) -> dict[str, Scheme]:
    own: dict[str, Scheme] = {"auto": "auto", "light": "light", "dark": "dark"}
    return {**own, **{one.name: one.scheme for one in context.themes}}


def _remember_choices(response: Response) -> None:
    """Keep what the account says in cookies, for the pages before the next log-in."""
    who = reader()
    if who.viewer is None:
        return
    for name, value in (("lang", who.language), ("theme", who.theme)):
        if request.cookies.get(name) != value:
            response.set_cookie(name, value, max_age=YEAR_S, samesite="Lax")


async def _send(compression: Compression, body: Body, forever: bool) -> Response:
    etag = f'"{body.digest}"'
    headers = {
        "Cache-Control": IMMUTABLE if forever else "no-cache",
        "ETag": etag,
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("If-None-Match") == etag:
        return Response(b"", status=304, headers=headers)
    content, encoding = await compression.encode(body, request.headers.get("Accept-Encoding", ""))
    if encoding:
        headers["Content-Encoding"] = encoding
    return Response(content, content_type=body.media_type, headers=headers)


async def _revalidated(response: Response) -> Response:
    """A page or its data: for this reader only, asked about each time, not sent twice."""
    content = bytes(await response.get_data(as_text=False))
    etag = f'"{hashlib.sha256(content).hexdigest()[:20]}"'
    response.headers["ETag"] = etag
    response.headers["Cache-Control"] = "private, no-cache"
    response.headers["Vary"] = "Accept-Encoding, Accept-Language, Cookie"
    if request.headers.get("If-None-Match") == etag:
        response.status_code = 304
        response.set_data(b"")
        return response
    content, encoding = compress_small(content, request.headers.get("Accept-Encoding", ""))
    if encoding:
        response.headers["Content-Encoding"] = encoding
    response.set_data(content)
    return response


def _not_found() -> Response:
    return Response("Not found.", status=404, content_type="text/plain; charset=utf-8")


def _manifest(files: Assets) -> Body:
    icons = [
        {"src": files.url(f"icon-{size}.png"), "sizes": f"{size}x{size}", "type": "image/png"}
        for size in (192, 512)
    ]
    manifest = {
        "id": "/",
        "name": "Messenger",
        "short_name": "Messenger",
        "start_url": "/",
        "scope": "/",
        "display": "standalone",
        "background_color": "#ffffff",
        "theme_color": "#2563d4",
        "icons": [
            *icons,
            {**icons[1], "purpose": "maskable"},
        ],
    }
    return Body.of(json.dumps(manifest).encode(), "application/manifest+json")
