"""A picture made into a sticker: fitted to size, transparency and motion kept, nothing else.

Runs in a child process with limits. Must not know packs. Invariant: what comes out was redrawn
from pixels, so that neither metadata nor anything hidden in the file survives.
"""

from __future__ import annotations

import io
from typing import Any

from dash_messenger import Refused
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

__all__ = ["MAX_SIDE_PX", "fit"]

MAX_SIDE_PX = 512
MAX_PIXELS = 25_000_000
MAX_FRAMES = 120
# A frame cannot be decoded without those before it: this is 4 s of a processor, of the 5 there are.
MAX_DECODED_PIXELS = 400_000_000
MAX_RESULT_BYTES = 1_000_000
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF")
# Beyond a second, a frame of a broken file would never end.
MAX_FRAME_MS = 10_000
MIN_FRAME_MS = 20


def fit(data: bytes) -> dict[str, Any]:
    """``webp`` (the bytes), ``width``, ``height`` and ``animated`` of the picture in ``data``.

    The longer side has `MAX_SIDE_PX` at most; small pictures stay as small as they are.

    Raises:
        Refused: it is no picture in a format that is taken, damaged, or too large.
    """
    try:
        with Image.open(io.BytesIO(data), formats=FORMATS) as picture:
            if picture.width * picture.height > MAX_PIXELS:
                raise Refused(reason="The picture has too many pixels.", key="too_many_pixels")
            frames = getattr(picture, "n_frames", 1)
            if frames > MAX_FRAMES:
                raise Refused(reason="The animation is too long.", key="too_many_frames")
            if frames * picture.width * picture.height > MAX_DECODED_PIXELS:
                raise Refused(reason="The picture has too many pixels.", key="too_many_pixels")
            if frames > 1:
                return _animation(picture)
            return _still(picture)
    except Image.DecompressionBombError as error:
        raise Refused(reason="The picture has too many pixels.", key="too_many_pixels") from error
    except (UnidentifiedImageError, OSError, SyntaxError, ValueError, EOFError) as error:
        raise Refused(reason="This is no picture, or a damaged one.", key="no_picture") from error


def _still(picture: Image.Image) -> dict[str, Any]:
    fitted = _fitted(ImageOps.exif_transpose(picture))
    # 512 × 512 pixels of pure noise take 0.4 MB so.
    out = io.BytesIO()
    fitted.save(out, "WEBP", quality=90, method=4)
    return _result(out, fitted, animated=False)


def _animation(picture: Image.Image) -> dict[str, Any]:
    frames, durations_ms = [], []
    for frame in ImageSequence.Iterator(picture):
        duration_ms = int(frame.info.get("duration") or 100)
        durations_ms.append(min(max(duration_ms, MIN_FRAME_MS), MAX_FRAME_MS))
        frames.append(_fitted(frame))
    for quality in (80, 60, 35):
        out = io.BytesIO()
        frames[0].save(
            out,
            "WEBP",
            save_all=True,
            append_images=frames[1:],
            duration=durations_ms,
            loop=0,
            quality=quality,
            method=2,
        )
        if out.tell() <= MAX_RESULT_BYTES:
            return _result(out, frames[0], animated=True)
    raise Refused(reason="The animation is too large.", key="too_many_frames")


def _fitted(picture: Image.Image) -> Image.Image:
    drawn = picture.convert("RGBA")
    # In two steps, the first of them cheap: a large frame costs a third.
    drawn.thumbnail((MAX_SIDE_PX, MAX_SIDE_PX), Image.Resampling.LANCZOS, reducing_gap=2.0)
    return drawn


def _result(out: io.BytesIO, picture: Image.Image, *, animated: bool) -> dict[str, Any]:
    return {
        "webp": out.getvalue(),
        "width": picture.width,
        "height": picture.height,
        "animated": animated,
    }
