"""Colours that can be told apart."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

STYLE = (Path(__file__).parents[1] / "dash_messenger_webui" / "assets" / "tokens.css").read_text()
TOKEN = re.compile(r"--([\w-]+): (#[0-9a-f]{6})")
SURFACES = ("surface-0", "surface-1", "surface-2", "bubble-other")
PAIRS = [
    *((text, surface) for text in ("text", "text-secondary", "text-faint") for surface in SURFACES),
    *((text, "bubble-own") for text in ("text", "link", "bubble-own-secondary", "danger")),
    *(("link", surface) for surface in ("surface-1", "bubble-other")),
    *(("danger", surface) for surface in ("surface-0", "surface-1", "danger-soft")),
    *((f"author-{hue}", surface) for hue in range(8) for surface in ("bubble-other", "surface-1")),
    *(("on-avatar", f"avatar-{hue}") for hue in range(8)),
    ("bubble-own-accent", "bubble-own"),
    ("on-primary", "primary"),
    ("on-primary", "primary-hover"),
    ("primary-text", "surface-1"),
    ("on-primary-soft", "primary-soft"),
    ("text-secondary", "primary-soft"),
    ("on-badge", "badge"),
    ("on-badge", "badge-muted"),
    ("on-danger", "danger"),
    ("on-warning-soft", "warning-soft"),
]


def tokens(scheme: str) -> dict[str, str]:
    light, dark = STYLE.split(':root[data-mantine-color-scheme="dark"]')
    found = dict(TOKEN.findall(light))
    return found | dict(TOKEN.findall(dark)) if scheme == "dark" else found


def luminance(colour: str) -> float:
    """Relative luminance (WCAG 2.2)."""
    parts = [int(colour[i : i + 2], 16) / 255 for i in (1, 3, 5)]
    red, green, blue = (c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in parts)
    return 0.2126 * red + 0.7152 * green + 0.0722 * blue


@pytest.mark.parametrize("scheme", ["light", "dark"])
@pytest.mark.parametrize(("text", "surface"), PAIRS)
def test_text_stands_out_from_what_is_behind_it(scheme: str, text: str, surface: str) -> None:
    colours = tokens(scheme)
    low, high = sorted((luminance(colours[text]), luminance(colours[surface])))
    assert (high + 0.05) / (low + 0.05) >= 4.5


@pytest.mark.parametrize("scheme", ["light", "dark"])
def test_the_three_surfaces_differ(scheme: str) -> None:
    colours = tokens(scheme)
    assert len({colours[f"surface-{level}"] for level in range(3)}) == 3
