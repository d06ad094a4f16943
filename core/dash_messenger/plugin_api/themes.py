"""Themes: named sets of tokens that users choose between."""

from __future__ import annotations

from collections.abc import Mapping
from dataclasses import dataclass, field
from types import MappingProxyType
from typing import Literal

__all__ = ["Theme"]


@dataclass(frozen=True, slots=True)
class Theme:
    """How the pages look.

    ``scheme`` says which of the two it is built on: what it does not name is as there. ``tokens``
    are values by the names in ``docs/themes.md``, such as ``{"primary": "#2563d4"}``.
    """

    name: str
    scheme: Literal["light", "dark"]
    tokens: Mapping[str, str] = field(default_factory=lambda: MappingProxyType({}))
