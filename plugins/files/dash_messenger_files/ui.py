"""How files look: audio and video play in place, everything else is downloaded."""

from __future__ import annotations

from html import escape

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


class FilesView(MessageView[Files]):
    """Draws messages of type ``files``."""

    type = "files"

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
    address, name = f"/blobs/{escape(file.blob)}", escape(file.name)
    kind = file.media_type.partition("/")[0]
    player = ""
    if kind == "audio":
        player = f'<audio controls preload="none" src="{address}" aria-label="{name}"></audio>'
    elif kind == "video":
        player = (
            f'<video controls playsinline preload="metadata" src="{address}"'
            f' aria-label="{name}"></video>'
        )
    ending = _ending(file.name)
    icon = ENDINGS.get(ending) or KINDS.get(file.media_type) or kind
    head, tail = _halves(file.name)
    return (
        f'{player}<a class="file" href="{address}?download" download="{name}"'
        f' title="{escape(t("Download"))}: {name}">'
        f'<span class="kind kind-{escape(icon)}" aria-hidden="true">'
        f"{escape(ending.upper()) or '•••'}</span>"
        f'<span class="words"><span class="name" dir="auto"><span>{escape(head)}</span>'
        f'<span class="tail">{escape(tail)}</span></span>'
        f'<span class="size">{_size(file.bytes, t)}</span></span></a>'
    )


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
    digits = 1 if value < 10 and unit is not units[0] else 0
    # Translated for its decimal sign alone.
    point = t("0.5").strip("05") or "."
    return unit.replace("{n}", f"{value:.{digits}f}".replace(".", point))
