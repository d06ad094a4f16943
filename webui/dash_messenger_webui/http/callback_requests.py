"""What a browser asks a callback with, checked before Dash reads it.

Owns the shape of ``POST /_dash-update-component``. Must not know what callbacks do. Invariant: what
anybody made up instead is refused with a sentence, and Dash meets only what its own pages send.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec
from dash_messenger import Refused
from msgspec import UNSET, Struct, UnsetType

__all__ = ["check_callback_request", "check_declared"]


class _Property(Struct, frozen=True):
    """A property of a component, with its value where it is an input."""

    id: str | dict[str, str | int | float | bool]
    property: str
    value: Any = None


class _Request(Struct, frozen=True):
    """The body of a request; a pattern of ids makes a list of what it found."""

    output: str
    outputs: _Property | list[_Property | list[_Property]] | UnsetType = UNSET
    inputs: list[_Property | list[_Property]] = []
    state: list[_Property | list[_Property]] = []
    changedPropIds: list[str] = []  # noqa: N815 - as Dash calls it


_decoder = msgspec.json.Decoder(_Request)


def check_callback_request(body: bytes) -> None:
    """Return for a body of the right shape.

    Raises:
        Refused: it is none.
    """
    try:
        _decoder.decode(body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as error:
        reason = str(error) if isinstance(error, msgspec.ValidationError) else "it is not JSON"
        raise Refused(reason=f"This is no callback's request: {reason}.") from None


def check_declared(callbacks: Mapping[str, Mapping[str, Any]], body: Mapping[str, Any]) -> None:
    """Return where a callback is declared with this output and as many inputs and outputs.

    Raises:
        Refused: there is none.
    """
    output = body["output"]
    declared = callbacks.get(output)
    if declared is None:
        raise Refused(reason="There is no such callback.")
    for name in ("inputs", "state"):
        if len(body.get(name, ())) != len(declared.get(name, ())):
            raise Refused(reason=f"The callback takes another number of {name}.")
    several = output.startswith("..")
    outputs = body.get("outputs", [] if several else {})
    expected = len(output[2:-2].split("...")) if several else 1
    fits = len(outputs) == expected if several and isinstance(outputs, list) else not several
    if not declared.get("no_output") and not fits:
        raise Refused(reason="The callback gives another number of outputs.")
