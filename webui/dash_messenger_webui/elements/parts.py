"""Pieces that several pages and dialogs are made of."""

from __future__ import annotations

from typing import Any

from dash import html
from dash.development.base_component import Component

from dash_messenger_webui.elements import mantine as dmc
from dash_messenger_webui.session import Scheme

__all__ = ["attributes", "icon", "provider", "text_field"]


def provider(scheme: Scheme, children: list[Component]) -> Component:
    """The root of every page: Mantine with our typeface, sizes and colour scheme."""
    return dmc.MantineProvider(
        children,
        id="mantine",
        defaultColorScheme="auto",
        **({} if scheme == "auto" else {"forceColorScheme": scheme}),
        theme={
            "fontFamily": "var(--font)",
            "fontFamilyMonospace": "var(--font-mono)",
            "defaultRadius": "md",
            "cursorType": "pointer",
            "respectReducedMotion": True,
            "focusRing": "auto",
        },
    )


def attributes(values: dict[str, str]) -> dict[str, Any]:
    """``data-`` and ``aria-`` attributes, whose names are no Python names."""
    return dict(values)


def icon(name: str) -> Component:
    """A Tabler icon; whatever holds it has a name for screen readers."""
    return html.Span(className=f"icon icon-{name}", **attributes({"aria-hidden": "true"}))


def text_field(id: str, label: str, **props: Any) -> Component:
    """A labelled field with one place for its error, announced when it changes."""
    kind = dmc.PasswordInput if props.pop("password", False) else dmc.TextInput
    parts = {"input": props.pop("input", {})}
    return kind(
        id=id,
        label=label,
        size="md",
        attributes=parts,
        errorProps={"role": "alert"},
        withAsterisk=False,
        **props,
    )
