"""The web UI of Dash Messenger: what a plugin's Dash half may import from it."""

from dash_messenger_webui.api.composers import Also, Composer, Format, MenuEntry, Picker
from dash_messenger_webui.api.contract import (
    Callbacks,
    Drawable,
    Html,
    MessageView,
    Translate,
    act,
    moment,
    person,
)
from dash_messenger_webui.api.controls import (
    button,
    icon_button,
    markup,
    password_input,
    text_input,
    uploads,
)
from dash_messenger_webui.api.extensions import Page, SettingsPanel, StepView, ThemeView
from dash_messenger_webui.api.fields import field
from dash_messenger_webui.api.hookspecs import hookimpl
from dash_messenger_webui.api.links import linked, links, names_another_host, shown_address
from dash_messenger_webui.api.pictures import picture_kinds
from dash_messenger_webui.session import viewer

__all__ = [
    "Also",
    "Callbacks",
    "Composer",
    "Drawable",
    "Format",
    "Html",
    "MenuEntry",
    "MessageView",
    "Page",
    "Picker",
    "SettingsPanel",
    "StepView",
    "ThemeView",
    "Translate",
    "act",
    "button",
    "field",
    "hookimpl",
    "icon_button",
    "linked",
    "links",
    "markup",
    "moment",
    "names_another_host",
    "password_input",
    "person",
    "picture_kinds",
    "shown_address",
    "text_input",
    "uploads",
    "viewer",
]
