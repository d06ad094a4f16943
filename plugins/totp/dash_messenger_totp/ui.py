"""Where the code is asked for at the log-in, and where the second step is set up."""

from __future__ import annotations

from typing import Any

from dash_messenger_webui import SettingsPanel, StepView, Translate, field, hookimpl

from dash_messenger_totp.settings_section import TotpPanel

__all__ = ["TotpStep", "register_settings_panels", "register_step_views"]


class TotpStep(StepView):
    """The six digits, or a recovery code."""

    step = "totp"

    def title(self, t: Translate) -> str:
        """The heading."""
        return t("Enter your code")

    def text(self, t: Translate) -> str:
        """Where the code is found."""
        return t("Open the authenticator app on your phone and type the six digits it shows.")

    def fields(self, t: Translate) -> list[Any]:
        """One field for both kinds of codes."""
        return [
            field.code(
                "code",
                t("Code from the app"),
                max=64,
                instead=(t("Use a recovery code"), t("Recovery code")),
            )
        ]

    def button(self, t: Translate) -> str:
        """As the password's."""
        return t("Log in")


@hookimpl
def register_step_views() -> list[StepView]:
    """The code."""
    return [TotpStep()]


@hookimpl
def register_settings_panels() -> list[SettingsPanel]:
    """Two-step log-in."""
    return [TotpPanel()]
