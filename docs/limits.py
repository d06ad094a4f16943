"""Draws the list of limits from the constants and settings that hold them.

Owns which limits a person or an admin may meet, and how they are called. Each figure is read from
where it is enforced: none is written here.
"""

from __future__ import annotations

from collections.abc import Sequence

from dash_messenger import accounts, history, logins, reacting, sending, syncing
from dash_messenger.blobs import uploads
from dash_messenger.errors import Busy, CloseCode, Failure, InvalidParams, RateLimited, TooLarge
from dash_messenger.gateway import connection, slow_http
from dash_messenger.gateway import http as http_edge
from dash_messenger.protocol import MAX_IN_FLIGHT, MAX_INBOUND_BYTES
from dash_messenger.settings import Settings
from msgspec import Struct

__all__ = ["draw_limits"]

KIB = 1024


class Limit(Struct, frozen=True):
    """What is limited, to how much, by which setting, and what whoever meets it is told."""

    what: str
    default: str
    error: type[Failure] | CloseCode | str
    setting: str = ""


def draw_limits() -> str:
    """A table for each part of the server."""
    return "\n\n".join(_table(title, limits) for title, limits in _parts())


def _parts() -> list[tuple[str, Sequence[Limit]]]:
    return []


def _table(title: str, limits: Sequence[Limit]) -> str:
    rows = ["| what | default | setting | error |", "| --- | --- | --- | --- |"]
    for limit in limits:
        setting = f"`{limit.setting}`" if limit.setting else ""
        rows.append(f"| {limit.what} | {limit.default} | {setting} | {_error(limit.error)} |")
    return f"## {title}\n\n" + "\n".join(rows)


def _error(error: type[Failure] | CloseCode | str) -> str:
    if isinstance(error, CloseCode):
        return f"close {error.value}, `{error.name.lower()}`"
    if isinstance(error, str):
        return error
    return f"{error.code}, `{error.key}`"


def _bytes(count: int) -> str:
    for unit, size in (("GB", KIB**3), ("MB", KIB**2), ("KB", KIB)):
        if count >= size:
            return f"{count / size:g} {unit}"
    return f"{count} bytes"
