"""The dialog of the settings, and the panel with the details of a conversation.

What they do is in ``callbacks``. The dialog opens when its ``opened`` is set, is closed by Esc, and
gives the focus back. The dialogs about people are the browser's: ``webui/src/people``.
"""

from __future__ import annotations

import json
from typing import Any

from dash import html
from dash.development.base_component import Component

from dash_messenger_webui import components
from dash_messenger_webui.addresses import ABOUT_PLUGINS, OF_PLUGINS
from dash_messenger_webui.api.pictures import picture_kinds
from dash_messenger_webui.elements import mantine as dmc
from dash_messenger_webui.elements.parts import attributes, icon, text_field
from dash_messenger_webui.i18n.translations import LANGUAGES, Words
from dash_messenger_webui.pages.members import MEMBERS
from dash_messenger_webui.pages.plugin_parts import Offers
from dash_messenger_webui.pages.security import security_section
from dash_messenger_webui.pages.themes import theme_choice
from dash_messenger_webui.session import Reader

__all__ = ["INVITES", "PARTS", "details", "details_parts", "dialogs"]

# Without it the last letters before Enter may not have arrived: they are sent together.
TOGETHER: dict[str, Any] = {"debounce": True}
# The details of a conversation, from top to bottom: who or what it is, what can be changed of it,
# the way to its invitations, who is in it, what else can be done. Each is drawn again by itself, so
# that nothing typed is lost.
INVITES = "details-invites"
PARTS = ("details-body", "details-form", INVITES, MEMBERS, "details-rest")
HEIR = "The admin who has been here longest becomes the owner, or, without admins, the member."
SAVED = "What you write here is for you alone, on all your devices."
# Characters: longer ones are folded, or the members would stand a page below.
SHORT_RULES = 400


def dialogs(who: Reader, t: Words, offered: Offers) -> list[Component]:
    """All dialogs, closed."""
    return [
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


def details_parts(
    found: dict[str, Any],
    members: list[Component],
    peer: dict[str, Any] | None,
    heir: bool,
    t: Words,
    asking: dict[str, Any] | None = None,
) -> list[list[Component]]:
    """What each of `PARTS` of the details shows, of what ``conversation.get`` has ``found``.

    ``heir`` says that the group gets another owner when the reader leaves; ``asking`` is what
    ``conversation.join_requests`` has found, for who may invite.
    """
    conversation, rights = found["conversation"], found["rights"]
    if peer is not None:
        return [[components.Portrait(user=peer, below=f"@{peer['username']}")], [], [], [], []]
    if conversation["kind"] == "saved":
        return [[html.P(t(SAVED), className="details-text")], [], [], [], []]
    count = t.count("{n} member", "{n} members", conversation["member_count"])
    portrait = components.Portrait(
        conversation=conversation["id"],
        below=count,
        editable="rename" in rights,
        accept=list(picture_kinds()),
    )
    return [
        [portrait, *_about(found, t)],
        [
            *(_rename(conversation["title"] or "", t) if "rename" in rights else []),
            *(_describe(found, t) if "rename" in rights else []),
            *(_add_people(t) if "add" in rights else []),
        ],
        [] if asking is None else _invitations(asking, t),
        members,
        _leave(heir, t) if "leave" in rights else [],
    ]


def _about(found: dict[str, Any], t: Words) -> list[Component]:
    """What the group says of itself."""
    description, rules = found.get("description"), found.get("rules")
    return [
        *([html.P(description, className="details-text", dir="auto")] if description else []),
        *(
            [
                html.Details(
                    [
                        html.Summary(t("Rules"), className="details-section"),
                        html.P(rules, className="details-text", dir="auto"),
                    ],
                    open=len(rules) <= SHORT_RULES,
                )
            ]
            if rules
            else []
        ),
    ]


def _describe(found: dict[str, Any], t: Words) -> list[Component]:
    return [
        html.Details(
            [
                html.Summary([icon("pencil"), t("Description and rules")]),
                html.Div(
                    [
                        _text_area("group-description", t("Description"), found, "description"),
                        _text_area("group-rules", t("Rules"), found, "rules"),
                        _button("group-about-save", t("Save"), primary=False),
                    ],
                    className="dialog-form",
                ),
            ],
            className="details-about",
        )
    ]


def _text_area(id: str, label: str, found: dict[str, Any], name: str) -> Component:
    """A labelled text of several lines, with what was found by this name."""
    return dmc.Textarea(
        id=id,
        label=label,
        value=found.get(name, ""),
        size="md",
        autosize=True,
        minRows=2,
        maxRows=12,
        errorProps={"role": "alert"},
        **TOGETHER,
    )


def _add_people(t: Words) -> list[Component]:
    # Its dialog is opened by the components' script.
    return [
        html.Button(
            [icon("plus"), t("Add people")],
            type="button",
            className="add-people",
            **attributes({"data-add-people": ""}),
        )
    ]


def _invitations(asking: dict[str, Any], t: Words) -> list[Component]:
    count = len(asking["requests"])
    label = t("Invitation links")
    said = t.count("{n} person asks to join", "{n} people ask to join", count)
    # Its dialog is opened by the components' script.
    return [
        html.Button(
            [
                icon("link"),
                label,
                *(
                    [html.Span(f"{count}{'+' * asking['more']}", className="dm-badge")]
                    if count
                    else []
                ),
            ],
            type="button",
            className="add-people",
            **attributes(
                {"data-invites": "", **({"aria-label": f"{label}: {said}"} if count else {})}
            ),
        )
    ]


def _leave(heir: bool, t: Words) -> list[Component]:
    return [
        html.Details(
            [
                html.Summary([icon("logout"), t("Leave the group")], className="danger-text"),
                html.P(t("You will no longer see what is written here.")),
                *([html.P(t(HEIR), className="hint")] if heir else []),
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
                accept=list(picture_kinds()),
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
            # Its dialog is opened by the components' script.
            html.Button(
                [icon("eye"), t("Privacy")],
                type="button",
                className="settings-privacy",
                **attributes({"data-privacy": ""}),
            ),
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
            *_links(
                t("Pages"),
                [(f"{OF_PLUGINS}{one.name}", one.icon, one.label) for one in offered.pages],
            ),
            html.Button(
                [icon("logout"), t("Log out")],
                id="log-out",
                n_clicks=0,
                className="button button-wide",
            ),
            html.P(id="log-out-error", className="form-error", role="alert"),
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
        [
            *(html.Div(id=part) for part in PARTS),
            html.P(id="details-error", className="form-error", role="alert"),
            _problem("details"),
        ],
        id="details",
        title=t("Details"),
    )


def _dialog(id: str, t: Words, title: str, children: list[Component]) -> Component:
    return dmc.Modal(
        html.Div([*children, _question(id, t), _problem(id)], className="dialog-form"),
        id=id,
        title=title,
        centered=True,
        size=420,
        radius="lg",
        padding="lg",
        closeButtonProps={"aria-label": t("Close"), "iconSize": 20},
    )


def _question(dialog: str, t: Words) -> Component:
    """Whether to close it although something would be lost: pages.js shows and answers it."""
    return html.Div(
        [
            html.Span(role="alert"),
            html.Button(t("Go back"), type="button", className="button", **_mark("keep")),
            html.Button(
                t("Close"),
                type="button",
                className="button button-danger",
                **_mark("close", dialog),
            ),
        ],
        className="dialog-question",
        hidden=True,
    )


def _mark(name: str, value: str = "") -> dict[str, Any]:
    return attributes({f"data-{name}": value})


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
