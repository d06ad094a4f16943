"""Checks what the browser sends to a callback by the annotations of its function.

Owns the conversion. Must not know what callbacks do. Invariant: a value of another type than a
parameter is annotated with is refused before the function runs. None always goes through: Dash
sends it for what was neither pressed nor written.
"""

from __future__ import annotations

import inspect
import typing
from collections.abc import Awaitable, Callable
from functools import wraps
from typing import Any

import msgspec
from dash_messenger import Refused

__all__ = ["checked"]

Callback = Callable[..., Awaitable[Any]]


def checked(function: Callback) -> Callback:
    """The function, raising `Refused` for values of a wrong type.

    What has no annotation that JSON could fit is left to the function.
    """
    named, rest = _types_of(function)

    @wraps(function)
    async def check_first(*values: Any) -> Any:
        for at, value in enumerate(values):
            name, kind = named[at] if at < len(named) else rest
            if value is not None and kind is not None:
                try:
                    msgspec.convert(value, kind)
                except msgspec.ValidationError as error:
                    raise Refused(reason=f"{name}: {error}") from None
        return await function(*values)

    return check_first


def _types_of(
    function: Callback,
) -> tuple[list[tuple[str, Any]], tuple[str, Any]]:
    """The type of each parameter, or None, and that of all further ones."""
    try:
        hints = typing.get_type_hints(function, include_extras=True)
    except (NameError, TypeError):
        # Named where it cannot be looked up, such as in another function.
        hints = {}
    named: list[tuple[str, Any]] = []
    rest: tuple[str, Any] = ("", None)
    for parameter in inspect.signature(function).parameters.values():
        found = (parameter.name, _json_type(hints.get(parameter.name)))
        if parameter.kind is parameter.VAR_POSITIONAL:
            rest = found
        else:
            named.append(found)
    return named, rest


def _json_type(hint: Any) -> Any:
    try:
        msgspec.json.schema(hint)
    except TypeError:
        return None
    return None if hint is Any else hint
