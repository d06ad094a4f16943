"""How a shout looks: a Dash component, loud."""

from typing import Any

import dash_mantine_components as dmc
from dash import html
from dash_messenger_webui import (
    Composer,
    Drawable,
    MessageView,
    Translate,
    hookimpl,
    moment,
    person,
)

from dash_messenger_shout.server import Words


class ShoutView(MessageView[Words]):
    type = "acme.shout"

    def render(self, message: Drawable[Words], t: Translate) -> Any:
        if message.content.words == "fall over":
            # No browser can draw that.
            return dmc.Text({"not": "a child"})
        if message.content.words == "sign":
            signed = [
                html.B(**person(message.sender)),
                " ",
                html.Time(**moment(message.sent_at_ms)),
            ]
            return dmc.Text(signed)
        return dmc.Text(message.content.words.upper(), fw=900, size="xl")

    def composer(self, t: Translate) -> Composer:
        return Composer(
            icon="speakerphone", label="Shout", inline="words", max_characters=200, rank=5
        )


@hookimpl
def register_message_views() -> list[ShoutView]:
    return [ShoutView()]
