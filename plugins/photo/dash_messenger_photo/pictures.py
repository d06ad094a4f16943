"""A photo made fit to be sent, in the sizes that screens need.

Runs in a child process with limits. Must not know messages. Invariant: what comes out was redrawn
from pixels, so that neither metadata nor anything hidden in the file survives.
"""

from __future__ import annotations

import base64
from math import sqrt
from typing import Any

import thumbhash
from dash_messenger.pictures import Picture, encode_webp, open_picture
from PIL import Image, ImageChops, ImageFilter, ImageOps

__all__ = ["SIDES_PX", "check_photo", "make_photo", "make_square"]

# A phone's bubble, a desktop's, and the whole screen: the longer side of a usual photo.
SIDES_PX = (480, 960, 1920)
# A long one's shorter side has at least this part of them: 1,080 pixels of the largest.
SHORTER_SIDE = 9 / 16
# WebP's own limit.
MAX_SIDE_PX = 16_383
MAX_STORED_PIXELS = 16_000_000
SQUARE_PX = 256
MAX_FRAMES = 200
# All frames of an animation are in memory at once.
MAX_ANIMATION_PIXELS = 60_000_000
# The hash keeps seven waves a side; more pixels only cost time.
HASH_SIDE_PX = 40
QUALITY = 80
# Of a transparent picture: what share of what is seen may be lost on a bubble of its colour.
MAX_LOST = 0.2
DARK_BELOW, LIGHT_FROM = 80, 190
# How far from what is clear its edge reaches, in pixels of the small picture that is looked at.
EDGE_PX = 2


def make_photo(data: bytes) -> dict[str, Any]:
    """``width``, ``height``, ``animated``, ``hash`` (a ThumbHash, base64), ``backdrop`` and
    ``variants``: ``width`` and ``webp`` of each, the smallest first; the last is the photo itself.

    Where something is transparent, ``hash`` is empty and ``backdrop`` says on what the picture can
    be seen: ``light``, ``dark``, ``grey`` (dark and light parts beside each other) or ``any``.

    Raises:
        Refused: it is no picture in a format that is taken, damaged, or too large.
    """
    with open_picture(data) as picture:
        if picture.frame_count > 1:
            return _animation(picture)
        largest = picture.still(_size(picture, SIDES_PX[-1]))
        variants = []
        for side in SIDES_PX:
            size = _size(picture, side)
            if size == largest.size:
                break
            smaller = largest.resize(size, Image.Resampling.LANCZOS, reducing_gap=2.0)
            variants.append({"width": size[0], "webp": encode_webp([smaller], quality=QUALITY)})
        variants.append({"width": largest.width, "webp": encode_webp([largest], quality=QUALITY)})
        return _photo(largest, variants, animated=False)


def check_photo(data: bytes) -> None:
    """Decode all of a picture and make nothing of it.

    Raises:
        Refused: as `make_photo`.
    """
    with open_picture(data) as picture:
        size = _size(picture, HASH_SIDE_PX)
        if picture.frame_count == 1:
            picture.still(size)
            return
        for _ in picture.frames(size, at_most=MAX_FRAMES):
            pass


def make_square(data: bytes) -> bytes:
    """The middle of a photo as a small square, for people and groups; what is clear becomes white.

    Raises:
        Refused: as `make_photo`.
    """
    with open_picture(data) as picture:
        part = min(1.0, 2 * SQUARE_PX / min(picture.width, picture.height))
        size = (max(1, round(picture.width * part)), max(1, round(picture.height * part)))
        shown = picture.still(size).convert("RGBA")
        on_white = Image.new("RGBA", shown.size, "white")
        on_white.alpha_composite(shown)
        fitted = ImageOps.fit(
            on_white.convert("RGB"), (SQUARE_PX, SQUARE_PX), Image.Resampling.LANCZOS
        )
        return encode_webp([fitted], quality=QUALITY)


def _size(picture: Picture, side: int) -> tuple[int, int]:
    """Of the variant for ``side``: never larger than the picture."""
    shorter, longer = sorted((picture.width, picture.height))
    part = min(
        1.0,
        max(side / longer, side * SHORTER_SIDE / shorter),
        MAX_SIDE_PX / longer,
        sqrt(MAX_STORED_PIXELS / (shorter * longer)),
    )
    return max(1, int(picture.width * part)), max(1, int(picture.height * part))


def _animation(picture: Picture) -> dict[str, Any]:
    side, count = SIDES_PX[1], min(picture.frame_count, MAX_FRAMES)
    while side > 200 and count * side * side > MAX_ANIMATION_PIXELS:
        side //= 2
    part = min(1.0, side / max(picture.width, picture.height))
    size = (max(1, round(picture.width * part)), max(1, round(picture.height * part)))
    frames, durations_ms = zip(*picture.frames(size, at_most=MAX_FRAMES), strict=True)
    webp = encode_webp(frames, quality=70, durations_ms=durations_ms, plays=picture.plays)
    return _photo(frames[0], [{"width": size[0], "webp": webp}], animated=True)


def _photo(shown: Image.Image, variants: list[dict[str, Any]], *, animated: bool) -> dict[str, Any]:
    return {
        "width": shown.width,
        "height": shown.height,
        "animated": animated,
        "hash": _hash(shown) if shown.mode == "RGB" else "",
        "backdrop": _backdrop(shown) if shown.mode == "RGBA" else "",
        "variants": variants,
    }


def _backdrop(picture: Image.Image) -> str:
    """What a transparent picture can be seen on: what is dark on light, what is light on dark."""
    small = picture.copy()
    small.thumbnail((200, 200), Image.Resampling.BOX)
    seen = small.getchannel("A").point(lambda alpha: 255 * (alpha > 127))
    dark, light = _lost(small, seen)
    if dark > MAX_LOST >= light:
        return "light"
    if light > MAX_LOST >= dark:
        return "dark"
    # What stands on a part of the picture itself is seen: its edge is what meets the bubble.
    inside = seen.filter(ImageFilter.MinFilter(2 * EDGE_PX + 1))
    return "grey" if min(_lost(small, ImageChops.subtract(seen, inside))) > MAX_LOST else "any"


def _lost(picture: Image.Image, seen: Image.Image) -> tuple[float, float]:
    """Which parts of what is seen are dark and light."""
    levels = picture.convert("L").histogram(seen)
    count = sum(levels) or 1
    return sum(levels[:DARK_BELOW]) / count, sum(levels[LIGHT_FROM:]) / count


def _hash(picture: Image.Image) -> str:
    small = picture.copy()
    small.thumbnail((HASH_SIDE_PX, HASH_SIDE_PX), Image.Resampling.LANCZOS)
    small = small.convert("RGBA")
    made = thumbhash.rgba_to_thumb_hash(small.width, small.height, list(small.tobytes()))
    return base64.b64encode(bytes(made)).decode()
