"""How files look: audio and video have players, everything else is downloaded.

A player is drawn here as a whole, at rest; `assets/players.js` lets it play.
"""

from __future__ import annotations

from html import escape
from math import floor

from dash_messenger import cut
from dash_messenger_webui import (
    Composer,
    Drawable,
    Html,
    MessageView,
    Translate,
    field,
    hookimpl,
    linked,
)
from msgspec import UNSET

from dash_messenger_files.server import MAX_CAPTION_CHARACTERS, MAX_FILES, Files, OneFile

__all__ = ["FilesView", "register_message_views"]

# By what the name ends in, then by what the server found in the file.
ENDINGS = {
    **dict.fromkeys(("doc", "docx", "odt", "rtf", "txt", "md", "epub"), "text"),
    **dict.fromkeys(("xls", "xlsx", "ods", "csv", "tsv"), "table"),
    **dict.fromkeys(("ppt", "pptx", "odp", "key"), "slides"),
    **dict.fromkeys(("zip", "rar", "7z", "tar", "gz", "xz", "bz2", "zst"), "archive"),
    **dict.fromkeys(("py", "js", "ts", "html", "css", "json", "yaml", "sh", "sql", "xml"), "code"),
    "pdf": "pdf",
}
KINDS = {
    "application/pdf": "pdf",
    "application/zip": "archive",
    "application/gzip": "archive",
    "application/x-7z-compressed": "archive",
}
# What of a name is kept when there is no room for all of it: its last letters and its ending.
KEPT_END = 6
MAX_ENDING = 5
# What a bubble leaves of its 480 pixels; no higher than most of a phone's screen.
FILM_WIDTH_PX, FILM_HEIGHT_PX = 456, 400
# Room for the controls.
MIN_FILM_WIDTH_PX = 260
# Neither a ribbon nor a tower: what is beyond is seen on the whole screen.
MIN_RATIO, MAX_RATIO = 0.5, 2.4
USUAL_RATIO = 16 / 9


class FilesView(MessageView[Files]):
    """Draws messages of type ``files``."""

    type = "files"
    module = "players.js"

    def render(self, message: Drawable[Files], t: Translate) -> Html:
        """One below the other, then the caption."""
        parts = [_file(file, t) for file in message.content.files]
        if message.content.caption:
            parts.append(f'<p class="caption">{linked(message.content.caption)}</p>')
        return Html("".join(parts))

    def composer(self, t: Translate) -> Composer:
        """Any files, and a caption."""
        return Composer(
            icon="paperclip",
            label=t("File"),
            fields=(
                field.files("files", t("Files"), accept=("*/*",), max=MAX_FILES),
                field.area("caption", t("Caption"), max=MAX_CAPTION_CHARACTERS),
            ),
        )


@hookimpl
def register_message_views() -> list[MessageView[Files]]:
    """The view of type ``files``."""
    return [FilesView()]


def _file(file: OneFile, t: Translate) -> str:
    kind = file.media_type.partition("/")[0]
    # A recording without pictures may come in a file that could hold some.
    if kind == "audio" or (kind == "video" and _is_sound(file)):
        return _sound(file, t)
    if kind == "video":
        return _film(file, t) + _row(file, t, icon="download")
    return _row(file, t)


def _is_sound(file: OneFile) -> bool:
    return file.duration_ms is not UNSET and file.width is UNSET and file.poster is UNSET


def _row(file: OneFile, t: Translate, *, icon: str = "") -> str:
    name, ending = escape(file.name), _ending(file.name)
    kind = ENDINGS.get(ending) or KINDS.get(file.media_type) or file.media_type.partition("/")[0]
    tile = (
        f'<span class="icon icon-{icon}" aria-hidden="true"></span>'
        if icon
        else f'<span class="kind kind-{escape(kind)}" aria-hidden="true">'
        f"{escape(ending.upper()) or '•••'}</span>"
    )
    return (
        f'<a class="file" href="/blobs/{escape(file.blob)}?download" download="{name}"'
        f' title="{escape(t("Download"))}: {name}">{tile}'
        f'<span class="words">{_name(file)}'
        f'<span class="size">{_size(file.bytes, t)}</span></span></a>'
    )


def _name(file: OneFile) -> str:
    head, tail = _halves(file.name)
    return (
        f'<span class="name" dir="auto"><span>{escape(head)}</span>'
        f'<span class="tail">{escape(tail)}</span></span>'
    )


def _sound(file: OneFile, t: Translate) -> str:
    name, download = escape(file.name), escape(t("Download"))
    return (
        f"<files-sound{_said(file, t)}>"
        f"{_play(file, t)}"
        f'<span class="words">{_name(file)}{_seek(t)}'
        f'<span class="line"><span class="times" dir="ltr">{_times(file)}</span>'
        f'<span class="size">{_size(file.bytes, t)}</span>'
        f'<button type="button" class="speed" aria-label="{escape(t("Speed"))}: 1×" disabled>'
        "1×</button></span></span>"
        f'<a class="save" href="/blobs/{escape(file.blob)}?download" download="{name}"'
        f' title="{download}" aria-label="{download}: {name}">'
        '<span class="icon icon-download" aria-hidden="true"></span></a>'
        f"{_otherwise(file, t)}</files-sound>"
    )


