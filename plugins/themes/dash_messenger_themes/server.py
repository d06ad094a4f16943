"""Three themes beyond light and dark: sand by day, a blue night, a forest at dusk."""

from __future__ import annotations

from dash_messenger import Theme, hookimpl

__all__ = ["FOREST", "NIGHT", "SAND", "register_themes"]

_BRIGHT_AUTHORS = {
    "author-0": "#ff9d94",
    "author-1": "#f8b57a",
    "author-2": "#93dca0",
    "author-3": "#6cd9cc",
    "author-4": "#8cc4f8",
    "author-5": "#b6b1ff",
    "author-6": "#dcabf2",
    "author-7": "#ff9fc6",
}

SAND = Theme(
    "sand",
    "light",
    {
        "surface-0": "#f1e9dc",
        "surface-1": "#fffaf2",
        "surface-2": "#f7efe2",
        "line": "#e4d8c4",
        "text": "#2b2117",
        "text-secondary": "#62523f",
        "text-faint": "#6b5b47",
        "link": "#0b5a86",
        "primary": "#a4501c",
        "primary-hover": "#8c4216",
        "on-primary": "#ffffff",
        "primary-text": "#96460f",
        "primary-soft": "#fbe3cc",
        "on-primary-soft": "#6e3408",
        "bubble-other": "#fffdf9",
        "bubble-own": "#fbdfc0",
        "bubble-own-secondary": "#6b4a2b",
        "bubble-own-accent": "#8a3d0c",
        "badge": "#a4501c",
        "badge-muted": "#77674f",
        "on-badge": "#ffffff",
        "danger": "#a82323",
        "focus": "#a4501c",
        "selection": "#f4c795",
        "skeleton": "#eadfcd",
        "author-0": "#b1322b",
        "author-1": "#9a4a06",
        "author-2": "#296c31",
        "author-3": "#006b62",
        "author-4": "#1964a5",
        "author-5": "#4b42bd",
        "author-6": "#8135a5",
        "author-7": "#ae225f",
    },
)

NIGHT = Theme(
    "night",
    "dark",
    {
        "surface-0": "#0b1424",
        "surface-1": "#12203a",
        "surface-2": "#1c2e50",
        "line": "#28406b",
        "text": "#e6eefc",
        "text-secondary": "#a9bbda",
        "text-faint": "#a0b3d3",
        "link": "#8fd0ff",
        "primary": "#2f6fe0",
        "primary-hover": "#285fc2",
        "on-primary": "#ffffff",
        "primary-text": "#8fc1ff",
        "primary-soft": "#1c3a70",
        "on-primary-soft": "#d6e6ff",
        "bubble-other": "#18294a",
        "bubble-own": "#1d4a8f",
        "bubble-own-secondary": "#c2d6f7",
        "bubble-own-accent": "#a8d4ff",
        "badge": "#2f6fe0",
        "badge-muted": "#4d6288",
        "on-badge": "#ffffff",
        "danger": "#ff9f97",
        "focus": "#8fc1ff",
        "selection": "#2d5fae",
        "skeleton": "#1d3157",
        **_BRIGHT_AUTHORS,
    },
)

FOREST = Theme(
    "forest",
    "dark",
    {
        "surface-0": "#0f1712",
        "surface-1": "#18241c",
        "surface-2": "#243429",
        "line": "#31473a",
        "text": "#e8f1ea",
        "text-secondary": "#a9bfb0",
        "text-faint": "#a1b8a9",
        "link": "#8edba8",
        "primary": "#2f7d4f",
        "primary-hover": "#286b43",
        "on-primary": "#ffffff",
        "primary-text": "#8edba8",
        "primary-soft": "#21432f",
        "on-primary-soft": "#cfeedb",
        "bubble-other": "#1f2e24",
        "bubble-own": "#24593b",
        "bubble-own-secondary": "#c3e2cf",
        "bubble-own-accent": "#a5e8bd",
        "badge": "#2f7d4f",
        "badge-muted": "#4c6656",
        "on-badge": "#ffffff",
        "danger": "#ff9f97",
        "focus": "#8edba8",
        "selection": "#2f6b47",
        "skeleton": "#23352a",
        **_BRIGHT_AUTHORS,
    },
)


@hookimpl
def register_themes() -> list[Theme]:
    """All three."""
    return [SAND, NIGHT, FOREST]
