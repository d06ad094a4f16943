"""What a plugin may add beside messages: themes, steps of the log-in, settings, pages.

Owns the public types. Imports neither Dash nor the server.
"""

from __future__ import annotations

from collections.abc import Sequence
from typing import Any, ClassVar

from dash_messenger_webui.api.contract import Callbacks, Translate, reader_words
from dash_messenger_webui.api.fields import Field

__all__ = ["Page", "SettingsPanel", "StepView", "ThemeView", "step_json"]

STEP_FIELDS = ("text", "code", "switch", "number", "choice")


class ThemeView:
    """What a theme is called. ``theme`` is the name that the server half registered."""

    theme: ClassVar[str]

    def label(self, t: Translate) -> str:
        """Its name in the reader's language."""
        return self.theme.capitalize()


class StepView:
    """How a second factor or another step is asked for at the log-in.

    ``step`` is the name that the server half registered. What the step shows is named by ``shows``:
    texts and lists of texts, drawn as they are. ``sends`` names what of it goes back with the
    answer unchanged, such as which version was shown.
    """

    step: ClassVar[str]
    shows: ClassVar[Sequence[str]] = ()
    sends: ClassVar[Sequence[str]] = ()

    def title(self, t: Translate) -> str:
        """The heading in the reader's language."""
        raise TypeError(f"{type(self).__name__} defines no title()")

    def text(self, t: Translate) -> str:
        """What is to be done, in a sentence."""
        return ""

    def fields(self, t: Translate) -> Sequence[Field]:
        """What is asked, named as in ``Answer``: text, code, switch, number or choice."""
        return ()

    def button(self, t: Translate) -> str:
        """What sends the answer."""
        return t("Continue")


def step_json(view: StepView, t: Translate) -> dict[str, Any]:
    """A step as the browser draws it.

    Raises:
        ValueError: a field is of a kind that the log-in does not have.
    """
    fields = [*view.fields(t)]
    for one in fields:
        if one.kind not in STEP_FIELDS:
            raise ValueError(f"field {one.name}: a step of the log-in has no fields of {one.kind}")
    return {
        "title": view.title(t),
        "text": view.text(t),
        "button": view.button(t),
        "fields": [one.json() for one in fields],
        "shows": [*view.shows],
        "sends": [*view.sends],
    }


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
    """A section of the settings. ``name`` is unique within the plugin, ``icon`` a Tabler icon's.

    An element with ``data-unsaved="QUESTION"`` holds what is lost when the settings are closed: as
    long as it is shown, closing them asks that first. Pressing a ``data-copy`` button or a
    ``download`` link in it counts as saved.
    """


class Page(_Part):
    """A page of its own at ``/p/PLUGIN/NAME``, for everybody who is logged in.

    It stands in the frame of the pages, under its label, and is listed in the settings. ``name`` is
    unique within the plugin and made of small letters, digits and hyphens; ``icon`` is a Tabler
    icon's.
    """
