"""The dialogs: new chat, new group, settings; the panel with the details of a conversation.

What they do is in ``callbacks``. Each opens when its ``opened`` is set, is closed by Esc, and gives
the focus back.
"""

from __future__ import annotations

import json
from typing import Any

from dash import html
from dash.development.base_component import Component

from dash_messenger_webui import components
from dash_messenger_webui.elements import mantine as dmc
from dash_messenger_webui.elements.parts import attributes, icon, text_field
from dash_messenger_webui.i18n.translations import LANGUAGES, Words
from dash_messenger_webui.pages.other_pages import ABOUT_PLUGINS
from dash_messenger_webui.pages.plugin_parts import Offers
from dash_messenger_webui.pages.security import security_section
from dash_messenger_webui.pages.themes import theme_choice
from dash_messenger_webui.session import Reader

__all__ = ["details", "details_body", "dialogs"]

# Without it the last letters before Enter may not have arrived: they are sent together.
TOGETHER: dict[str, Any] = {"debounce": True}
FIRST_FOCUS: dict[str, Any] = {"data-autofocus": "true"}


def dialogs(who: Reader, t: Words, offered: Offers) -> list[Component]:
    """All dialogs, closed."""
    return [
        _new_chat(t),
        _new_group(t),
        _settings(who, t, offered),
        # Counted up by callbacks to have pages.js do what only a script can.
        html.Div(id="left"),
        html.Div(id="changed"),
        # What pages.js says in a dialog whose callback was not answered.
        html.Div(
            id="sentences",
            **attributes(
                {
                    "data-unreachable": t(
                        "The server cannot be reached. Check your connection and try again."
                    ),
                    "data-failed": t("Something went wrong on the server."),
                    "data-ended": t("Please log in again to go on."),
                    "data-saved": t("Saved."),
                }
            ),
        ),
    ]


def _user_names_field(id: str, t: Words, label: str, **props: Any) -> Component:
    """A field for several user names."""
    return dmc.TagsInput(
        id=id,
        label=label,
        description=t("Type a user name and press Enter."),
        size="md",
        splitChars=[",", " ", ";"],
        acceptValueOnBlur=True,
        maxTags=200,
        openOnFocus=False,
        errorProps={"role": "alert"},
        **props,
    )


def details_body(
    conversation: dict[str, Any],
    title: str,
    members: list[dict[str, Any]],
    more: bool,
    me: str,
    rights: list[str],
    t: Words,
) -> list[Component]:
    """What the details of a conversation show to somebody who has these rights in it."""
    if conversation["kind"] == "direct":
        peer = next((member for member in members if member["id"] != me), members[0])
        return [components.Portrait(user=peer, below=f"@{peer['username']}")]
    count = t.count("{n} member", "{n} members", conversation["member_count"])
    return [
        components.Portrait(
            conversation=conversation["id"], below=count, editable="rename" in rights
        ),
        *(_rename(title, t) if "rename" in rights else []),
        html.H3(t("Members"), className="details-section"),
        html.Ul([_member(member, me, t) for member in members], className="members"),
        *([html.P(t("Only the first members are listed."), className="hint")] if more else []),
        *(_add_people(t) if "add" in rights else []),
        *(_leave(t) if "leave" in rights else []),
        html.P(id="details-error", className="form-error", role="alert"),
    ]


def _add_people(t: Words) -> list[Component]:
    return [
        html.Div(
            [
                _user_names_field("add-names", t, t("Add people")),
                _button("add", t("Add")),
            ],
            className="dialog-form",
        )
    ]


def _leave(t: Words) -> list[Component]:
    return [
        html.Details(
            [
                html.Summary([icon("logout"), t("Leave the group")], className="danger-text"),
                html.P(t("You will no longer see what is written here.")),
                html.Button(t("Leave"), id="leave", n_clicks=0, className="button button-danger"),
            ],
            className="leave",
        )
    ]


def _rename(title: str, t: Words) -> list[Component]:
    return [
        html.Div(
            [
                text_field(
                    "group-name",
                    t("Name of the group"),
                    value=title,
                    autoComplete="off",
                    input={"maxLength": 128},
                    **TOGETHER,
                ),
                _button("group-name-save", t("Save"), primary=False),
            ],
            className="field-with-button details-name",
        )
    ]


def _new_chat(t: Words) -> Component:
    return _dialog(
        "new-chat",
        t,
        t("New chat"),
        [
            text_field(
                "new-chat-name",
                t("User name"),
                description=t("The person tells you theirs; it is not shown in any list."),
                spellCheck=False,
                autoComplete="off",
                input={"autoCapitalize": "none"},
                **TOGETHER,
                **FIRST_FOCUS,
            ),
            _button("new-chat-start", t("Start the chat")),
        ],
    )


def _new_group(t: Words) -> Component:
    return _dialog(
        "new-group",
        t,
        t("New group"),
        [
            text_field(
                # Mantine calls the heading of the dialog "new-group-title".
                "group-title",
                t("Name of the group"),
                autoComplete="off",
                input={"maxLength": 128},
                **TOGETHER,
                **FIRST_FOCUS,
            ),
            _user_names_field("new-group-names", t, t("Members")),
            _button("new-group-create", t("Create the group")),
        ],
    )


