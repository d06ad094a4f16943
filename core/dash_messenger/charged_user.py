"""Whom the running task works for: who asked is charged for what it costs.

Owns one context variable, which tasks inherit from who starts them. Must not know what is charged.
"""

from __future__ import annotations

from collections.abc import Coroutine
from contextvars import ContextVar
from typing import Any, TypeVar

__all__ = ["CHARGED_USER", "charged_user", "working_for"]

T = TypeVar("T")

# Set and reset directly where a context manager would cost as much as the rest of the way.
CHARGED_USER: ContextVar[str | None] = ContextVar("charged_user", default=None)


def charged_user() -> str | None:
    """The user for whom the running task works, or None: nobody asked for it."""
    return CHARGED_USER.get()


async def working_for(user: str | None, coroutine: Coroutine[Any, Any, T]) -> T:
    """What the coroutine comes to, working for ``user``."""
    token = CHARGED_USER.set(user)
    try:
        return await coroutine
    finally:
        CHARGED_USER.reset(token)
