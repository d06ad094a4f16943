"""How photos look: in rows that have their size before a byte of them has come."""

from __future__ import annotations

from html import escape

from dash_messenger_webui import (
    Also,
    Composer,
    Drawable,
    Html,
    MessageView,
    Translate,
    field,
    hookimpl,
    linked,
    picture_kinds,
)

from dash_messenger_photo.layout import arrange, shape
from dash_messenger_photo.placeholder import placeholder
from dash_messenger_photo.server import (
    MAX_ALT_CHARACTERS,
    MAX_CAPTION_CHARACTERS,
    MAX_PHOTOS,
    Photo,
    Photos,
    Variant,
)

__all__ = ["PhotoView", "register_message_views"]

# The bubble's width; a photo is not drawn larger than it is.
MAX_WIDTH_PX = 480
MAX_HEIGHT_PX = 480
MIN_WIDTH_PX = 160
# Neither a ribbon nor a tower: what is beyond is seen in the gallery.
MIN_RATIO, MAX_RATIO = 0.5, 2.2


class PhotoView(MessageView[Photos]):
    """Draws messages of type ``photo``: to the edges of the bubble."""

    type = "photo"
    module = "sending.js"

    def render(self, message: Drawable[Photos], t: Translate) -> Html:
        """One photo in its own shape, several in rows."""
        photos, caption = message.content.photos, message.content.caption
        shown = _alone(photos[0], caption, t) if len(photos) == 1 else _album(photos, caption, t)
        below = ""
        if caption:
            below = f'<span class="caption" data-caption-below>{linked(caption)}</span>'
        return Html(shown + below, edge=True)

    def composer(self, t: Translate) -> Composer:
        """Pictures, what is to be seen on each, and a caption."""
        alt = field.text("alt", t("What is in the picture"), max=MAX_ALT_CHARACTERS)
        return Composer(
            icon="photo",
            label=t("Photo"),
            # More wanted than files, which go by 100.
            rank=90,
            also=Also(t("Photo or video"), ("video/*",)),
            fields=(
                field.files(
                    "photos",
                    t("Photos"),
                    accept=picture_kinds(),
                    max=MAX_PHOTOS,
                    item=(alt,),
                    check="photo.check",
                ),
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
    sizes = _sizes(photo, ratio, width, 1.0)
    one = _picture(photo, caption, t, f"aspect-ratio:{ratio:.4f}", sizes)
    return f'<div class="pictures" style="width:{width:.0f}px">{one}</div>'


def _album(photos: list[Photo], caption: str, t: Translate) -> str:
    ratios = [shape(photo.width, photo.height) for photo in photos]
    rows = []
    for row in arrange(ratios):
        together = sum(ratios[place] for place in row)
        tiles = "".join(
            _picture(
                photos[place],
                caption,
                t,
                f"flex:{ratios[place]:.4f}",
                _sizes(
                    photos[place],
                    ratios[place],
                    MAX_WIDTH_PX * ratios[place] / together,
                    ratios[place] / together,
                ),
            )
            for place in row
        )
        rows.append(f'<div class="row" style="aspect-ratio:{together:.4f}">{tiles}</div>')
    return f'<div class="pictures" style="width:{MAX_WIDTH_PX}px">{"".join(rows)}</div>'


def _sizes(photo: Photo, ratio: float, width: float, share: float) -> str:
    """How wide a photo is drawn that covers a place of this shape: a panorama beyond its edges.

    ``share`` is the place's part of the window's width at most.
    """
    over = max(1.0, photo.width / max(photo.height, 1) / ratio)
    return f"min({100 * over * share:.0f}vw, {over * width:.0f}px)"


def _picture(photo: Photo, caption: str, t: Translate, style: str, sizes: str) -> str:
    background = placeholder(photo.hash)
    if background:
        style = f"{style};background-image:url({background})"
    # One that was not made ready, as in a preview, is its upload.
    variants = photo.variants or [Variant(photo.blob, MAX_WIDTH_PX)]
    full = f"/blobs/{escape(variants[-1].blob)}"
    sources = ", ".join(f"/blobs/{escape(one.blob)} {one.width}w" for one in variants)
    alt = escape(photo.alt)
    backdrop = f' data-backdrop="{photo.backdrop}"' if photo.backdrop else ""
    return (
        f'<button type="button" style="{escape(style)}" data-gallery="{full}"'
        f'{backdrop} data-download="{full}?download" data-caption="{escape(caption or photo.alt)}"'
        f' aria-label="{alt or escape(t("Photo"))}">'
        f'<img src="/blobs/{escape(variants[0].blob)}" srcset="{sources}" sizes="{sizes}"'
        f' alt="{alt}" loading="lazy" decoding="async"></button>'
    )
