"""The buttons by which admins end a quarantine, on the page about plugins.

Owns which plugins are offered. Invariant: what the browser says is only a wish; the command asks
whether the reader is an admin.
"""

from __future__ import annotations

from typing import Annotated, Any

import msgspec
from dash import ALL, Dash, Input, Output, ctx, html, no_update
from dash_messenger import Failure, Refused
from msgspec import Meta, Struct

from dash_messenger_webui.api.controls import button
from dash_messenger_webui.pages.failures import Sentences
from dash_messenger_webui.session import reader, viewer

__all__ = ["LIST", "quarantined_plugins", "register_retrying"]

LIST = "quarantined-plugins"


class _Asked(Struct, frozen=True):
    """The id of a button."""

    retry: Annotated[str, Meta(max_length=64)]


def quarantined_plugins() -> Any:
    """Where the buttons will stand."""
    return html.Div(id=LIST)


def register_retrying(app: Dash, sentences: Sentences) -> None:
    """Add the callback of the buttons. A page whose plugin is back is loaded again."""

    @app.callback(
        Output(LIST, "children"),
        Output(LIST, "data-language"),
        Input(LIST, "id"),
        Input({"retry": ALL}, "n_clicks"),
        prevent_initial_call=False,
    )
    async def retry(id: object, clicks: object) -> tuple[Any, Any]:
        try:
            if ctx.triggered_id not in (None, LIST) and ctx.triggered[0]["value"]:
                await viewer().call("plugin.retry", plugin=_plugin_of(ctx.triggered_id))
                return no_update, reader().language
            found = (await viewer().call("plugin.list"))["quarantined"]
        except Failure as failure:
            sentence = sentences.of(failure)
            return html.P(sentence, className="form-error", role="alert"), no_update
        names = sorted({one["plugin"] for one in found})
        label = sentences.t("Try {name} again")
        return [button(label.format(name=name), {"retry": name}) for name in names], no_update


def _plugin_of(claim: object) -> str:
    try:
        return msgspec.convert(claim, _Asked).retry
    except msgspec.ValidationError as error:
        raise Refused(reason=f"This is no button of this page: {error}") from None
