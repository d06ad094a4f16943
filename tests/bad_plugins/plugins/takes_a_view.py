"""Registers a view whose name the web UI has."""

from dash_messenger import Sources, View, hookimpl


@hookimpl
def register_views(sources: Sources) -> list[View]:
    return [View("dash", ("en",), lambda message, language: b'"mine"')]
