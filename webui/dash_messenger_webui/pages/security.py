"""The section of the settings about the password and the devices that are logged in.

Owns its form and callbacks. Must not know how passwords are judged: the server refuses, and each
refusal stands under the field it is about. Invariant: what was typed leaves the page only as the
parameters of the command, and is cleared once it has changed something.
"""

from __future__ import annotations

from typing import Any

from dash import Dash, Input, Output, State, html, no_update
from dash.development.base_component import Component
from dash_messenger import Failure

from dash_messenger_webui.elements.parts import icon, text_field
from dash_messenger_webui.i18n.translations import Words
from dash_messenger_webui.pages.failures import Sentences
from dash_messenger_webui.session import viewer

__all__ = ["register_security", "security_section"]

# Sent together with the press of Enter, not with every letter.
TOGETHER: dict[str, Any] = {"debounce": True}


def security_section(t: Words) -> Component:
    """The section, folded."""
    return html.Details(
        [
            html.Summary([icon("lock"), t("Password and devices")]),
            html.Div(
                [
                    _password("password-old", t("Current password"), "current-password", t),
                    _password("password-new", t("New password"), "new-password", t),
                    html.Button(
                        t("Change the password"),
                        id="password-change",
                        n_clicks=0,
                        className="button",
                    ),
                    html.P(id="password-done", className="hint", role="status"),
                    html.P(
                        t("Somebody else may be logged in, or you left a device behind?"),
                        className="hint",
                    ),
                    html.Button(
                        [icon("logout"), t("Log out all other devices")],
                        id="close-others",
                        n_clicks=0,
                        className="button button-wide",
                    ),
                    html.P(id="close-others-done", className="hint", role="status"),
                ],
                className="panel-body",
            ),
        ],
        className="settings-panel",
    )


def register_security(app: Dash, sentences: Sentences) -> None:
    """Add the section's callbacks to the application."""

    @app.callback(
        Output("password-old", "error"),
        Output("password-new", "error"),
        Output("password-old", "value"),
        Output("password-new", "value"),
        Output("password-done", "children"),
        Input("password-change", "n_clicks"),
        Input("password-new", "n_submit"),
        State("password-old", "value"),
        State("password-new", "value"),
        running=[(Output("password-change", "disabled"), True, False)],
    )
    async def change_password(
        clicks: int | None, submits: int | None, old: str | None, new: str | None
    ) -> tuple[Any, ...]:
        kept = (no_update, no_update, None)
        if not (clicks or submits):
            return (no_update,) * 5
        missing = sentences.t("Please fill this in.")
        if not old or not new:
            return None if old else missing, None if new else missing, *kept
        try:
            await viewer().call("account.change_password", old=old, new=new)
        except Failure as failure:
            said = sentences.of(failure)
            is_old = failure.key in ("wrong_password", "rate_limited")
            return (said, None, *kept) if is_old else (None, said, *kept)
        done = sentences.t("Your password is changed. All other devices are logged out.")
        return None, None, "", "", done

    @app.callback(
        Output("close-others-done", "children"),
        Input("close-others", "n_clicks"),
        running=[(Output("close-others", "disabled"), True, False)],
    )
    async def close_others(clicks: int | None) -> Any:
        if not clicks:
            return no_update
        try:
            await viewer().call("session.close_others")
        except Failure as failure:
            return sentences.of(failure)
        return sentences.t("All other devices are logged out.")


def _password(id: str, label: str, autocomplete: str, t: Words) -> Component:
    return text_field(
        id,
        label,
        password=True,
        autoComplete=autocomplete,
        visibilityToggleButtonProps={"aria-label": t("Show the password"), "tabIndex": 0},
        **TOGETHER,
    )
