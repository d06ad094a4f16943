"""The Dash application on the server's own Quart app: what is loaded, answered and cached.

Owns the index page, the Content-Security-Policy and which requests are the web UI's. Must not know
what the pages show. Invariant: every answer is of this origin, nothing is evaluated, and nothing
but pages, their data and files is answered without a session.
"""

from __future__ import annotations

import hashlib
import json
import re
from collections.abc import Callable
from functools import lru_cache
from html import escape
from pathlib import Path
from typing import Any
from urllib.parse import quote

from dash import Dash
from dash.backends._quart import QuartDashServer
from dash.fingerprint import check_fingerprint
from dash_messenger import WebContext
from quart import Quart, Response, g, redirect, request

from dash_messenger_webui.assets import IMMUTABLE, Assets
from dash_messenger_webui.compression import Body, Compression, compress_small
from dash_messenger_webui.session import THEMES, Reader, keep_reader, reader
from dash_messenger_webui.translations import Words, choose_language

__all__ = ["OPEN_PATHS", "MessengerDash", "serve_pages"]

# What somebody who has not logged in may load.
OPEN_PATHS = (
    "/",
    "/login",
    "/register",
    "/c/",
    "/assets/",
    "/favicon.ico",
    "/manifest.webmanifest",
    "/_dash-layout",
    "/_dash-dependencies",
    "/_dash-component-suites/",
)
SUITES = "/_dash-component-suites/"
DATA = ("/_dash-layout", "/_dash-dependencies")
CALLBACK = "/_dash-update-component"
# Dash's parts that no page here uses: 125 kB of its 425.
UNUSED = re.compile(r"/dash/(?:dcc/|dash_table/|deps/polyfill)|/plotly/")
_CONVERSATION = re.compile(r"/c/[0-9a-f]{32}")
_SCRIPT = re.compile(r'<script src="([^"]+)"></script>')
_VERSIONS = ("dash_version", "python_version", "plotly_version", "ddk_version", "dash_version_url")


class MessengerDash(Dash):  # type: ignore[misc]
    """Dash with an index page of our own."""

    def __init__(self, server: Quart, *, files: Assets, words: dict[str, Words]) -> None:
        # Every page would open a second socket, unused.
        QuartDashServer.websocket_capability = False
        self._files = files
        self._words = words
        super().__init__(
            name=__name__,
            server=server,
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

    def interpolate_index(self, **parts: str) -> str:
        """The page: language, theme and which part is shown stand in it before any script runs."""
        who = reader()
        t = self._words[who.language]
        files = self._files
        page = g.page
        dark = ' data-mantine-color-scheme="dark"' if who.theme == "dark" else ""
        font = files.url("fonts/inter-latin.woff2")
        fonts = [font]
        if who.language == "ru":
            fonts.append(files.url("fonts/inter-cyrillic.woff2"))
        preloads = "".join(
            f'<link rel="preload" href="{url}" as="font" type="font/woff2" crossorigin>'
            for url in fonts
        )
        return (
            f'<!DOCTYPE html><html lang="{who.language}" data-theme="{who.theme}"'
            f' data-page="{page}"{dark}><head><meta charset="utf-8">'
            f"<title>{escape(t(TITLES[page]))}</title>"
            '<meta name="viewport" content="width=device-width, initial-scale=1,'
            ' viewport-fit=cover, interactive-widget=resizes-content">'
            '<meta name="color-scheme" content="light dark">'
            f'<meta name="description" content="{escape(t(DESCRIPTION))}">'
            f'<script src="{files.url("theme.js")}"></script>'
            f'<link rel="stylesheet" href="{files.url("style.css")}">'
            f'<link rel="stylesheet" href="{files.url("plugins.css")}">'
            f"{preloads}"
            f'<link rel="icon" href="{files.url("icon.svg")}" type="image/svg+xml">'
            f'<link rel="apple-touch-icon" href="{files.url("icon-192.png")}">'
            '<link rel="manifest" href="/manifest.webmanifest">'
            f"</head><body>{_entry(page)}"
            f"<noscript>{escape(t(NO_SCRIPT))}</noscript>"
            f"{_config(parts['config'])}{_scripts(parts['scripts'])}"
            f'<script src="{files.url(COMPONENTS)}"></script>'
            f'<script src="{files.url("pages.js")}"></script>'
            f"{parts['renderer']}</body></html>"
        )

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
                "object-src 'none'",
                "base-uri 'none'",
                "form-action 'self'",
                "frame-ancestors 'none'",
            )
        )


COMPONENTS = "dash_messenger_webui.min.js"
TITLES = {
    "landing": "Messenger",
    "login": "Log in",
    "register": "Create an account",
    "messenger": "Messenger",
}
DESCRIPTION = "A messenger for your own people, on your own server."
NO_SCRIPT = "This messenger needs JavaScript. Please allow it for this site."


