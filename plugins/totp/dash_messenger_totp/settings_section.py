"""Where the second step is set up, set up again and turned off: a section of the settings.

Everything goes through commands, under the rights of whoever reads the page. Invariant: secret and
recovery codes are shown once, and are in no callback's state.
"""

from __future__ import annotations

from html import escape
from typing import Any
from urllib.parse import quote

from dash_messenger import Failure
from dash_messenger_webui import (
    Callbacks,
    Html,
    SettingsPanel,
    Translate,
    button,
    markup,
    password_input,
    text_input,
    viewer,
)

__all__ = ["TotpPanel"]

FACTOR = "totp"
# Dark on white whatever the theme: not every camera reads the reverse.
QR_DARK, QR_LIGHT = "#000", "#fff"
FEW_CODES = 3


def _id(name: str) -> dict[str, str]:
    return {"plugin": "totp", "name": name}


BODY, PASSWORD, FIRST = _id("body"), _id("password"), _id("first")


class TotpPanel(SettingsPanel):
    """One's own second step."""

    name = "two-step"
    icon = "shield-lock"

    def label(self, t: Translate) -> str:
        """The heading."""
        return t("Two-step log-in")

    async def layout(self, t: Translate) -> Any:
        """How it stands, and what can be done."""
        from dash import html

        return html.Div(await _state(t), id=BODY, className="totp")

    def register(self, app: Callbacks) -> None:
        """Setting up, confirming, turning off."""
        from dash import Input, Output, State, no_update

        shows = Output(BODY, "children", allow_duplicate=True)

        @app.callback(
            shows,
            Input(_id("begin"), "n_clicks"),
            Input(PASSWORD, "n_submit"),
            State(PASSWORD, "value"),
            prevent_initial_call=True,
        )
        async def begin(clicks: int, submitted: int | None, password: str | None) -> Any:
            asked = clicks or submitted
            return await _begin(self.words(), password) if asked else no_update

        @app.callback(
            shows,
            Input(_id("renew"), "n_clicks"),
            Input(_id("off"), "n_clicks"),
            prevent_initial_call=True,
        )
        async def choose(renew: int, off: int) -> Any:
            if not (renew or off):
                return no_update
            return _asking(self.words(), "renew-go" if renew else "off-go")

        for name, act in (("renew-go", _begin), ("off-go", _turn_off)):

            @app.callback(
                shows,
                Input(_id(name), "n_clicks"),
                Input(_id(f"{name}-code"), "n_submit"),
                Input(_id(f"{name}-password"), "n_submit"),
                State(_id(f"{name}-password"), "value"),
                State(_id(f"{name}-code"), "value"),
                prevent_initial_call=True,
            )
            async def change(
                clicks: int,
                submitted: int | None,
                entered: int | None,
                password: str | None,
                code: str | None,
                act: Any = act,
            ) -> Any:
                # Enter after the password alone is no attempt: the code is still to come.
                asked = clicks or submitted or (entered and code)
                return await act(self.words(), password, code or "") if asked else no_update

        @app.callback(
            shows,
            Output(_id("problem"), "children"),
            Input(_id("confirm"), "n_clicks"),
            Input(FIRST, "n_submit"),
            State(FIRST, "value"),
            prevent_initial_call=True,
        )
        async def confirm(clicks: int, submitted: int | None, code: str | None) -> Any:
            if not (clicks or submitted):
                return no_update, no_update
            return await _confirm(self.words(), code or "")

        @app.callback(
            shows,
            Input(_id("back"), "n_clicks"),
            prevent_initial_call=True,
        )
        async def back(clicks: int) -> Any:
            return await _state(self.words()) if clicks else no_update


# What is done.


async def _begin(t: Translate, password: str | None, code: str | None = None) -> Any:
    answer = {} if code is None else {"answer": {"code": code}}
    try:
        begun = await viewer().call(
            "factor.begin", factor=FACTOR, password=password or "", **answer
        )
    except Failure as failure:
        if code is None:
            return _off(t, _sentence(t, failure))
        return _asking(t, "renew-go", _sentence(t, failure))
    return _setting_up(t, begun["shown"])


async def _confirm(t: Translate, code: str) -> tuple[Any, Any]:
    from dash import no_update

    try:
        done = await viewer().call("factor.confirm", factor=FACTOR, answer={"code": code})
    except Failure as failure:
        # The picture stays; it is not kept anywhere to be drawn again.
        return no_update, _sentence(t, failure)
    return _recovery(t, done["shown"]["recovery_codes"], done["sessions_closed"]), no_update


async def _turn_off(t: Translate, password: str | None, code: str) -> Any:
    try:
        await viewer().call(
            "factor.remove", factor=FACTOR, password=password or "", answer={"code": code}
        )
    except Failure as failure:
        return _asking(t, "off-go", _sentence(t, failure))
    return await _state(t)


