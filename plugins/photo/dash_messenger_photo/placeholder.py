"""What is seen until a photo has come: the waves of its ThumbHash, as a PNG in a data address.

Decodes the format (evanw/thumbhash) straight to the few pixels that are shown blurred: ten photos
have to be drawn in a few milliseconds and kilobytes. Must not import an image library into the
server.
"""

from __future__ import annotations

import base64
import struct
import zlib
from dataclasses import dataclass
from functools import lru_cache
from math import cos, pi

__all__ = ["placeholder"]

# The browser blurs them into each other.
SIDE_PX = 10

Wave = tuple[int, int, float]


@lru_cache(256)
def placeholder(thumb_hash: str) -> str:
    """A data address for the hash in base64; empty where there is none that could be read."""
    try:
        width, height, rgb = pixels(base64.b64decode(thumb_hash, validate=True))
    except (ValueError, IndexError):
        return ""
    return f"data:image/png;base64,{base64.b64encode(_png(width, height, rgb)).decode()}"


def pixels(data: bytes) -> tuple[int, int, bytes]:
    """Width, height and RGB of the picture in a hash; what is transparent is left out.

    Raises:
        IndexError: it is cut off.
    """
    header = data[0] | data[1] << 8 | data[2] << 16
    more = data[3] | data[4] << 8
    has_alpha, landscape = bool(header >> 23), bool(more >> 15)
    longer = 5 if has_alpha else 7
    across = max(3, longer if landscape else more & 7)
    down = max(3, more & 7 if landscape else longer)
    reader = _Reader(data, 6 if has_alpha else 5)
    light = _Channel((header & 63) / 63, reader.waves(across, down, (header >> 18 & 31) / 31))
    yellow = _Channel(
        (header >> 6 & 63) / 31.5 - 1, reader.waves(3, 3, (more >> 3 & 63) / 63 * 1.25)
    )
    red = _Channel((header >> 12 & 63) / 31.5 - 1, reader.waves(3, 3, (more >> 9 & 63) / 63 * 1.25))
    ratio = across / down
    width = SIDE_PX if ratio >= 1 else max(1, round(SIDE_PX * ratio))
    height = SIDE_PX if ratio <= 1 else max(1, round(SIDE_PX / ratio))
    found = bytearray()
    for y in range(height):
        for x in range(width):
            at = ((x + 0.5) / width, (y + 0.5) / height)
            found += _rgb(light.at(*at), yellow.at(*at), red.at(*at))
    return width, height, bytes(found)


@dataclass(frozen=True, slots=True)
class _Channel:
    """A constant and the waves around it."""

    mean: float
    waves: list[Wave]

    def at(self, x: float, y: float) -> float:
        return self.mean + sum(
            value * cos(pi * x * across) * cos(pi * y * down) * (2 if down else 1)
            if across
            else value * cos(pi * y * down) * 2
            for across, down, value in self.waves
        )


class _Reader:
    """Takes four bits after the other."""

    def __init__(self, data: bytes, start: int) -> None:
        self._data = data
        self._at = start * 2

    def waves(self, across: int, down: int, scale: float) -> list[Wave]:
        """Those of a channel: the slow ones, from the left and the top."""
        found = []
        for y in range(down):
            x = 0 if y else 1
            while x * down < across * (down - y):
                nibble = self._data[self._at >> 1] >> (self._at % 2 * 4) & 15
                found.append((x, y, (nibble / 7.5 - 1) * scale))
                self._at += 1
                x += 1
        return found


def _rgb(light: float, yellow: float, red: float) -> bytes:
    blue = light - 2 / 3 * yellow
    r = (3 * light - blue + red) / 2
    return bytes(max(0, min(255, round(255 * value))) for value in (r, r - red, blue))


def _png(width: int, height: int, rgb: bytes) -> bytes:
    """Pixels as a PNG (RFC 2083)."""
    rows = b"".join(b"\0" + rgb[y * width * 3 : (y + 1) * width * 3] for y in range(height))
    header = struct.pack(">IIBBBBB", width, height, 8, 2, 0, 0, 0)
    chunks = ((b"IHDR", header), (b"IDAT", zlib.compress(rows)), (b"IEND", b""))
    return b"\x89PNG\r\n\x1a\n" + b"".join(
        struct.pack(">I", len(body)) + kind + body + struct.pack(">I", zlib.crc32(kind + body))
        for kind, body in chunks
    )
