"""How the rules are shown to somebody who logs in."""

from dash_messenger_webui import StepView, Translate, hookimpl


class RulesView(StepView):
    step = "acme.rules"
    shows = ("rules",)
    sends = ("version",)

    def title(self, t: Translate) -> str:
        return t("House rules")

    def text(self, t: Translate) -> str:
        return t("Please read them before you go on.")

    def button(self, t: Translate) -> str:
        return t("I accept them")


@hookimpl
def register_step_views() -> list[RulesView]:
    return [RulesView()]
