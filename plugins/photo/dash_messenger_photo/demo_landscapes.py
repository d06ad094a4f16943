"""What the plugin shows in a demonstration: landscapes, drawn in the child process.

Must not know messages. Nothing is shipped and nothing is loaded: each is made from a number.
"""

from __future__ import annotations

import io
import math
import random

from PIL import Image, ImageDraw, ImageFilter

__all__ = ["draw_landscape"]

# Sky at the top and at the horizon, sun, and the farthest and the nearest ridge.
Colour = tuple[int, int, int]
PALETTES: tuple[tuple[Colour, Colour, Colour, Colour, Colour], ...] = (
    ((70, 110, 180), (250, 205, 160), (255, 240, 200), (150, 140, 175), (40, 52, 72)),
    ((30, 60, 120), (240, 130, 100), (255, 220, 150), (140, 85, 115), (40, 25, 55)),
    ((120, 180, 225), (235, 245, 250), (255, 255, 245), (135, 175, 170), (35, 85, 70)),
)
RIDGES = 5


def draw_landscape(seed: int, width: int, height: int) -> bytes:
    """Hills under a low sun, as a JPEG of ``width`` × ``height`` pixels; the same for each seed."""
    chance = random.Random(seed)  # noqa: S311 - a picture
    above, below, sun, far, near = PALETTES[seed % len(PALETTES)]
    picture = Image.new("RGB", (width, height))
    draw = ImageDraw.Draw(picture)
    for row in range(height):
        draw.line([(0, row), (width, row)], fill=_between(above, below, row / height))
    x, y, radius = chance.uniform(0.25, 0.75) * width, 0.42 * height, 0.06 * min(width, height)
    draw.ellipse([x - radius, y - radius, x + radius, y + radius], fill=sun)
    picture = picture.filter(ImageFilter.GaussianBlur(radius / 6))
    draw = ImageDraw.Draw(picture)
    for ridge in range(RIDGES):
        share = ridge / (RIDGES - 1)
        base, rise = height * (0.5 + 0.4 * share), height * (0.11 - 0.05 * share)
        waves = [
            (chance.uniform(1, 3) * (n + 1), chance.uniform(0, 6), 1 / (n + 1)) for n in range(5)
        ]
        outline = [
            (at, base - rise * sum(a * math.sin(f * at / width * 6 + p) for f, p, a in waves))
            for at in range(0, width + 8, 8)
        ]
        draw.polygon([*outline, (width + 8, height), (0, height)], fill=_between(far, near, share))
    out = io.BytesIO()
    picture.save(out, "JPEG", quality=88)
    return out.getvalue()


def _between(first: Colour, second: Colour, share: float) -> Colour:
    red, green, blue = (round(a + (b - a) * share) for a, b in zip(first, second, strict=True))
    return red, green, blue
