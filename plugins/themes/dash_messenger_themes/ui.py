"""What the themes are called."""

from __future__ import annotations

from dash_messenger_webui import ThemeView, Translate, hookimpl

__all__ = ["register_theme_views"]


class SandView(ThemeView):
    """Warm and light."""

    theme = "sand"

    def label(self, t: Translate) -> str:
        """Its name."""
        return t("Sand")


class NightView(ThemeView):
    """Deep blue."""

    theme = "night"

    def label(self, t: Translate) -> str:
        """Its name."""
        return t("Night")


class ForestView(ThemeView):
    """Dark green."""

    theme = "forest"

    def label(self, t: Translate) -> str:
        """Its name."""
        return t("Forest")


@hookimpl
def register_theme_views() -> list[ThemeView]:
    """All three."""
    return [SandView(), NightView(), ForestView()]
