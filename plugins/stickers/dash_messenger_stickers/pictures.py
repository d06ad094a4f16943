"""A picture made into a sticker: fitted to size, transparency and motion kept, nothing else.

Runs in a child process with limits. Must not know packs. Invariant: what comes out was redrawn
from pixels, so that neither metadata nor anything hidden in the file survives.
"""

from __future__ import annotations

from typing import Any

from dash_messenger import Refused
from dash_messenger.pictures import encode_webp, open_picture

__all__ = ["MAX_SIDE_PX", "fit"]

MAX_SIDE_PX = 512
MAX_FRAMES = 120
MAX_RESULT_BYTES = 1_000_000


def fit(data: bytes) -> dict[str, Any]:
    """``webp`` (the bytes), ``width``, ``height`` and ``animated`` of the picture in ``data``.

    The longer side has `MAX_SIDE_PX` at most; small pictures stay as small as they are.

    Raises:
        Refused: it is no picture in a format that is taken, damaged, or too large.
    """
    with open_picture(data) as picture:
        part = min(1.0, MAX_SIDE_PX / max(picture.width, picture.height))
        size = (max(1, round(picture.width * part)), max(1, round(picture.height * part)))
        result = {"width": size[0], "height": size[1], "animated": picture.frame_count > 1}
        if not result["animated"]:
            # 512 × 512 pixels of pure noise take 0.4 MB so.
            return {**result, "webp": encode_webp([picture.still(size)], quality=90)}
        frames, durations_ms = zip(*picture.frames(size, at_most=MAX_FRAMES), strict=True)
        for quality in (80, 60, 35):
            webp = encode_webp(
                frames, quality=quality, durations_ms=durations_ms, plays=picture.plays
            )
            if len(webp) <= MAX_RESULT_BYTES:
                return {**result, "webp": webp}
    raise Refused(reason="This animation is too large.", key="too_large")
