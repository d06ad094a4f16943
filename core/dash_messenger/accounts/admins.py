"""Who is an admin of the server."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, TypeAlias

from sqlalchemy import select

from dash_messenger.store import Store
from dash_messenger.store.tables import users

__all__ = ["Admins", "IsAdmin"]

IsAdmin: TypeAlias = Callable[[str], Awaitable[bool]]


class Admins:
    """Looked up each time: the command line may make one while the server runs."""

    def __init__(self, store: Store) -> None:
        self._store = store

    async def include(self, user: str) -> bool:
        """Whether the user with this id is an admin."""
        query = select(users.c.role).where(users.c.id == user)
        role: Any = await self._store.read(lambda connection: connection.execute(query).scalar())
        return bool(role == "admin")
