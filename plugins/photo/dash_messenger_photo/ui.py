"""How photos look: in a tidy grid that has its size before a byte of them has come."""

from __future__ import annotations

import base64
import struct
import zlib
from functools import lru_cache
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

from dash_messenger_photo.server import (
    MAX_ALT_CHARACTERS,
    MAX_CAPTION_CHARACTERS,
    MAX_PHOTOS,
    Photo,
    Photos,
)

__all__ = ["PhotoView", "register_message_views"]

# The bubble's width; a photo is not drawn larger than it is.
MAX_WIDTH_PX = 480
MAX_HEIGHT_PX = 480
MIN_WIDTH_PX = 140
# Neither a ribbon nor a tower: what is beyond is seen in the gallery.
MIN_RATIO, MAX_RATIO = 0.5, 2.2


class PhotoView(MessageView[Photos]):
    """Draws messages of type ``photo``: to the edges of the bubble."""

    type = "photo"

    def render(self, message: Drawable[Photos], t: Translate) -> Html:
        """One photo in its own shape, several in rows of two or three."""
        photos, caption = message.content.photos, message.content.caption
        if len(photos) == 1:
            shown = _alone(photos[0], caption, t)
        else:
            tiles = "".join(_tile(photo, caption, t) for photo in photos)
            shown = f'<div class="grid grid-{min(len(photos), 4)}">{tiles}</div>'
        below = ""
        if caption:
            below = f'<p class="caption" data-caption-below>{escape(caption)}</p>'
        return Html(shown + below, edge=True)

    def composer(self, t: Translate) -> Composer:
        """Pictures, what is to be seen on each, and a caption."""
        alt = field.text("alt", t("What is in the picture"), max=MAX_ALT_CHARACTERS)
        kinds = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif")
        return Composer(
            icon="photo",
            label=t("Photo"),
            fields=(
                field.files("photos", t("Photos"), accept=kinds, max=MAX_PHOTOS, item=(alt,)),
                field.area("caption", t("Caption"), max=MAX_CAPTION_CHARACTERS),
            ),
        )


@hookimpl
def register_message_views() -> list[MessageView[Photos]]:
    """The view of type ``photo``."""
    return [PhotoView()]


def _alone(photo: Photo, caption: str, t: Translate) -> str:
    ratio = min(max(photo.width / max(photo.height, 1), MIN_RATIO), MAX_RATIO)
    width = min(MAX_WIDTH_PX, photo.width, MAX_HEIGHT_PX * ratio)
    width = max(width, MIN_WIDTH_PX)
    style = f"width:{width:.0f}px;aspect-ratio:{ratio:.4f}"
    return _picture(photo, caption, t, "alone", style, f"min(100vw, {width:.0f}px)")


def _tile(photo: Photo, caption: str, t: Translate) -> str:
    return _picture(photo, caption, t, "tile", "", "240px")


def _picture(photo: Photo, caption: str, t: Translate, kind: str, style: str, sizes: str) -> str:
    background = _placeholder(photo.hash)
    if background:
        style = f"{style};background-image:url({background})"
    variants = photo.variants
    full = f"/blobs/{escape(variants[-1].blob)}"
    sources = ", ".join(f"/blobs/{escape(one.blob)} {one.width}w" for one in variants)
    alt = escape(photo.alt)
    return (
        f'<button type="button" class="{kind}" style="{escape(style)}" data-gallery="{full}"'
        f' data-download="{full}?download" data-caption="{escape(caption or photo.alt)}"'
        f' aria-label="{alt or escape(t("Photo"))}">'
        f'<img src="/blobs/{escape(variants[0].blob)}" srcset="{sources}" sizes="{sizes}"'
        f' alt="{alt}" loading="lazy" decoding="async"></button>'
    )


@lru_cache(256)
def _placeholder(thumb_hash: str) -> str:
    """What is seen until the photo has come: a few waves of colour, as a PNG in a data address."""
    if not thumb_hash:
        return ""
    # It takes as long to import as everything else here.
    import thumbhash

    width, height, rgba = thumbhash.thumb_hash_to_rgba(list(base64.b64decode(thumb_hash)))
    png = base64.b64encode(_png(width, height, bytes(rgba))).decode()
    return f"data:image/png;base64,{png}"


def _png(width: int, height: int, rgba: bytes) -> bytes:
    """Pixels as a PNG (RFC 2083), without loading an image library into the server."""
    rows = b"".join(b"\0" + rgba[y * width * 4 : (y + 1) * width * 4] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 6, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows, 9)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(data)) + kind + data + struct.pack(">I", zlib.crc32(kind + data))
        for kind, data in chunks
    )
