"""Writes that were worked out from what was read: tried again when somebody else was faster.

Owns how often. The rows say whether they have changed since they were read (a ``rev``, mostly): who
stores looks at it inside the transaction, and raises `Overtaken` where it has.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeVar

from dash_messenger.errors import Busy

__all__ = ["Overtaken", "retry"]

# Whoever is overtaken this often meets more writers than one row is for.
TRIES = 16

T = TypeVar("T")


class Overtaken(Exception):
    """Somebody else changed the row first: nothing is stored, read it again."""


async def retry(attempt: Callable[[], Awaitable[T]]) -> T:
    """What ``attempt`` returns; it reads, works out, and writes, and does so again if overtaken.

    Raises:
        Busy: others were faster, again and again.
        Exception: what ``attempt`` raises.
    """
    for _ in range(TRIES):
        try:
            return await attempt()
        except Overtaken:
            continue
    raise Busy
