"""What a plugin may add to the pages beside messages: themes' names and sections of the settings.

Owns the public types. Imports neither Dash nor the server.
"""

from __future__ import annotations

from typing import Any, ClassVar

from dash_messenger_webui.contract import Translate, reader_words

__all__ = ["SettingsPanel", "ThemeView"]


class ThemeView:
    """What a theme is called. ``theme`` is the name that the server half registered."""

    theme: ClassVar[str]

    def label(self, t: Translate) -> str:
        """Its name in the reader's language."""
        return self.theme.capitalize()


class SettingsPanel:
    """A section of the settings. ``name`` is unique within the plugin, ``icon`` a Tabler icon's."""

    name: ClassVar[str]
    icon: ClassVar[str] = "puzzle"

    def label(self, t: Translate) -> str:
        """Its heading in the reader's language."""
        raise TypeError(f"{type(self).__name__} defines no label()")

    async def layout(self, t: Translate) -> Any:
        """What it shows, as a Dash component: asked for each time the settings are opened.

        ``viewer()`` is the reader; ids are ``{"plugin": …, "name": …}``.
        """
        raise TypeError(f"{type(self).__name__} defines no layout()")

    def words(self) -> Translate:
        """The plugin's words in the reader's language, for callbacks; `layout` is given them."""
        return reader_words(self)

    def register(self, app: Any) -> None:
        """Add its callbacks: async functions alone, on ids of the plugin's own."""
