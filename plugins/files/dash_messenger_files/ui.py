"""How files look: audio and video play in place, everything else is downloaded."""

from __future__ import annotations

from html import escape

from dash_messenger_webui import (
    Composer,
    Drawable,
    Html,
    MessageView,
    Translate,
    field,
    hookimpl,
)

from dash_messenger_files.server import MAX_CAPTION_CHARACTERS, MAX_FILES, Files, OneFile

__all__ = ["FilesView", "register_message_views"]

KINDS = {
    "application/pdf": "pdf",
    "application/zip": "archive",
    "application/gzip": "archive",
    "application/x-7z-compressed": "archive",
}
ENDINGS = {
    **dict.fromkeys(("doc", "docx", "odt", "rtf", "txt", "md"), "text"),
    **dict.fromkeys(("xls", "xlsx", "ods", "csv"), "table"),
    **dict.fromkeys(("zip", "rar", "7z", "tar", "gz", "xz"), "archive"),
    **dict.fromkeys(("py", "js", "ts", "html", "css", "json", "yaml", "sh", "sql"), "code"),
}


class FilesView(MessageView[Files]):
    """Draws messages of type ``files``."""

    type = "files"

    def render(self, message: Drawable[Files], t: Translate) -> Html:
        """One below the other, then the caption."""
        parts = [_file(file, t) for file in message.content.files]
        if message.content.caption:
            parts.append(f'<p class="caption">{escape(message.content.caption)}</p>')
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
    icon = KINDS.get(file.media_type) or ENDINGS.get(file.name.rpartition(".")[2].lower(), "file")
    return (
        f'{player}<a class="file" href="{address}?download" download'
        f' title="{escape(t("Download"))}">'
        f'<span class="kind kind-{icon}" aria-hidden="true"></span>'
        f'<span class="words"><span class="name">{name}</span>'
        f'<span class="size">{_size(file.bytes)}</span></span></a>'
    )


def _size(count: int) -> str:
    """A number of bytes for people, in the units that all languages share."""
    value, unit = float(count), "B"
    for unit in ("B", "kB", "MB", "GB"):
        if value < 1000 or unit == "GB":
            break
        value /= 1000
    digits = 1 if value < 10 and unit != "B" else 0
    return f"{value:.{digits}f} {unit}"
