"""How polls look and are written."""

import dash_mantine_components as dmc
from dash_messenger_webui import Composer, MenuEntry, MessageView, act, field, hookimpl

BUTTON = {"variant": "subtle", "justify": "flex-start", "h": "auto", "mih": 44, "py": 4}
BUTTON |= {"styles": {"label": {"whiteSpace": "normal"}, "section": {"flex": "0 0 3rem"}}}


class PollView(MessageView):
    type = "acme.poll"

    def render(self, message, t):
        poll, votes = message.content, message.state
        total, rows = sum(votes.counts), []
        for i, (option, n) in enumerate(zip(poll.options, votes.counts, strict=True)):
            share = round(100 * n / max(total, 1))
            button = {"leftSection": f"{share} %", "disabled": votes.closed, **BUTTON}
            rows += [dmc.Button(option, **button, **act("vote", option=i, mark=i))]
            rows += [dmc.Progress(value=share, size="sm", **{"aria-label": option})]
        count = dmc.Text(t.count("{n} vote", "{n} votes", total), size="sm")
        return dmc.Stack([dmc.Text(poll.question, fw=600), *rows, count], gap="xs")

    def composer(self, t):
        question = field.text("question", t("Question"), max=100, required=True)
        options = field.lines("options", t("Options"), min=2, max=10)
        several = field.switch("several", t("Several answers"))
        return Composer(icon="chart-bar", label=t("Poll"), fields=[question, options, several])

    def menu(self, t):
        return [MenuEntry(t("Close the poll"), "lock", act="close", may="author")]


@hookimpl
def register_message_views():
    return [PollView()]
