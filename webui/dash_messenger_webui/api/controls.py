"""Controls for the pages and settings of plugins, in the pages' own look.

Each is a Dash component. Nothing of Dash is imported before one is made.
"""

from __future__ import annotations

from collections.abc import Mapping, Sequence
from typing import Any

from dash_messenger_webui.api.contract import Html

__all__ = ["button", "icon_button", "markup", "password_input", "text_input", "uploads"]


def button(
    label: str,
    id: Mapping[str, str],
    *,
    primary: bool = False,
    danger: bool = False,
    **props: Any,
) -> Any:
    """A button; callbacks hear its ``n_clicks``. ``danger`` says that something is lost by it."""
    from dash import html

    kinds = ("button", "button-primary" if primary else "", "button-danger" if danger else "")
    kind = " ".join(filter(None, kinds))
    return html.Button(label, id=dict(id), n_clicks=0, className=kind, type="button", **props)


def icon_button(icon: str, label: str, id: Mapping[str, str], **props: Any) -> Any:
    """A button that is a Tabler icon; ``label`` is its tooltip and what a screen reader says."""
    from dash import html

    from dash_messenger_webui.elements.parts import attributes
    from dash_messenger_webui.elements.parts import icon as drawn

    return html.Button(
        drawn(icon),
        id=dict(id),
        n_clicks=0,
        className="dm-icon-button",
        type="button",
        title=label,
        **attributes({"aria-label": label}),
        **props,
    )


def text_input(
    label: str,
    id: Mapping[str, str],
    *,
    value: str = "",
    max: int | None = None,
    code: bool = False,
    digits: bool = False,
    hide_label: bool = False,
) -> Any:
    """A line of text; callbacks hear its ``value`` once it was left or Enter was pressed.

    With ``code`` it is one from elsewhere, such as an app, that browsers may know to fill in; with
    ``digits`` phones show their keys for digits; with ``hide_label`` only screen readers say what
    it is, and its empty field.
    """
    from dash_messenger_webui.elements.parts import text_field

    inner: dict[str, Any] = {"maxLength": max} if max is not None else {}
    if digits:
        inner["inputMode"] = "numeric"
    if hide_label:
        inner |= {"aria-label": label, "placeholder": label}
    shown = None if hide_label else label
    known = "one-time-code" if code else "off"
    return text_field(dict(id), shown, value=value, debounce=True, autoComplete=known, input=inner)  # type: ignore[arg-type]


def password_input(label: str, id: Mapping[str, str]) -> Any:
    """One's own password, asked for again; callbacks read its ``value``."""
    from dash_messenger_webui.elements.parts import text_field

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