def _sentence(t: Translate, failure: Failure) -> str:
    if failure.key == "rate_limited":
        seconds = int(str(failure.params.get("retry_after_s", 60)))
        return t.count(
            "Too many attempts. Try again in {n} second.",
            "Too many attempts. Try again in {n} seconds.",
            seconds,
        )
    if failure.params.get("rule") == "clock_off":
        return t(
            "This code is for another time: the clock of the phone may be wrong. Let the phone set"
            " its time by itself, then type a new code."
        )
    known = {
        "wrong_password": t("The password is wrong."),
        "wrong_answer": t("This code is wrong, or was used before."),
        "setup_ended": t("This set-up has ended. Please begin again."),
    }
    return known.get(failure.key) or t(failure.message)


# What is shown.


async def _state(t: Translate) -> Any:
    found = await viewer().call("factor.list")
    mine = next(one for one in found["factors"] if one["factor"] == FACTOR)
    if mine["confirmed_at_ms"] is None:
        return _off(t)
    return _on(t, mine["details"]["recovery_codes_left"])


def _off(t: Translate, problem: str = "") -> Any:
    from dash import html

    return [
        html.P(
            t(
                "After the password, the log-in then asks for a code from an app on your phone: "
                "a stolen password alone opens nothing."
            )
        ),
        password_input(t("Your password"), PASSWORD),
        _problem(problem),
        button(t("Set it up"), _id("begin"), primary=True),
    ]


def _on(t: Translate, left: int) -> Any:
    from dash import html

    few = [html.P(t("Set it up again to get new ones."))] if left < FEW_CODES else []
    return [
        html.P(html.Strong(t("It is on."))),
        html.P(t.count("{n} recovery code is left.", "{n} recovery codes are left.", left)),
        *few,
        html.Div(
            [
                button(t("Set it up again"), _id("renew")),
                button(t("Turn it off"), _id("off")),
            ],
            className="totp-buttons",
        ),
    ]


def _asking(t: Translate, name: str, problem: str = "") -> Any:
    """Password and code, which every change needs."""
    from dash import html

    renews = name == "renew-go"
    said = (
        t("For a new phone or new recovery codes. The old ones hold until you have confirmed.")
        if renews
        else t("From then on the password alone is enough.")
    )
    return [
        html.P(said),
        password_input(t("Your password"), _id(f"{name}-password")),
        text_input(
            t("Code from the app, or a recovery code"), _id(f"{name}-code"), max=64, code=True
        ),
        _problem(problem),
        html.Div(
            [
                button(
                    t("Set it up again") if renews else t("Turn it off"), _id(name), primary=True
                ),
                button(t("Back"), _id("back")),
            ],
            className="totp-buttons",
        ),
    ]


def _setting_up(t: Translate, shown: dict[str, str]) -> Any:
    import segno
    from dash import html

    # The library's own border is part of what cameras look for.
    picture = segno.make(shown["uri"], error="m").svg_data_uri(
        scale=4, dark=QR_DARK, light=QR_LIGHT
    )
    secret = shown["secret"]
    groups = " ".join(secret[n : n + 4] for n in range(0, len(secret), 4))
    return [
        html.P(t("Scan this with an authenticator app.")),
        html.Img(src=picture, alt=t("QR code for the authenticator app"), className="totp-picture"),
        html.P([t("Or type this key into the app:"), " ", html.Code(groups, className="totp-key")]),
        text_input(t("The six digits that the app shows"), FIRST, max=64, code=True, digits=True),
        html.P(id=_id("problem"), className="form-error", role="alert"),
        html.Div(
            [
                button(t("Turn it on"), _id("confirm"), primary=True),
                button(t("Back"), _id("back")),
            ],
            className="totp-buttons",
        ),
    ]


def _recovery(t: Translate, codes: list[str], closed: int) -> Any:
    from dash import html

    text = "\n".join(codes)
    file = f"data:text/plain;charset=utf-8,{quote(text)}"
    lost = escape(t("Without these codes a lost phone locks you out. Close without keeping them?"))
    elsewhere = [html.P(t("Your other devices were logged out."))] if closed else []
    return [
        html.P(html.Strong(t("It is on."))),
        *elsewhere,
        html.P(
            t(
                "Keep these recovery codes where only you find them. Each lets you in once when "
                "the phone is not at hand. They are shown only now."
            )
        ),
        markup(
            Html(
                f'<div data-copy-from data-unsaved="{lost}">'
                f'<pre class="totp-codes">{escape(text)}</pre>'
                '<div class="totp-buttons">'
                f'<button type="button" class="button" data-copy>{escape(t("Copy"))}</button>'
                f'<a class="button" download="recovery-codes.txt" href="{escape(file)}">'
                f"{escape(t('Save as a file'))}</a></div></div>"
            )
        ),
        button(t("Done"), _id("back"), primary=True),
    ]


def _problem(sentence: str) -> Any:
    from dash import html

    return html.P(sentence, className="form-error", role="alert")
