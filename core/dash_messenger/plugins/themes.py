"""Themes: named sets of tokens that users choose between.

Owns what a theme is and which there are. Must not know how anything is drawn; which tokens there
are is the pages' affair.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

from msgspec import Struct

from dash_messenger.plugin_api.themes import Theme
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.registry import Registry

__all__ = ["BUILT_IN", "Themes"]

BUILT_IN = ("light", "dark")
_NAME = re.compile(r"[a-z][a-z0-9_-]{0,31}")
_TOKEN = re.compile(r"[a-z][a-z0-9-]{0,47}")
# Colours, lengths and functions of them; nothing that loads a file or ends a declaration.
_VALUE = re.compile(r"[A-Za-z0-9#.,%() /+-]{1,120}")


class ThemeList(Struct, frozen=True, forbid_unknown_fields=True):
    """``theme.list`` has no parameters."""


class ThemeInfo(Struct, frozen=True):
    """A theme, for clients that draw by it."""

    name: str
    scheme: str
    tokens: dict[str, str]


class ThemesFound(Struct, frozen=True):
    """Result of ``theme.list``."""

    themes: list[ThemeInfo]


class Themes:
    """The registered themes by name."""

    def __init__(self) -> None:
        self._registry: Registry[Theme] = Registry("theme")

    def add(self, plugin: str, theme: Theme) -> None:
        """Register a theme.

        Raises:
            TypeError: it is no `Theme`.
            ValueError: its name is taken or malformed, or a token could break out of its place.
        """
        if not isinstance(theme, Theme):
            raise TypeError(f"{theme!r} is not a Theme")
        if not _NAME.fullmatch(theme.name) or theme.scheme not in BUILT_IN:
            raise ValueError(f"{theme.name!r} ({theme.scheme!r}) is not a name and scheme")
        if theme.name in self:
            raise ValueError(f"theme {theme.name} is registered twice")
        for token, value in theme.tokens.items():
            safe = _VALUE.fullmatch(value) and "url(" not in value.lower()
            if not (_TOKEN.fullmatch(token) and safe):
                raise ValueError(f"theme {theme.name}: token {token!r} cannot be {value!r}")
        self._registry.add(plugin, theme.name, theme)

    def remove(self, plugin: str) -> None:
        """Forget what a plugin registered."""
        self._registry.remove(plugin)

    def __iter__(self) -> Iterator[Theme]:
        return iter(self._registry)

    def __contains__(self, name: object) -> bool:
        # "auto" goes by what the browser prefers.
        return name == "auto" or name in BUILT_IN or name in self._registry

    def commands(self) -> list[Command]:
        """What a client may ask about themes."""

        async def list_themes(caller: Caller, params: ThemeList) -> ThemesFound:
            return ThemesFound([ThemeInfo(one.name, one.scheme, dict(one.tokens)) for one in self])

        return [
            Command(
                "theme.list",
                ThemeList,
                ThemesFound,
                list_themes,
                "The themes beyond light and dark.",
                rate="cheap read",
            )
        ]
