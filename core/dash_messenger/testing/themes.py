"""What holds for every theme: text can be read, and what is coloured can be told apart.

The bounds are those of WCAG 2.2: 4.5 for text (1.4.3), 3 for what only has to be seen (1.4.11).
"""

from __future__ import annotations

import re
from typing import ClassVar

from dash_messenger.plugin_api.themes import Theme
from dash_messenger.plugins.themes import Themes

__all__ = ["ThemeContract", "contrast"]

_HEX = re.compile(r"#([0-9a-f]{6})", re.I)
SURFACES = ("surface-0", "surface-1", "surface-2")
BUBBLES = ("bubble-other", "bubble-own")
TEXT_PAIRS = (
    *(("text", surface) for surface in (*SURFACES, *BUBBLES)),
    *(("text-secondary", surface) for surface in SURFACES),
    *(("text-faint", surface) for surface in ("surface-1", "surface-2", "bubble-other")),
    *(("link", bubble) for bubble in BUBBLES),
    ("primary-text", "surface-1"),
    ("on-primary", "primary"),
    ("on-primary-soft", "primary-soft"),
    ("bubble-own-secondary", "bubble-own"),
    ("bubble-own-accent", "bubble-own"),
    ("on-badge", "badge"),
    ("danger", "surface-1"),
)
SEEN_PAIRS = (("focus", "surface-1"), ("focus", "surface-0"))


class ThemeContract:
    """Inherit from it and set ``theme``::

    class TestSand(ThemeContract):
        theme = SAND
    """

    theme: ClassVar[Theme]

    def test_it_can_be_registered(self) -> None:
        """Its name and its values are such that nothing can break out of them."""
        Themes().add("test", self.theme)

    def test_text_can_be_read_on_everything_it_stands_on(self) -> None:
        """Each pair of text and background has a contrast of at least 4.5."""
        poor = {
            f"{front} on {back}": round(found, 2)
            for front, back in TEXT_PAIRS
            if (found := self._contrast(front, back)) < 4.5
        }
        assert not poor

    def test_what_only_has_to_be_seen_is_seen(self) -> None:
        """Each such pair has a contrast of at least 3."""
        poor = {
            f"{front} on {back}": round(found, 2)
            for front, back in SEEN_PAIRS
            if (found := self._contrast(front, back)) < 3
        }
        assert not poor

    def test_authors_can_be_read_and_told_apart(self) -> None:
        """Eight colours of names, each readable on a bubble."""
        names = [f"author-{n}" for n in range(8)]
        assert len({self.theme.tokens[name] for name in names}) == 8
        poor = {
            name: round(found, 2)
            for name in names
            if (found := self._contrast(name, "bubble-other")) < 4.5
        }
        assert not poor

    def test_surfaces_can_be_told_apart(self) -> None:
        """What lies above something else does not look the same."""
        assert len({self.theme.tokens[name].lower() for name in SURFACES}) == len(SURFACES)
        assert self.theme.tokens["bubble-own"] != self.theme.tokens["bubble-other"]

    def _contrast(self, front: str, back: str) -> float:
        tokens = self.theme.tokens
        assert front in tokens, f"the theme names no {front}"
        assert back in tokens, f"the theme names no {back}"
        return contrast(tokens[front], tokens[back])


def contrast(first: str, second: str) -> float:
    """The contrast of two colours like ``#2563d4``, from 1 to 21 (WCAG 2.2, relative luminance).

    Raises:
        ValueError: one is no such colour.
    """
    light, dark = sorted((_luminance(first), _luminance(second)), reverse=True)
    return (light + 0.05) / (dark + 0.05)


def _luminance(colour: str) -> float:
    found = _HEX.fullmatch(colour)
    if found is None:
        raise ValueError(f"{colour!r} is not like #2563d4")
    channels = [int(found[1][n : n + 2], 16) / 255 for n in (0, 2, 4)]
    linear = [c / 12.92 if c <= 0.04045 else ((c + 0.055) / 1.055) ** 2.4 for c in channels]
    return 0.2126 * linear[0] + 0.7152 * linear[1] + 0.0722 * linear[2]
