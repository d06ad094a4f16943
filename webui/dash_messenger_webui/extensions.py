"""What a plugin may add to the pages beside messages: themes' names, settings, steps of logging in.

Owns the public types. Imports neither Dash nor the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from dash_messenger_webui.contract import Translate
from dash_messenger_webui.fields import Field

__all__ = ["LoginStep", "SettingsPanel", "ThemeView"]


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

    def register(self, app: Any) -> None:
        """Add its callbacks: async functions alone, on ids of the plugin's own."""


class LoginStep:
    """What is asked for at log-in once the password was right: the Dash half of a second factor.

    ``factor`` is the name that the server half registered.
    """

    factor: ClassVar[str]

    def label(self, t: Translate) -> str:
        """What the step is called, as one would choose it: "Use a recovery code"."""
        raise TypeError(f"{type(self).__name__} defines no label()")

    def help(self, t: Translate) -> str:
        """A sentence that says where the answer is found."""
        return ""

    def fields(self, t: Translate) -> Sequence[Field]:
        """Fields of text whose names are those of the factor's Response."""
        return ()
