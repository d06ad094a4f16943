"""The choice of a theme: each is shown by a small picture of itself.

Owns that control. Must not know which themes there are: a swatch is drawn with the theme's own
tokens, by the style sheet that the theme came with.
"""

from __future__ import annotations

from collections.abc import Mapping

from dash import html
from dash.development.base_component import Component

from dash_messenger_webui.elements import mantine as dmc
from dash_messenger_webui.elements.parts import attributes

__all__ = ["theme_choice"]


def theme_choice(
    label: str, chosen: str, names: Mapping[str, str], schemes: Mapping[str, str]
) -> Component:
    """Every theme of ``names``, by what it is called; ``schemes`` says which are built on which."""
    options = [
        {"value": value, "label": _swatch(value, name, schemes.get(value, value))}
        for value, name in names.items()
    ]
    return html.Div(
        [
            html.Div(label, id="theme-label", className="field-label"),
            dmc.SegmentedControl(
                id="theme",
                value=chosen,
                data=options,
                fullWidth=True,
                **{"aria-labelledby": "theme-label", "data-swatches": "true"},
            ),
        ],
        className="theme-choice",
    )


def _swatch(theme: str, name: str, scheme: str) -> Component:
    halves = ("light", "dark") if theme == "auto" else (scheme,)
    return html.Span(
        [
            html.Span(
                [
                    html.Span(
                        [html.I(), html.I()],
                        **attributes({"data-swatch": half if theme == "auto" else theme}),
                        **attributes({"data-swatch-scheme": half}),
                    )
                    for half in halves
                ],
                className="swatch",
                **attributes({"aria-hidden": "true"}),
            ),
            html.Span(name, className="swatch-name"),
        ]
    )
