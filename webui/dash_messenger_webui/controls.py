"""Controls for the pages and settings of plugins, in the pages' own look.

Each is a Dash component. Nothing of Dash is imported before one is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash_messenger_webui.contract import Html

__all__ = ["button", "markup", "password_input", "text_input", "uploads"]


def button(label: str, id: Mapping[str, str], *, primary: bool = False, **props: Any) -> Any:
    """A button; callbacks hear its ``n_clicks``."""
    from dash import html

    kind = "button button-primary" if primary else "button"
    return html.Button(label, id=dict(id), n_clicks=0, className=kind, type="button", **props)


def text_input(
    label: str,
    id: Mapping[str, str],
    *,
    value: str = "",
    max: int | None = None,
    code: bool = False,
) -> Any:
    """A line of text; callbacks hear its ``value`` once it was left or Enter was pressed.

    With ``code`` it is one from elsewhere, such as an app, that browsers may know to fill in.
    """
    from dash_messenger_webui.pages.parts import text_field

    inner = {"maxLength": max} if max is not None else {}
    known = "one-time-code" if code else "off"
    return text_field(dict(id), label, value=value, debounce=True, autoComplete=known, input=inner)  # type: ignore[arg-type]


def password_input(label: str, id: Mapping[str, str]) -> Any:
    """One's own password, asked for again; callbacks read its ``value``."""
    from dash_messenger_webui.pages.parts import text_field

    return text_field(dict(id), label, password=True, value="", autoComplete="current-password")  # type: ignore[arg-type]


def uploads(
    label: str, id: Mapping[str, str], *, accept: Sequence[str] = (), multiple: bool = False
) -> Any:
    """A button that uploads files; callbacks hear ``blobs`` once all of them have arrived: a list
    of ``{"id", "name", "media_type", "bytes"}``."""
    from dash_messenger_webui import components

    return components.Uploads(id=dict(id), label=label, accept=list(accept), multiple=multiple)


def markup(html: Html) -> Any:
    """Safe markup, drawn as in a message's bubble."""
    from dash_messenger_webui import components

    return components.Markup(html=html.markup)
