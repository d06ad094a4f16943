"""Colour profiles made from numbers (ICC.1:2001-04), since none may be shipped."""

from __future__ import annotations

import itertools
import struct
from collections.abc import Callable, Sequence

__all__ = ["DISPLAY_P3", "table_profile"]

# The white of the space in which profiles are connected, D50.
WHITE = (0.9642, 1.0, 0.8249)


def _matrix_profile(columns: Sequence[Sequence[float]]) -> bytes:
    """Of a screen: the XYZ (D50) of its red, green and blue, and the curve of sRGB."""
    values = [_srgb_linear(n / 255) for n in range(256)]
    curve = b"curv\0\0\0\0" + struct.pack(
        ">I256H", 256, *(round(value * 65_535) for value in values)
    )
    tags = {b"wtpt": _xyz(WHITE)}
    for name, column in zip((b"r", b"g", b"b"), columns, strict=True):
        tags[name + b"XYZ"] = _xyz(column)
        tags[name + b"TRC"] = curve
    return _profile(b"mntr", b"RGB ", b"XYZ ", tags)


def table_profile(
    space: bytes, channels: int, lab: Callable[[tuple[int, ...]], tuple[float, float, float]]
) -> bytes:
    """Of a printer: the colour (CIE L*a*b*) of each corner of the inks' cube, by a table."""
    line = b"".join(struct.pack(">B", n) for n in range(256))
    corners = b"".join(
        struct.pack(">3B", round(light * 2.55), round(a + 128), round(b + 128))
        for light, a, b in map(lab, itertools.product((0, 1), repeat=channels))
    )
    table = (
        b"mft1\0\0\0\0"
        + struct.pack(">4B", channels, 3, 2, 0)
        + struct.pack(">9i", *(0x10000 if n % 4 == 0 else 0 for n in range(9)))
        + line * channels
        + corners
        + line * 3
    )
    return _profile(b"prtr", space, b"Lab ", {b"wtpt": _xyz(WHITE), b"A2B0": table})


def _srgb_linear(value: float) -> float:
    return value / 12.92 if value <= 0.04045 else float(((value + 0.055) / 1.055) ** 2.4)


def _xyz(values: Sequence[float]) -> bytes:
    return b"XYZ \0\0\0\0" + struct.pack(">3i", *(round(value * 65_536) for value in values))


def _profile(kind: bytes, space: bytes, connected_by: bytes, tags: dict[bytes, bytes]) -> bytes:
    tags[b"desc"] = b"desc\0\0\0\0" + struct.pack(">I5s", 5, b"made\0") + bytes(78)
    tags[b"cprt"] = b"text\0\0\0\0none\0"
    table, body = struct.pack(">I", len(tags)), b""
    start = 128 + 4 + 12 * len(tags)
    for name, data in tags.items():
        table += name + struct.pack(">II", start + len(body), len(data))
        body += data + bytes(-len(data) % 4)
    header = struct.pack(
        ">I4sI4s4s4s12s4s4s", start + len(body), bytes(4), 0x02400000, kind, space, connected_by,
        struct.pack(">6H", 2026, 1, 1, 0, 0, 0), b"acsp", bytes(4),
    )  # fmt: skip
    header += bytes(24) + struct.pack(">I", 0) + _xyz(WHITE)[8:]
    return header.ljust(128, b"\0") + table + body


# What telephones put in: the primaries adapted to D50.
DISPLAY_P3 = _matrix_profile(
    ((0.51512, 0.24120, -0.00105), (0.29198, 0.69225, 0.04189), (0.15710, 0.06657, 0.78407))
)
