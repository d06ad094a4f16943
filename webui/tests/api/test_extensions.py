"""What plugins add to the settings: themes' names, and sections of their own."""

from __future__ import annotations

from typing import Any

import pytest
from dash import Dash, Input, Output
from dash_messenger import MessageType, MessageTypes, Theme
from dash_messenger_webui import Composer, MessageView, Page, SettingsPanel, ThemeView, Translate
from dash_messenger_webui.pages.plugin_parts import PluginApp, offers
from dash_messenger_webui.rendering.message_views import MessageViews
from msgspec import Struct

NIGHT = Theme("night", "dark", {"text": "#ffffff"})
MINE = {"plugin": "acme", "name": "go"}


class Night(ThemeView):
    theme = "night"

    def label(self, t: Translate) -> str:
        return "Midnight"


class Broken(ThemeView):
    theme = "night"

    def label(self, t: Translate) -> str:
        raise KeyError("a defect")


class Panel(SettingsPanel):
    name = "extras"

    def label(self, t: Translate) -> str:
        return "Extras"


class Gate(Page):
    name = "gate"

    def label(self, t: Translate) -> str:
        return "The gate"


class Elsewhere(Page):
    name = "../settings"


def views_with(hook: str, *values: Any) -> MessageViews:
    views = MessageViews()
    kinds = {
        "register_theme_views": (ThemeView, views.theme_views),
        "register_settings_panels": (SettingsPanel, views.panels),
        "register_pages": (Page, views.pages),
    }
    views._add_extensions(*kinds[hook], "acme", values)
    return views


def test_a_theme_goes_by_what_register_theme_views_calls_it() -> None:
    named = offers(views_with("register_theme_views", Night()), [NIGHT], "en")
    assert (named.themes, named.schemes) == ({"night": "Midnight"}, {"night": "dark"})
    assert offers(MessageViews(), [NIGHT], "en").themes == {"night": "Night"}


def test_a_name_that_cannot_be_said_costs_the_name_alone() -> None:
    shown = offers(views_with("register_theme_views", Broken()), [NIGHT], "en")
    assert shown.themes == {"night": "Night"}


def test_sections_of_register_settings_panels_are_offered_by_their_plugin() -> None:
    (panel,) = offers(views_with("register_settings_panels", Panel()), [], "en").panels
    assert (panel.plugin, panel.name, panel.label) == ("acme", "acme-extras", "Extras")


def test_pages_of_register_pages_are_offered_by_their_address() -> None:
    (page,) = offers(views_with("register_pages", Gate()), [], "en").pages
    assert (page.plugin, page.name, page.label) == ("acme", "acme/gate", "The gate")


@pytest.mark.parametrize("values", [(Gate(), Gate()), (Elsewhere(),), (Panel(),)])
def test_what_is_no_page_or_has_no_address_is_refused(values: tuple[Any, ...]) -> None:
    with pytest.raises((TypeError, ValueError)):
        views_with("register_pages", *values)


@pytest.mark.parametrize(("guide", "address"), [("gate", "/p/acme/gate"), ("attic", None)])
async def test_a_guide_is_a_page_of_the_plugin_or_sets_it_aside(
    guide: str, address: str | None, monkeypatch: pytest.MonkeyPatch
) -> None:
    class Noted(MessageView[Any]):
        type = "acme.note"

        def composer(self, t: Translate) -> Composer:
            return Composer(icon="x", label="Note", inline="text", guide=guide)

    class Note(MessageType[Any]):
        type = "acme.note"
        Content = Struct

        def text(self, content: Any, state: None) -> str:
            return "a note"

    views, types = views_with("register_pages", Gate()), MessageTypes()
    types.add(Note())
    views.bind(types)
    views.add("acme", [Noted()])
    aside: list[str] = []
    monkeypatch.setattr(views.plugins, "quarantine", lambda plugin, error: aside.append(plugin))
    composers = views.composers("en")
    assert aside == []
    await views.start()
    assert [one["guide"] for one in composers] == ([address] if address else [])
    assert set(aside) == (set() if address else {"acme"})


@pytest.mark.parametrize("values", [("a string",), (Panel(), Panel()), (Night(),)])
def test_what_is_no_section_or_comes_twice_is_refused(values: tuple[Any, ...]) -> None:
    with pytest.raises((TypeError, ValueError)):
        views_with("register_settings_panels", *values)


@pytest.fixture
def app() -> PluginApp:
    return PluginApp(Dash(__name__), "acme", MessageViews().plugins)


def test_a_callback_touches_its_own_plugin_alone(app: PluginApp) -> None:
    for id in ("settings", {"plugin": "other", "name": "go"}, {"settings-panel": "x"}):
        with pytest.raises(ValueError, match="no id of plugin acme"):
            app.callback(Output(MINE, "children"), Input(id, "n_clicks"))


def test_a_callback_that_would_stop_the_server_is_refused(app: PluginApp) -> None:
    def slow(clicks: int) -> str:
        return "never"

    with pytest.raises(TypeError, match="not async"):
        app.callback(Output(MINE, "children"), Input(MINE, "n_clicks"))(slow)
