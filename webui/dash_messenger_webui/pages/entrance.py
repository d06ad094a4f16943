"""What somebody sees who has not logged in: the landing page, the log-in and the registration.

With them stands the form for what else a log-in asks for, which ``pages/steps.ts`` fills.
All stand in one tree; ``data-page`` on ``<html>``, set by the server and by ``pages.js``,
says which is shown. The forms are real ones: password managers know them, Enter sends them.
"""

from __future__ import annotations

import json
from typing import Any

from dash import html
from dash.development.base_component import Component

from dash_messenger_webui.addresses import LOGIN, REGISTER
from dash_messenger_webui.elements.parts import attributes, icon, provider, text_field
from dash_messenger_webui.i18n.translations import LANGUAGES, Words
from dash_messenger_webui.session import Reader

__all__ = ["entrance"]

PRIMARY = "button button-primary"


def entrance(
    who: Reader,
    t: Words,
    texts: dict[str, Any],
    steps: dict[str, dict[str, Any]],
    *,
    registration_open: bool,
    password_min_length: int,
) -> Component:
    """The tree for strangers; without a way to register where registration is closed.

    There the form stands while the server has no admin, for whoever has its set-up code; the way
    to it is shown on the server's own machine, where the code is filled in.
    """
    offered = registration_open or bool(who.setup_code)
    kinds = ("error_", "refused ", "step_")
    errors = {key: text for key, text in texts.items() if key.startswith(kinds)}
    sentences = json.dumps(errors, ensure_ascii=False, separators=(",", ":"))
    return provider(
        who.scheme,
        [
            html.Div(
                [
                    _landing(t, offered),
                    _login(t, sentences, offered),
                    _register(t, sentences, password_min_length, who.setup_code, registration_open)
                    if registration_open or who.setup_code is not None
                    else _closed(t),
                    _step(t, steps),
                    _footer(who, t),
                ],
                className="entrance",
            ),
        ],
    )


def _landing(t: Words, registration_offered: bool) -> Component:
    return html.Main(
        [
            html.Div(
                [
                    _brand(),
                    html.H1(t("Talk with your people, on a server of your own")),
                    html.P(
                        t(
                            "Quick, calm and private: what you write stays on this server, "
                            "and is there when you come back."
                        ),
                        className="lead",
                    ),
                    html.Div(
                        [
                            *([_link_to_register(t)] if registration_offered else []),
                            html.A(
                                t("Log in"),
                                href=LOGIN,
                                className="button" if registration_offered else PRIMARY,
                                **attributes({"data-to": "login"}),
                            ),
                        ],
                        className="buttons",
                    ),
                ],
                className="landing-words",
            ),
            html.Div(
                [
                    html.Div(t("Are you coming tonight?"), className="sample sample-other"),
                    html.Div(t("Yes! I will bring the cake"), className="sample sample-own"),
                    html.Div(t("Then nothing can go wrong"), className="sample sample-other"),
                ],
                className="landing-picture",
                **attributes({"aria-hidden": "true"}),
            ),
        ],
        className="page page-landing",
        **attributes({"data-title": t("Messenger")}),
    )


def _login(t: Words, sentences: str, registration_offered: bool) -> Component:
    return html.Main(
        html.Form(
            [
                _brand(),
                html.H1(t("Welcome back")),
                *(
                    html.P(
                        [icon("info-circle"), sentence],
                        className="why",
                        **attributes({"data-why": why}),
                    )
                    for why, sentence in (
                        ("closed", t("You were logged out in another tab or on another device.")),
                        ("expired", t("Please log in again to go on.")),
                        ("deactivated", t("This account has been deactivated.")),
                    )
                ),
                _field(
                    "login-username",
                    t("User name"),
                    name="username",
                    autoComplete="username",
                    required=True,
                    spellCheck=False,
                    input={"autoCapitalize": "none"},
                ),
                _password(t, "login-password", "current-password"),
                _error("form"),
                _submit(t("Log in")),
                *([_new_here(t)] if registration_offered else []),
            ],
            className="card",
            action=LOGIN,
            method="post",
            **attributes({"data-command": "session.open", "data-texts": sentences}),
        ),
        className="page page-login",
        **attributes({"data-title": t("Log in")}),
    )


def _link_to_register(t: Words, look: str = PRIMARY) -> Component:
    return html.A(
        t("Create an account"),
        href=REGISTER,
        className=look or None,
        **attributes({"data-to": "register"}),
    )


def _new_here(t: Words) -> Component:
    return html.P([t("New here?"), " ", _link_to_register(t, "")], className="aside")


def _closed(t: Words) -> Component:
    """What stands at the address of the registration where there is none."""
    return html.Main(
        html.Div(
            [
                _brand(),
                html.H1(t("Registration is closed")),
                html.P(
                    t("New accounts on this server are made by its admin."), className="step-text"
                ),
                html.A(
                    t("Log in"),
                    href=LOGIN,
                    className=f"{PRIMARY} button-wide",
                    **attributes({"data-to": "login"}),
                ),
            ],
            className="card",
        ),
        className="page page-register",
        **attributes({"data-title": t("Registration is closed")}),
    )


