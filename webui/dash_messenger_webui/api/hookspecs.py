"""The hooks of a plugin's Dash half. The name is the contract, as in the server half."""

from __future__ import annotations

from collections.abc import Iterable
from typing import TYPE_CHECKING, Any, Protocol

import pluggy

if TYPE_CHECKING:
    from dash_messenger_webui.api.contract import MessageView
    from dash_messenger_webui.api.extensions import Page, SettingsPanel, StepView, ThemeView

__all__ = ["GROUP", "PROJECT", "DashHooks", "hookimpl"]

GROUP = "dash_messenger_webui"
PROJECT = "dash_messenger_webui"

hookspec = pluggy.HookspecMarker(PROJECT)
hookimpl = pluggy.HookimplMarker(PROJECT)


class DashHooks(Protocol):
    """Hooks that a module named by an entry point of group ``dash_messenger_webui`` may have."""

    @hookspec
    def register_message_views(self) -> Iterable[MessageView[Any]]:
        """Return the views that draw and compose this plugin's message types.

        When: once, at start, before the server listens. Several plugins: all are called; a type
        whose view another plugin has already registered quarantines the later one. If it raises:
        the Dash half is quarantined and readers are shown the messages' text. A view of a type
        that no server half registered is not used. Since 0.1.
        """

    @hookspec
    def register_theme_views(self) -> Iterable[ThemeView]:
        """Return what this plugin's themes are called.

        When: once, at start, after the views. Several plugins: all are called; the first that names
        a theme wins, a second is quarantined. If it raises: the Dash half is quarantined and its
        themes go by the names they are registered with. Since 0.1.
        """

    @hookspec
    def register_step_views(self) -> Iterable[StepView]:
        """Return how this plugin's second factors and login steps are asked for at the log-in.

        A step without a view is asked for in a plain form, made from the schema of its answer.
        When: once, at start, after the views. Several plugins: all are called; the first that draws
        a step wins, a second is quarantined. If it raises: the Dash half is quarantined and its
        steps are asked for in the plain form. Since 0.1.
        """

    @hookspec
    def register_settings_panels(self) -> Iterable[SettingsPanel]:
        """Return sections of the settings.

        When: once, at start, after the views. Several plugins: all are shown, by plugin and name.
        If it raises: the Dash half is quarantined. Since 0.1.
        """

    @hookspec
    def register_pages(self) -> Iterable[Page]:
        """Return pages of the plugin's own, each at ``/p/PLUGIN/NAME``.

        When: once, at start, after the views. Several plugins: all are listed, by plugin and name.
        If it raises: the Dash half is quarantined. Since 0.1.
        """
