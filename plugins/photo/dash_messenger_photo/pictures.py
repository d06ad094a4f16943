"""A photo made fit to be sent: turned upright, without metadata, in the sizes that screens need.

Runs in a child process with limits. Must not know messages. Invariant: what comes out was redrawn
from pixels, so that neither metadata nor anything hidden in the file survives.
"""

from __future__ import annotations

import base64
import io
from math import ceil
from typing import Any

import thumbhash
from dash_messenger import Refused
from PIL import Image, ImageOps, ImageSequence, UnidentifiedImageError

__all__ = ["SIDES_PX", "make_photo", "make_square"]

# A phone's bubble, a desktop's, and the whole screen.
SIDES_PX = (480, 960, 1920)
SQUARE_PX = 256
MAX_PIXELS = 25_000_000
MAX_FRAMES = 200
# A frame cannot be decoded without those before it: this is 4 s of a processor, of the 5 there are.
MAX_DECODED_PIXELS = 400_000_000
# All frames of an animation are in memory at once.
MAX_ANIMATION_PIXELS = 60_000_000
FORMATS = ("PNG", "JPEG", "GIF", "WEBP", "AVIF")
# The hash keeps seven waves a side; more pixels only cost time.
HASH_SIDE_PX = 40
QUALITY = 80


def make_photo(data: bytes) -> dict[str, Any]:
    """``width``, ``height``, ``animated``, ``hash`` (a ThumbHash, base64) and ``variants``.

    Each variant has ``width`` and ``webp``, the smallest first; the last is the photo itself.

    Raises:
        Refused: it is no photo in a format that is taken, damaged, or too large.
    """
    with _opened(data) as picture:
        if getattr(picture, "n_frames", 1) > 1:
            return _animation(picture)
        # A large JPEG is decoded at half or a quarter of its size where that is enough.
        part = SIDES_PX[-1] / max(picture.size)
        picture.draft(None, (ceil(picture.width * part), ceil(picture.height * part)))
        upright = ImageOps.exif_transpose(picture)
        shown = _opaque(upright)
        variants = []
        for side in SIDES_PX:
            variant = _fitted(shown, side)
            variants.append({"width": variant.width, "webp": _webp(variant)})
            if max(shown.size) <= side:
                break
        largest = _fitted(shown, SIDES_PX[-1])
        return {
            "width": largest.width,
            "height": largest.height,
            "animated": False,
            "hash": _hash(shown),
            "variants": variants,
        }


def make_square(data: bytes) -> bytes:
    """The middle of a photo as a small square, for people and groups; what is clear becomes white.

    Raises:
        Refused: as `make_photo`.
    """
    with _opened(data) as picture:
        shown = _opaque(ImageOps.exif_transpose(picture))
        return _webp(ImageOps.fit(shown, (SQUARE_PX, SQUARE_PX), Image.Resampling.LANCZOS))


class _opened:  # noqa: N801 - reads as a word after "with"
    """The picture in ``data``, looked at but not decoded; errors become refusals."""

    def __init__(self, data: bytes) -> None:
        self._data = data
        self._picture: Image.Image | None = None

    def __enter__(self) -> Image.Image:
        try:
            self._picture = Image.open(io.BytesIO(self._data), formats=FORMATS)
        except Exception as error:
            raise _refusal(error) from error
        if self._picture.width * self._picture.height > MAX_PIXELS:
            raise Refused(reason="This photo has too many pixels.", key="too_many_pixels")
        return self._picture

    def __exit__(self, kind: type[BaseException] | None, error: Any, traceback: Any) -> None:
        if self._picture is not None:
            self._picture.close()
        if isinstance(error, Refused | MemoryError) or not isinstance(error, Exception):
            return
        # A decoder raises whatever it likes for a damaged file.
        raise _refusal(error) from error


def _refusal(error: Exception) -> Refused:
    if isinstance(error, Image.DecompressionBombError | Image.DecompressionBombWarning):
        return Refused(reason="This photo has too many pixels.", key="too_many_pixels")
    if isinstance(error, UnidentifiedImageError):
        return Refused(reason="This is no photo.", key="no_photo")
    return Refused(reason="This photo is damaged.", key="no_photo")


def _animation(picture: Image.Image) -> dict[str, Any]:
    count = picture.n_frames  # type: ignore[attr-defined]
    if count > MAX_FRAMES:
        raise Refused(reason="This animation is too long.", key="too_many_frames")
    if count * picture.width * picture.height > MAX_DECODED_PIXELS:
        raise Refused(reason="This photo has too many pixels.", key="too_many_pixels")
    side = SIDES_PX[1]
    while side > 200 and count * side * side > MAX_ANIMATION_PIXELS:
        side //= 2
    frames, durations_ms = [], []
    for frame in ImageSequence.Iterator(picture):
        durations_ms.append(min(max(int(frame.info.get("duration") or 100), 20), 10_000))
        # Made smaller first: a copy of each large frame would cost more than all the rest.
        shown = frame if frame.mode in ("RGB", "RGBA") else _opaque(frame)
        part = min(1.0, side / max(shown.size))
        size = (max(1, round(shown.width * part)), max(1, round(shown.height * part)))
        frames.append(_opaque(shown.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)))
    out = io.BytesIO()
    frames[0].save(
        out,
        "WEBP",
        save_all=True,
        append_images=frames[1:],
        duration=durations_ms,
        loop=0,
        quality=70,
        method=2,
    )
    width, height = frames[0].size
    return {
        "width": width,
        "height": height,
        "animated": True,
        "hash": _hash(frames[0]),
        "variants": [{"width": width, "webp": out.getvalue()}],
    }


def _opaque(picture: Image.Image) -> Image.Image:
    """The picture on white: what shows through a photo is nobody's wish."""
    if picture.mode not in ("RGBA", "LA", "PA") and "transparency" not in picture.info:
        return picture.convert("RGB")
    white = Image.new("RGBA", picture.size, "white")
    white.alpha_composite(picture.convert("RGBA"))
    return white.convert("RGB")


def _fitted(picture: Image.Image, side: int) -> Image.Image:
    fitted = picture.copy()
    fitted.thumbnail((side, side), Image.Resampling.LANCZOS)
    return fitted


def _webp(picture: Image.Image) -> bytes:
    out = io.BytesIO()
    picture.save(out, "WEBP", quality=QUALITY, method=3)
    return out.getvalue()


def _hash(picture: Image.Image) -> str:
    small = _fitted(picture.convert("RGBA"), HASH_SIDE_PX)
    made = thumbhash.rgba_to_thumb_hash(small.width, small.height, list(small.tobytes()))
    return base64.b64encode(bytes(made)).decode()