def _settings(who: Reader, t: Words, offered: Offers) -> Component:
    return _dialog(
        "settings",
        t,
        t("Settings"),
        [
            components.Portrait(
                id="settings-me",
                user={
                    "id": who.user_id,
                    "username": who.username,
                    "display_name": who.display_name,
                    "photo": who.photo,
                },
                below=f"@{who.username}",
                editable=True,
            ),
            html.Div(
                [
                    text_field(
                        "display-name",
                        t("Name that others see"),
                        value=who.display_name,
                        autoComplete="name",
                        input={"maxLength": 128},
                        **TOGETHER,
                    ),
                    _button("display-name-save", t("Save"), primary=False),
                    html.P(id="display-name-done", className="hint", role="status"),
                ],
                className="field-with-button",
            ),
            theme_choice(
                t("Appearance"),
                who.theme,
                {
                    "auto": t("As on this device"),
                    "light": t("Light"),
                    "dark": t("Dark"),
                    **offered.themes,
                },
                offered.schemes,
            ),
            html.Div(
                id="theme-schemes",
                **attributes({"data-schemes": json.dumps(offered.schemes)}),
            ),
            _choice("language", t("Language"), who.language, LANGUAGES),
            # Which it is, the page finds out when the dialog opens.
            _choice(
                "enter",
                t("The Enter key on this device"),
                "send",
                {"send": t("Sends"), "line": t("New line")},
            ),
            _choice(
                "marks",
                t("Marks such as **bold** on this device"),
                "format",
                {"format": t("Format the message"), "text": t("Stay as typed")},
            ),
            html.P(id="settings-done", className="hint", role="status"),
            html.P(id="settings-error", className="form-error", role="alert"),
            security_section(t),
            *(
                html.Details(
                    [
                        html.Summary([icon(panel.icon), panel.label]),
                        html.Div(id={"settings-panel": panel.name}, className="panel-body"),
                    ],
                    className="settings-panel",
                    **attributes({"data-plugin": panel.plugin}),
                )
                for panel in offered.panels
            ),
            *(
                _links(t("For admins"), [(ABOUT_PLUGINS, "puzzle", t("Plugins"))])
                if who.role == "admin"
                else []
            ),
            *_links(t("Pages"), [(f"/p/{one.name}", one.icon, one.label) for one in offered.pages]),
            html.Button(
                [icon("logout"), t("Log out")],
                id="log-out",
                n_clicks=0,
                className="button button-wide",
            ),
        ],
    )


def _links(heading: str, links: list[tuple[str, str, str]]) -> list[Component]:
    """Ways to other pages, under a heading; nothing where there are none."""
    if not links:
        return []
    shown = [
        html.Li(html.A([icon(symbol), html.Span(label, dir="auto")], href=address))
        for address, symbol, label in links
    ]
    return [
        html.Nav(
            [html.H3(heading, className="field-label"), html.Ul(shown)],
            className="settings-links",
            **attributes({"aria-label": heading}),
        )
    ]


def details(t: Words) -> Component:
    """The panel of the conversation that is open, closed."""
    return components.Panel(
        [html.Div(id="details-body"), _problem("details")], id="details", title=t("Details")
    )


def _dialog(id: str, t: Words, title: str, children: list[Component]) -> Component:
    return dmc.Modal(
        html.Div([*children, _problem(id)], className="dialog-form"),
        id=id,
        title=title,
        centered=True,
        size=420,
        radius="lg",
        padding="lg",
        closeButtonProps={"aria-label": t("Close"), "iconSize": 20},
    )


def _problem(dialog: str) -> Component:
    return html.P(id=f"{dialog}-problem", className="form-error", role="alert")


def _button(id: str, label: str, *, primary: bool = True) -> Component:
    kind = "button button-primary" if primary else "button"
    return html.Button(label, id=id, n_clicks=0, className=kind)


def _choice(id: str, label: str, value: str, options: dict[str, str]) -> Component:
    return html.Div(
        [
            html.Div(label, id=f"{id}-label", className="field-label"),
            dmc.SegmentedControl(
                id=id,
                value=value,
                data=[{"value": key, "label": name} for key, name in options.items()],
                fullWidth=True,
                **{"aria-labelledby": f"{id}-label"},
            ),
        ]
    )


def _member(member: dict[str, Any], me: str, t: Words) -> Component:
    name = member["display_name"]
    shown = f"{name} ({t('you')})" if member["id"] == me else name
    return html.Li(
        html.Button(
            [
                components.Avatar(of=member["id"], name=name, photo=member.get("photo"), size=40),
                html.Span(
                    [
                        html.Span(shown, className="member-name", dir="auto"),
                        html.Span(f"@{member['username']}", className="heading-below"),
                    ]
                ),
            ],
            type="button",
            **attributes({"data-user": member["id"]}),
        )
    )
