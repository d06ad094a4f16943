"""The files that pages load: style sheets, scripts, fonts, icons, under addresses that name their
content.

Owns their addresses and their caching. Every file is of this origin. Invariant: what an address
with a fingerprint answers never changes, so browsers keep it for a year and never ask again.
"""

from __future__ import annotations

import mimetypes
import re
from collections.abc import Iterable, Iterator
from pathlib import Path

from dash_messenger import Theme

from dash_messenger_webui.http.compression import Body

__all__ = ["IMMUTABLE", "Assets"]

IMMUTABLE = "public, max-age=31536000, immutable"
FOLDER = Path(__file__).parent.parent
PREFIX = "/assets/"
# One style sheet is one request; later ones win.
STYLE_SHEETS = tuple(
    f"assets/{name}.css"
    for name in (
        *("tokens", "icons", "pages", "dialogs", "details"),
        *("messenger", "list", "timeline", "messages", "gallery"),
        *("composer", "picker", "forms"),
    )
)
# What only some pages show, or a script of the same name when it is first needed.
OTHER_SHEETS = ("entrance.css", "framed.css", "people.css")
COMPONENTS = "components"
_URL = re.compile(r'url\("(?!data:)([^"]+)"\)')
_TYPES = {
    ".js": "text/javascript",
    ".css": "text/css",
    ".woff2": "font/woff2",
    ".svg": "image/svg+xml",
    ".webmanifest": "application/manifest+json",
}


def _theme_sheet(theme: Theme) -> str:
    tokens = "".join(f"--{name}:{value};" for name, value in sorted(theme.tokens.items()))
    # A swatch shows the theme wherever it is offered.
    where = f':root[data-theme="{theme.name}"],[data-swatch="{theme.name}"]'
    return f"\n{where}{{{tokens}}}"


class Assets:
    """The web UI's own files, the plugins' style sheets and modules, read once at start."""

    def __init__(
        self,
        plugin_sheets: Iterable[tuple[str, Path]] = (),
        themes: Iterable[Theme] = (),
        plugin_modules: Iterable[tuple[str, Path]] = (),
    ) -> None:
        self._bodies: dict[str, Body] = {}
        self._urls: dict[str, str] = {}
        for path in sorted((FOLDER / "assets").rglob("*")):
            if path.suffix in (".woff2", ".png", ".svg", ".ico", ".js"):
                self._add(str(path.relative_to(FOLDER / "assets")), path.read_bytes())
        for path in sorted((FOLDER / COMPONENTS).glob("*.js")):
            self._add(path.name, path.read_bytes())
        own = "\n".join((FOLDER / name).read_text() for name in STYLE_SHEETS)
        self._add("style.css", self._with_urls(own).encode())
        for name in OTHER_SHEETS:
            sheet = (FOLDER / "assets" / name).read_text()
            self._add(name, self._with_urls(sheet).encode())
        foreign = "\n".join(
            f'@scope ([data-plugin="{plugin}"]) {{\n{path.read_text()}\n}}'
            for plugin, path in plugin_sheets
        )
        # After the tokens that they replace.
        foreign += "".join(map(_theme_sheet, themes))
        self._add("plugins.css", foreign.encode())
        for plugin, path in plugin_modules:
            self._add(f"{plugin}/{path.name}", path.read_bytes())

    def url(self, name: str) -> str:
        """The address of a file, with its fingerprint."""
        return self._urls[name]

    def has(self, name: str) -> bool:
        """Whether there is a file of this name."""
        return name in self._urls

    def __iter__(self) -> Iterator[Body]:
        return iter(self._bodies.values())

    def find(self, path: str) -> tuple[Body, bool] | None:
        """What an address answers, and whether it may be kept for ever; None for none.

        The name without a fingerprint works too and is asked about each time.
        """
        body = self._bodies.get(path)
        if body is not None:
            return body, True
        url = self._urls.get(path.removeprefix(PREFIX)) if path.startswith(PREFIX) else None
        return (self._bodies[url], False) if url else None

    def _add(self, name: str, content: bytes) -> None:
        suffix = Path(name).suffix
        media_type = _TYPES.get(suffix) or mimetypes.types_map.get(suffix, "text/plain")
        if media_type.startswith("text/"):
            media_type += "; charset=utf-8"
        body = Body.of(content, media_type)
        stem, _, extension = name.rpartition(".")
        url = f"{PREFIX}{stem}.{body.digest}.{extension}"
        self._bodies[url] = body
        self._urls[name] = url

    def _with_urls(self, style: str) -> str:
        return _URL.sub(lambda match: f'url("{self._urls[match[1]]}")', style)