def _register(
    t: Words,
    sentences: str,
    password_min_length: int,
    setup_code: str | None,
    registration_open: bool,
) -> Component:
    return html.Main(
        html.Form(
            [
                _brand(),
                html.H1(t("Create an account")),
                _field(
                    "register-username",
                    t("User name"),
                    description=t(
                        "How others find you: 2 to 32 Latin letters, digits, dots, hyphens"
                        " or underscores."
                    ),
                    name="username",
                    autoComplete="username",
                    required=True,
                    spellCheck=False,
                    input={"autoCapitalize": "none"},
                ),
                _field(
                    "register-display-name",
                    t("Name that others see (optional)"),
                    name="display_name",
                    autoComplete="name",
                    input={"data-only": "account.register"},
                ),
                _password(
                    t,
                    "register-password",
                    "new-password",
                    t.count(
                        "At least {n} character. A few words in a row are easy to remember.",
                        "At least {n} characters. A few words in a row are easy to remember.",
                        password_min_length,
                    ),
                ),
                *([] if setup_code is None else [_setup(t, setup_code, not registration_open)]),
                _error("form"),
                _submit(t("Create an account")),
                html.P(
                    [
                        t("Have an account?"),
                        " ",
                        html.A(t("Log in"), href=LOGIN, **attributes({"data-to": "login"})),
                    ],
                    className="aside",
                ),
            ],
            className="card",
            action=REGISTER,
            method="post",
            **attributes(
                {"data-command": "account.register session.open", "data-texts": sentences}
            ),
        ),
        className="page page-register",
        **attributes({"data-title": t("Create an account")}),
    )


def _setup(t: Words, code: str, required: bool) -> Component:
    if code:
        description = t("Filled in because this is the server's own machine: you become its admin.")
    elif required:
        description = t(
            "This server has no admin yet. Its terminal and its log show the code; with it you"
            " become the admin."
        )
    else:
        description = t(
            "This server has no admin yet. Its terminal and its log show the code; with it you"
            " become the admin, without it a member."
        )
    return _field(
        "register-setup-code",
        t("Set-up code") if required else t("Set-up code (optional)"),
        description=description,
        name="setup_code",
        autoComplete="off",
        required=required,
        spellCheck=False,
        input={"data-only": "account.register", "autoCapitalize": "characters"},
        **({"value": code} if code else {}),
    )


def _step(t: Words, steps: dict[str, dict[str, Any]]) -> Component:
    def empty(kind: Any, name: str, **props: Any) -> Component:
        part: Component = kind(**attributes({f"data-step-{name}": ""}), **props)
        return part

    return html.Main(
        html.Form(
            [
                _brand(),
                empty(html.H1, "title", tabIndex=-1),
                empty(html.P, "text", className="step-text"),
                empty(html.Div, "shown", className="step-shown"),
                empty(html.Div, "fields", className="step-fields"),
                _error("form"),
                html.Button(
                    t("Continue"),
                    type="submit",
                    className="button button-primary button-wide",
                ),
                html.Button(
                    t("Another way"),
                    type="button",
                    className="link-button",
                    **attributes({"data-step-other": ""}),
                ),
                html.P(
                    html.A(t("Back"), href=LOGIN, **attributes({"data-to": "login"})),
                    className="aside",
                ),
            ],
            className="card",
            action=LOGIN,
            method="post",
            **attributes(
                {
                    "data-command": "session.continue",
                    "data-steps": json.dumps(steps, ensure_ascii=False, separators=(",", ":")),
                }
            ),
        ),
        className="page page-step",
    )


def _password(t: Words, id: str, autocomplete: str, description: str | None = None) -> Component:
    return _field(
        id,
        t("Password"),
        password=True,
        name="password",
        autoComplete=autocomplete,
        required=True,
        visibilityToggleButtonProps={"aria-label": t("Show the password"), "tabIndex": 0},
        **({"description": description} if description else {}),
    )


def _field(id: str, label: str, **props: Any) -> Component:
    return html.Div([text_field(id, label, **props), _error(props["name"])])


def _error(name: str) -> Component:
    """Where the errors of a field stand, or of the form as a whole."""
    return html.P(className="form-error", role="alert", **attributes({"data-error-for": name}))


def _submit(label: str) -> Component:
    # The button is a field too: it says that the session is to be a cookie.
    return html.Button(
        label,
        type="submit",
        name="as",
        value="cookie",
        className="button button-primary button-wide",
        **attributes({"data-only": "session.open"}),
    )


def _brand() -> Component:
    return html.A(
        [html.Span(className="logo", **attributes({"aria-hidden": "true"})), "Messenger"],
        href="/",
        className="brand",
        **attributes({"data-to": "landing"}),
    )


def _footer(who: Reader, t: Words) -> Component:
    return html.Footer(
        html.Nav(
            [
                html.Button(
                    name,
                    type="button",
                    lang=language,
                    **attributes(
                        {
                            "data-language": language,
                            "aria-pressed": "true" if language == who.language else "false",
                        }
                    ),
                )
                for language, name in LANGUAGES.items()
            ],
            **attributes({"aria-label": t("Language")}),
        ),
        className="entrance-footer",
    )