def serve_pages(
    app: Quart, dash: Callable[[], MessengerDash], context: WebContext, files: Assets
) -> MessengerDash:
    """Answer pages, their data and files on ``app``; ``dash`` makes the Dash application.

    What is asked before Dash must be registered before Dash is made.
    """
    compression = Compression(Path(context.data_path) / "compressed")
    suites: dict[str, Body] = {}
    made: list[MessengerDash] = []
    context.open_paths(*OPEN_PATHS)

    @app.before_request
    async def answer_first() -> Any:
        path = request.path
        if path.startswith("/assets/"):
            found = files.find(path)
            return _not_found() if found is None else await _send(compression, *found)
        if path.startswith(SUITES):
            body = _suite_body(made[0], suites, path)
            return _not_found() if body is None else await _send(compression, body, True)
        if path == "/manifest.webmanifest":
            return await _send(compression, _manifest(files), False)
        if path == "/favicon.ico":
            return await _send(compression, *(files.find("/assets/icon-192.png") or ()))
        if path in DATA or path == CALLBACK:
            keep_reader(await _read_reader(context))
            if path == CALLBACK and reader().viewer is None:
                return Response(status=401)
            g.cached = path in DATA
            return None
        return await _page(context, path) if request.method in ("GET", "HEAD") else None

    @app.after_request
    async def finish(response: Response) -> Response:
        if g.get("cached") and response.status_code == 200:
            return await _revalidated(response)
        return response

    application = dash()
    made.append(application)

    @app.after_request
    async def protect(response: Response) -> Response:
        if "page" in g:
            response.headers["Content-Security-Policy"] = csp()
            response.headers["Referrer-Policy"] = "same-origin"
            response.headers["Cross-Origin-Opener-Policy"] = "same-origin"
            response.headers["Permissions-Policy"] = "browsing-topics=()"
            _remember_choices(response)
        response.headers.setdefault("X-Content-Type-Options", "nosniff")
        return response

    @lru_cache(1)
    def csp() -> str:
        return application.csp()

    @app.before_serving
    async def start() -> None:
        bodies = [*files]
        for source in _SCRIPT.findall(application._generate_scripts_html()):
            if not UNUSED.search(source) and (body := _suite_body(application, suites, source)):
                bodies.append(body)
        compression.start(bodies)

    @app.after_serving
    async def stop() -> None:
        compression.close()

    return application


async def _page(context: WebContext, path: str) -> Any:
    """Choose the page, or send the browser where it belongs; None lets Dash draw it."""
    chat = _CONVERSATION.fullmatch(path) is not None
    if path not in ("/", "/login", "/register") and not chat:
        return None if path.startswith(("/api/", "/_dash")) or path == "/healthz" else _not_found()
    who = await _read_reader(context)
    keep_reader(who)
    if who.viewer is None:
        if chat:
            return redirect(f"/login?next={quote(path)}")
        g.page = {"/": "landing", "/login": "login", "/register": "register"}[path]
    else:
        if path in ("/login", "/register"):
            wish = request.args.get("next", "/")
            return redirect(wish if _CONVERSATION.fullmatch(wish) else "/")
        g.page = "messenger"
    g.cached = True
    return None


async def _read_reader(context: WebContext) -> Reader:
    viewer = await context.viewer(request.headers)
    cookies = request.cookies
    accept = request.headers.get("Accept-Language", "")
    language, theme = cookies.get("lang"), cookies.get("theme", "auto")
    if viewer is None:
        return Reader(
            choose_language(accept, language), theme if theme in THEMES else "auto"
        )
    account = await viewer.call("account.get")
    user = account["user"]
    theme = account.get("theme") or theme
    return Reader(
        language=choose_language(accept, account.get("language"), language),
        theme=theme if theme in THEMES else "auto",
        viewer=viewer,
        username=user["username"],
        display_name=user["display_name"],
    )


def _remember_choices(response: Response) -> None:
    """Keep what the account says in cookies, for the pages before the next log-in."""
    who = reader()
    if who.viewer is None:
        return
    for name, value in (("lang", who.language), ("theme", who.theme)):
        if request.cookies.get(name) != value:
            response.set_cookie(name, value, max_age=31_536_000, samesite="Lax")


async def _send(compression: Compression, body: Body, forever: bool) -> Response:
    etag = f'"{body.digest}"'
    headers = {
        "Cache-Control": IMMUTABLE if forever else "no-cache",
        "ETag": etag,
        "Vary": "Accept-Encoding",
    }
    if request.headers.get("If-None-Match") == etag:
        return Response(b"", status=304, headers=headers)
    content, encoding = await compression.encode(
        body, request.headers.get("Accept-Encoding", "")
    )
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


def _suite_body(application: MessengerDash, suites: dict[str, Body], path: str) -> Body | None:
    """A component library's file; only those that Dash has registered are served."""
    body = suites.get(path)
    if body is not None:
        return body
    package, _, rest = path.removeprefix(SUITES).partition("/")
    name, _ = check_fingerprint(rest)
    if name not in application.registered_paths.get(package, ()):
        return None
    module = __import__(package)
    if module.__file__ is None:
        return None
    file = Path(module.__file__).parent / name
    if not file.is_file():
        return None
    media_type = "text/css" if file.suffix == ".css" else "text/javascript"
    body = suites[path] = Body.of(file.read_bytes(), f"{media_type}; charset=utf-8")
    return body


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


@lru_cache(8)
def _scripts(html: str) -> str:
    used = [source for source in _SCRIPT.findall(html) if not UNUSED.search(source)]
    return "".join(f'<script src="{source}"></script>' for source in used)


@lru_cache(8)
def _config_without_versions(html: str) -> str:
    start, end = html.index(">") + 1, html.rindex("</script>")
    config = json.loads(html[start:end])
    for name in _VERSIONS:
        config.pop(name, None)
    text = json.dumps(config, separators=(",", ":")).replace("<", "\\u003c")
    return f"{html[:start]}{text}{html[end:]}"


def _config(html: str) -> str:
    return _config_without_versions(html)


def _entry(page: str) -> str:
    """What stands there until Dash has drawn the page: the outlines, after a moment."""
    outline = '<div class="outline-list"></div><div class="outline-chat"></div>'
    inner = outline if page == "messenger" else ""
    return f'<div id="react-entry-point"><div class="outline" aria-hidden="true">{inner}</div></div>'
