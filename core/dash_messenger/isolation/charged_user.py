"""Whom the running task works for: who asked is charged for what it costs.

Owns one context variable, which tasks inherit from who starts them. Must not know what is charged.
"""

from __future__ import annotations

from collections.abc import Coroutine, Iterator
from contextlib import contextmanager
from contextvars import ContextVar
from typing import Any, TypeVar

__all__ = ["charged_user", "charging", "working_for"]

T = TypeVar("T")

_USER: ContextVar[str | None] = ContextVar("charged_user", default=None)


def charged_user() -> str | None:
    """The user for whom the running task works, or None: nobody asked for it."""
    return _USER.get()


@contextmanager
def charging(user: str | None) -> Iterator[None]:
    """Work for ``user`` inside, with the tasks that are started there."""
    token = _USER.set(user)
    try:
        yield
    finally:
        _USER.reset(token)


async def working_for(user: str | None, coroutine: Coroutine[Any, Any, T]) -> T:
    """What the coroutine comes to, working for ``user``."""
    with charging(user):
        return await coroutine
