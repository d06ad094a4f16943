"""Names for things: UUIDv7 (RFC 9562, section 5.7) as 32 lower-case hexadecimal characters.

Ids made later in one process sort later, so that rows keyed by them are written in append order.
"""

from __future__ import annotations

import secrets
import time
import uuid

from dash_messenger.errors import InvalidParams

__all__ = ["IdMaker", "id_param", "is_id", "parse_id"]

_HEX = frozenset("0123456789abcdef")


class IdMaker:
    """Makes ids that grow, even when the clock stands still or steps back."""

    __slots__ = ("_last",)

    def __init__(self) -> None:
        self._last = 0

    def __call__(self) -> str:
        """A new id. Not for threads: each has its own maker."""
        stamp = (time.time_ns() // 1_000_000 << 12) | secrets.randbits(8)
        if stamp <= self._last:
            stamp = self._last + 1
        self._last = stamp
        value = (
            (stamp >> 12) << 80
            | 0x7 << 76
            | (stamp & 0xFFF) << 64
            | 0b10 << 62
            | secrets.randbits(62)
        )
        return f"{value:032x}"


def is_id(text: str) -> bool:
    """Whether it is the text form of a UUID that we write."""
    return len(text) == 32 and _HEX.issuperset(text)


def parse_id(text: str) -> str:
    """The canonical form of a UUID in any of its usual text forms.

    Raises:
        ValueError: ``text`` is not a UUID.
    """
    # As `is_id`, without the call: every message comes by here twice.
    if len(text) == 32 and _HEX.issuperset(text):
        return text
    if len(text) > 45:
        raise ValueError("not a UUID")
    return uuid.UUID(text).hex


def id_param(text: str, field: str = "conversation") -> str:
    """The canonical form of an id among the parameters.

    Raises:
        InvalidParams: it is none.
    """
    try:
        return parse_id(text)
    except ValueError:
        raise InvalidParams(field=field, reason="is not an id") from None
