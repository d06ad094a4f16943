"""What somebody sees who has not logged in: the landing page, the log-in and the registration.

All three stand in one tree; ``data-page`` on ``<html>``, set by the server and by ``pages.js``,
says which is shown. The forms are real ones: password managers know them, Enter sends them.
"""

from __future__ import annotations

from dash import html
from dash.development.base_component import Component

from dash_messenger_webui.pages.parts import icon, provider, text_field
from dash_messenger_webui.session import Reader
from dash_messenger_webui.translations import LANGUAGES, Words

__all__ = ["entrance"]


def entrance(who: Reader, t: Words, texts: dict[str, object]) -> Component:
    """The tree for strangers."""
    return provider(
        who.theme,
        [
            html.Div(
                [_landing(t), _login(t), _register(t), _footer(who, t)],
                className="entrance",
            ),
            html.Div(id="entrance-texts", **{"data-language": who.language}),
        ],
    )


def _landing(t: Words) -> Component:
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
                            html.A(
                                t("Create an account"),
                                href="/register",
                                className="button button-primary",
                                **{"data-to": "register"},
                            ),
                            html.A(
                                t("Log in"),
                                href="/login",
                                className="button",
                                **{"data-to": "login"},
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
                **{"aria-hidden": "true"},
            ),
        ],
        className="page page-landing",
    )


def _login(t: Words) -> Component:
    return html.Main(
        html.Form(
            [
                _brand(),
                html.H1(t("Log in")),
                *(
                    html.P([icon("info-circle"), sentence], className="why", **{"data-why": why})
                    for why, sentence in (
                        ("closed", t("You were logged out from another device.")),
                        ("expired", t("Please log in again to go on.")),
                        ("deactivated", t("This account has been deactivated.")),
                    )
                ),
                text_field(
                    "login-username",
                    t("User name"),
                    name="username",
                    autoComplete="username",
                    required=True,
                    spellCheck=False,
                    input={"autoCapitalize": "none", "maxLength": 64},
                ),
                _password(t, "login-password", "current-password"),
                _form_error("login-error"),
                _submit(t("Log in")),
                html.P(
                    [
                        t("New here?"),
                        " ",
                        html.A(
                            t("Create an account"), href="/register", **{"data-to": "register"}
                        ),
                    ],
                    className="aside",
                ),
            ],
            className="card",
            action="/login",
            method="post",
            **{"data-form": "login"},
        ),
        className="page page-login",
    )


def _register(t: Words) -> Component:
    return html.Main(
        html.Form(
            [
                _brand(),
                html.H1(t("Create an account")),
                text_field(
                    "register-username",
                    t("User name"),
                    description=t("How others find you: Latin letters, digits, dots or hyphens."),
                    name="username",
                    autoComplete="username",
                    required=True,
                    spellCheck=False,
                    input={"autoCapitalize": "none", "maxLength": 64},
                ),
                text_field(
                    "register-display-name",
                    t("Name that others see (optional)"),
                    name="display_name",
                    autoComplete="name",
                    input={"maxLength": 128},
                ),
                _password(
                    t,
                    "register-password",
                    "new-password",
                    t("At least 15 characters. A few words in a row are easy to remember."),
                ),
                _form_error("register-error"),
                _submit(t("Create an account")),
                html.P(
                    [
                        t("Have an account?"),
                        " ",
                        html.A(t("Log in"), href="/login", **{"data-to": "login"}),
                    ],
                    className="aside",
                ),
            ],
            className="card",
            action="/register",
            method="post",
            **{"data-form": "register"},
        ),
        className="page page-register",
    )


def _password(t: Words, id: str, autocomplete: str, description: str | None = None) -> Component:
    return text_field(
        id,
        t("Password"),
        password=True,
        name="password",
        autoComplete=autocomplete,
        required=True,
        visibilityToggleButtonProps={"aria-label": t("Show the password"), "tabIndex": 0},
        **({"description": description} if description else {}),
    )


def _form_error(id: str) -> Component:
    return html.P(id=id, className="form-error", role="alert")


def _submit(label: str) -> Component:
    return html.Button(label, type="submit", className="button button-primary button-wide")


def _brand() -> Component:
    return html.A(
        [html.Span(className="logo", **{"aria-hidden": "true"}), "Messenger"],
        href="/",
        className="brand",
        **{"data-to": "landing"},
    )


def _footer(who: Reader, t: Words) -> Component:
    return html.Footer(
        html.Nav(
            [
                html.Button(
                    name,
                    type="button",
                    lang=language,
                    **{
                        "data-language": language,
                        "aria-pressed": "true" if language == who.language else "false",
                    },
                )
                for language, name in LANGUAGES.items()
            ],
            **{"aria-label": t("Language")},
        ),
        className="entrance-footer",
    )
