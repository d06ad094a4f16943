"""Bodies that cannot be drawn, callbacks that fail or hold the loop, a composer that lies."""

import time
from typing import Any

from dash import MATCH, Input, Output, html
from dash_messenger_webui import (
    Composer,
    Drawable,
    MessageView,
    Translate,
    button,
    field,
    hookimpl,
)


class Unknown:
    """A component of a library that no page has loaded."""

    def to_plotly_json(self) -> dict[str, Any]:
        return {"namespace": "no_such_library", "type": "Nothing", "props": {"children": "?"}}


class OddView(MessageView[Any, Any]):
    type = "odd"

    def render(self, message: Drawable[Any, Any], t: Translate) -> Any:
        words = message.content.words
        if words == "unknown":
            return Unknown()
        if words == "throws":
            # React refuses children that are objects.
            child: Any = {"not": "a child"}
            return html.Div(child)
        if words in ("raises", "holds"):
            id = {"plugin": "odd", "message": message.id}
            return html.Div(
                [
                    button(words, id={**id, "name": words}),
                    html.Span("untouched", id={**id, "name": f"{words}-done"}),
                ]
            )
        return words

    def composer(self, t: Translate) -> Composer:
        # Content has no such field.
        return Composer(icon="ghost", label="Odd", fields=[field.text("nonsense", "Nonsense")])

    def register(self, app: Any) -> None:
        def answer(name: str, act: Any) -> None:
            id = {"plugin": "odd", "message": MATCH}

            async def press(clicks: int) -> str:
                act()
                return "done"

            app.callback(
                Output({**id, "name": f"{name}-done"}, "children"),
                Input({**id, "name": name}, "n_clicks"),
                prevent_initial_call=True,
            )(press)

        def fail() -> None:
            raise RuntimeError("no luck")

        answer("raises", fail)
        answer("holds", lambda: time.sleep(2))


@hookimpl
def register_message_views() -> list[OddView]:
    return [OddView()]
