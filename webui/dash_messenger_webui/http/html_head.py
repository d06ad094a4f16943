"""The beginning of every page: language, theme and style stand in it before any script runs.

Owns what a browser is told before the body. Must not know what the page shows.
"""

from __future__ import annotations

from html import escape

from dash_messenger_webui.http.assets import Assets
from dash_messenger_webui.i18n.translations import Words
from dash_messenger_webui.session import Reader

__all__ = ["html_head"]

# What a page shows beside the style sheet of all; those of strangers are alike, and have a script.
SHEETS = {"messenger": (), "framed": ("framed.css",)}
OF_STRANGERS = ("entrance.css",)
SCRIPT_OF_STRANGERS = "entrance.min.js"
DESCRIPTION = "A messenger for your own people, on your own server."


def html_head(files: Assets, t: Words, who: Reader, *, page: str, title: str) -> str:
    """A page up to its ``<body>``; ``page`` is the part that the style sheets show."""
    dark = ' data-mantine-color-scheme="dark"' if who.scheme == "dark" else ""
    fonts = [files.url("fonts/inter-latin.woff2")]
    if who.language == "ru":
        fonts.append(files.url("fonts/inter-cyrillic.woff2"))
    preloads = "".join(
        f'<link rel="preload" href="{url}" as="font" type="font/woff2" crossorigin>'
        for url in fonts
    )
    sheets = "".join(
        f'<link rel="stylesheet" href="{files.url(name)}">'
        for name in ("style.css", *SHEETS.get(page, OF_STRANGERS), "plugins.css")
    )
    script = ""
    if page not in SHEETS:
        script = f'<script src="{files.url(SCRIPT_OF_STRANGERS)}" defer></script>'
    return (
        f'<!DOCTYPE html><html lang="{who.language}" data-theme="{who.theme}"'
        f' data-scheme="{who.scheme}"'
        f' data-page="{page}"{dark}><head><meta charset="utf-8">'
        f"<title>{escape(title)}</title>"
        '<meta name="viewport" content="width=device-width, initial-scale=1,'
        ' viewport-fit=cover, interactive-widget=resizes-content">'
        '<meta name="color-scheme" content="light dark">'
        f'<meta name="description" content="{escape(t(DESCRIPTION))}">'
        f'<script src="{files.url("theme.js")}"></script>'
        f"{sheets}{preloads}{script}"
        f'<link rel="icon" href="{files.url("icon.svg")}" type="image/svg+xml">'
        f'<link rel="apple-touch-icon" href="{files.url("icon-192.png")}">'
        '<link rel="manifest" href="/manifest.webmanifest">'
        "</head>"
    )
