"""A body that needs a callback, a form of every field, a page that works, and one that does not."""

import uuid
from typing import Any

import dash_mantine_components as dmc
from dash import MATCH, Input, Output, State, html, no_update
from dash_messenger_webui import (
    Composer,
    Drawable,
    MessageView,
    Page,
    Translate,
    act,
    button,
    field,
    hookimpl,
    text_input,
    viewer,
)

from acme_yard.server import Lines, Notice, Rung, Words


def each(name: str, message: Any) -> dict[str, Any]:
    return {"plugin": "yard", "name": name, "message": message}


class BellView(MessageView[Words, Rung]):
    type = "acme.bell"

    def render(self, message: Drawable[Words, Rung], t: Translate) -> Any:
        return html.Div(
            [
                html.P(f"{message.content.words}: {message.state.times}"),
                html.Button("Ring", id=each("ring", message.id), n_clicks=0),
                html.Span(id=each("rung", message.id)),
            ]
        )

    def register(self, app: Any) -> None:
        @app.callback(
            Output(each("rung", MATCH), "children"),
            Input(each("ring", MATCH), "n_clicks"),
            State(each("ring", MATCH), "id"),
        )
        async def ring(clicks: int | None, id: dict[str, Any]) -> Any:
            if not clicks:
                return no_update
            client_id = uuid.uuid4().hex
            await viewer().call(
                "message.act", message=id["message"], action="ring", client_id=client_id
            )
            return "rung"


class GuestsView(MessageView[Words, Lines]):
    """The list grows above the field, which so stands elsewhere in each revision."""

    type = "acme.guests"

    def render(self, message: Drawable[Words, Lines], t: Translate) -> Any:
        lines = [dmc.Text(line) for line in message.state.lines]
        field = dmc.TextInput(id=each("line", message.id), **{"aria-label": "Line"}, n_submit=0)
        sign = html.Button("Sign", **act("sign", mark=True))
        return dmc.Stack([html.B(message.content.words), sign, *lines, field])

    def register(self, app: Any) -> None:
        @app.callback(
            Output(each("line", MATCH), "value"),
            Input(each("line", MATCH), "n_submit"),
            State(each("line", MATCH), "value"),
            State(each("line", MATCH), "id"),
        )
        async def add(submits: int, line: str | None, id: dict[str, Any]) -> Any:
            if not submits or not line:
                return no_update
            wish = {"message": id["message"], "action": "add", "params": {"line": line}}
            await viewer().call("message.act", client_id=uuid.uuid4().hex, **wish)
            return ""


class NoticeView(MessageView[Notice]):
    type = "acme.notice"

    def render(self, message: Drawable[Notice], t: Translate) -> Any:
        notice = message.content
        opened = "open" if notice.open else "closed"
        said = [notice.title, notice.body, *notice.bring, f"{notice.places} {notice.side} {opened}"]
        return html.Div([html.P(line) for line in said if line])

    def composer(self, t: Translate) -> Composer:
        sides = [("north", "In the north"), ("south", "In the south")]
        return Composer(
            icon="flag",
            label="Notice",
            fields=[
                field.text("title", "Title", max=80, required=True),
                field.area("body", "Words", max=500),
                field.lines("bring", "To bring", max=5),
                field.switch("open", "Open to all"),
                field.number("places", "Places", min=1, max=100),
                field.choice("side", "Side", sides),
            ],
        )


class Gate(Page):
    name, icon = "gate", "flag"

    def label(self, t: Translate) -> str:
        return "The gate"

    async def layout(self, t: Translate) -> Any:
        account = await viewer().call("account.get")
        return [
            html.P(f"Good day, {account['user']['display_name']}"),
            text_input("Bell", {"plugin": "yard", "name": "words"}),
            button("Ask", {"plugin": "yard", "name": "ask"}),
            html.P(id={"plugin": "yard", "name": "answer"}),
        ]

    def register(self, app: Any) -> None:
        @app.callback(
            Output({"plugin": "yard", "name": "answer"}, "children"),
            Input({"plugin": "yard", "name": "ask"}, "n_clicks"),
            State({"plugin": "yard", "name": "words"}, "value"),
        )
        async def answer(clicks: int, words: str | None) -> str:
            return f"You said {words}" if clicks else ""


class Cellar(Page):
    name = "cellar"

    def label(self, t: Translate) -> str:
        return "The cellar"

    async def layout(self, t: Translate) -> Any:
        raise KeyError("a defect")


@hookimpl
def register_message_views() -> list[MessageView[Any, Any]]:
    return [BellView(), GuestsView(), NoticeView()]


@hookimpl
def register_pages() -> list[Page]:
    return [Gate(), Cellar()]
