"""The picture of a video, made fit to be sent.

Runs in a child process with limits. Must not know messages. Invariant: what comes out was redrawn
from pixels, so that neither metadata nor anything hidden in the file survives.
"""

from __future__ import annotations

from dash_messenger.pictures import encode_webp, open_picture

__all__ = ["make_poster"]

# A bubble's width on a screen of twice the pixels.
SIDE_PX = 960
QUALITY = 75


def make_poster(data: bytes) -> bytes:
    """The picture as WebP, its longer side 960 pixels at most; of an animation the first frame.

    Raises:
        Refused: it is no picture in a format that is taken, damaged, or too large.
    """
    with open_picture(data) as picture:
        part = min(1.0, SIDE_PX / max(picture.width, picture.height))
        size = (max(1, round(picture.width * part)), max(1, round(picture.height * part)))
        return encode_webp([picture.still(size).convert("RGB")], quality=QUALITY)
