"""How polls look and are written."""

import dash_mantine_components as dmc
from dash_messenger_webui import Composer, MenuEntry, MessageView, act, field, hookimpl


class PollView(MessageView):
    type = "acme.poll"

    def render(self, message, t):
        poll, votes = message.content, message.state
        rows = [
            dmc.Button(f"{option} · {n}", disabled=votes.closed, **act("vote", option=i, mark=i))
            for i, (option, n) in enumerate(zip(poll.options, votes.counts, strict=True))
        ]
        return dmc.Stack([dmc.Text(poll.question, fw=600), *rows], gap="xs")

    def composer(self, t):
        question = field.text("question", t("Question"), max=100, required=True)
        options = field.lines("options", t("Options"), min=2, max=10)
        several = field.switch("several", t("Several answers"))
        fields = [question, options, several]
        return Composer(icon="chart-bar", label=t("Poll"), fields=fields)

    def menu(self, t):
        return [MenuEntry(t("Close the poll"), "lock", act="close", may="author")]


@hookimpl
def register_message_views():
    return [PollView()]
