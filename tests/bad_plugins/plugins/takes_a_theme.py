"""Registers a theme whose name is the standard one's."""

from dash_messenger import Theme, hookimpl


@hookimpl
def register_themes() -> list[Theme]:
    return [Theme("dark", "dark")]
