"""What a plugin may add beside messages: themes' names, sections of the settings, pages.

Owns the public types. Imports neither Dash nor the server.
"""

from __future__ import annotations

from typing import Any, ClassVar

from dash_messenger_webui.contract import Callbacks, Translate, reader_words

__all__ = ["Page", "SettingsPanel", "ThemeView"]


class ThemeView:
    """What a theme is called. ``theme`` is the name that the server half registered."""

    theme: ClassVar[str]

    def label(self, t: Translate) -> str:
        """Its name in the reader's language."""
        return self.theme.capitalize()


class _Part:
    """What a plugin draws by itself, with callbacks of its own."""

    name: ClassVar[str]
    icon: ClassVar[str] = "puzzle"

    def label(self, t: Translate) -> str:
        """Its heading in the reader's language."""
        raise TypeError(f"{type(self).__name__} defines no label()")

    async def layout(self, t: Translate) -> Any:
        """What it shows, as a Dash component: asked for each time it is opened.

        ``viewer()`` is the reader; ids are ``{"plugin": …, "name": …}``.
        """
        raise TypeError(f"{type(self).__name__} defines no layout()")

    def words(self) -> Translate:
        """The plugin's words in the reader's language, for callbacks; `layout` is given them."""
        return reader_words(self)

    def register(self, app: Callbacks) -> None:
        """Add its callbacks: async functions alone, on ids of the plugin's own."""


class SettingsPanel(_Part):
    """A section of the settings. ``name`` is unique within the plugin, ``icon`` a Tabler icon's."""


class Page(_Part):
    """A page of its own at ``/p/PLUGIN/NAME``, for everybody who is logged in.

    It stands in the frame of the pages, under its label, and is listed in the settings. ``name`` is
    unique within the plugin and made of small letters, digits and hyphens; ``icon`` is a Tabler
    icon's.
    """