def _film(file: OneFile, t: Translate) -> str:
    ratio = USUAL_RATIO
    if file.width is not UNSET and file.height is not UNSET:
        ratio = min(max(file.width / file.height, MIN_RATIO), MAX_RATIO)
    width = max(MIN_FILM_WIDTH_PX, min(FILM_WIDTH_PX, FILM_HEIGHT_PX * ratio))
    picture = ""
    if file.poster is not UNSET:
        address = f"/blobs/{escape(file.poster.blob)}"
        picture = f'<img src="{address}" alt="" loading="lazy" decoding="async">'
    length = _clock(file.duration_ms) if file.duration_ms is not UNSET else ""
    return (
        f'<files-film{_said(file, t)} style="width:{width:.0f}px;aspect-ratio:'
        f'{max(ratio, width / FILM_HEIGHT_PX):.4f}">{picture}'
        f'<button type="button" class="start" aria-label="{escape(t("Play"))}: '
        f'{escape(file.name)}" disabled><span class="sign sign-play" aria-hidden="true"></span>'
        f'</button><span class="badge" dir="ltr">{length}</span>'
        f'<span class="controls" dir="ltr">{_play(file, t)}{_seek(t)}'
        f'<span class="times">{_times(file)}</span>'
        f'<button type="button" class="mute" aria-label="{escape(t("Mute"))}" aria-pressed="false">'
        '<span class="sign" aria-hidden="true"></span></button>'
        f'<input type="range" class="volume" min="0" max="1" step="0.05" value="1"'
        f' aria-label="{escape(t("Volume"))}">'
        f'<button type="button" class="full" aria-label="{escape(t("Full screen"))}"'
        ' aria-pressed="false"><span class="sign" aria-hidden="true"></span></button></span>'
        f"{_otherwise(file, t)}</files-film>"
    )


def _said(file: OneFile, t: Translate) -> str:
    """What a player has to know and to say: attributes."""
    length = f' data-ms="{file.duration_ms}"' if file.duration_ms is not UNSET else ""
    return (
        f' data-src="/blobs/{escape(file.blob)}"{length} data-of="{escape(t("{at} of {length}"))}"'
        f' data-lost="{escape(t("It could not be loaded. Try again."))}"'
    )


def _play(file: OneFile, t: Translate) -> str:
    name = escape(file.name)
    return (
        f'<button type="button" class="play" aria-label="{escape(t("Play"))}: {name}"'
        f' data-pause="{escape(t("Pause"))}: {name}" disabled>'
        '<span class="sign" aria-hidden="true"></span></button>'
    )


def _seek(t: Translate) -> str:
    return (
        f'<input type="range" class="seek" dir="ltr" min="0" max="1" step="any" value="0"'
        f' aria-label="{escape(t("Position"))}" disabled>'
    )


def _times(file: OneFile) -> str:
    length = "–:––" if file.duration_ms is UNSET else _clock(file.duration_ms)
    return (
        '<span class="at" aria-hidden="true">0:00</span>'
        f'<span class="between" aria-hidden="true"> / </span><span class="length">{length}</span>'
    )


def _otherwise(file: OneFile, t: Translate) -> str:
    """What stands there where the browser cannot play it."""
    row = _row(file, t) if file.media_type.startswith("audio/") or _is_sound(file) else ""
    sentence = escape(t("This browser cannot play it. Download it instead."))
    return f'<template>{row}<span class="cannot" role="status">{sentence}</span></template>'


def _clock(duration_ms: int) -> str:
    """A duration as players write it: 0:07, 12:34, 1:02:03."""
    seconds = round(duration_ms / 1_000)
    hours, minutes, seconds = seconds // 3_600, seconds // 60 % 60, seconds % 60
    return f"{hours}:{minutes:02}:{seconds:02}" if hours else f"{minutes}:{seconds:02}"


def _ending(name: str) -> str:
    """What stands after the last dot, in small letters, where it looks like an ending."""
    stem, dot, ending = name.rpartition(".")
    fits = stem and dot and ending.isascii() and ending.isalnum() and len(ending) <= MAX_ENDING
    return ending.lower() if fits else ""


def _halves(name: str) -> tuple[str, str]:
    """A name in two: the first is cut short where there is no room, the second never."""
    ending = _ending(name)
    kept = KEPT_END + (len(ending) + 1 if ending else 0)
    if len(name) <= 2 * kept:
        return name, ""
    head = cut(name, len(name) - kept)
    return head, name[len(head) :]


def _size(count: int, t: Translate) -> str:
    """A number of bytes as the reader's language writes it."""
    value = float(count)
    units = (t("{n} B"), t("{n} kB"), t("{n} MB"), t("{n} GB"))
    for unit in units:
        if value < 1000 or unit is units[-1]:
            break
        value /= 1000
    # As `sizeOf` of the browser: rounded half up, and no digit that says nothing.
    scale = 10 if value < 10 else 1
    # Translated for its decimal sign alone.
    point = t("0.5").strip("05") or "."
    return unit.replace("{n}", f"{floor(value * scale + 0.5) / scale:g}".replace(".", point))
