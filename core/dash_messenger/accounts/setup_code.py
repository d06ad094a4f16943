"""The set-up code: who signs up with it becomes the first admin of a server.

Owns the code, which is made at each start and stands in memory only. Must not know how it is shown.
Invariant: it is good for one account, and for none once there is an admin, whoever made that one.
"""

from __future__ import annotations

import hmac
import secrets

from sqlalchemy import Connection, select

from dash_messenger.accounts.typed_codes import CHARACTERS, in_groups, plain_code
from dash_messenger.errors import SetupCodeWrong
from dash_messenger.store import Store
from dash_messenger.store.tables import users

__all__ = ["SetupCode", "refuse_second_admin"]

# 59 bits.
CODE_CHARACTERS = 12


class SetupCode:
    """The code of one server, from one start to the next."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._code: str | None = _new_code()

    async def current(self) -> str | None:
        """The code, or None once there is an admin."""
        # The command line may add one while the server runs; none is ever taken away.
        if self._code is not None and await self._store.read(_has_admin):
            self._code = None
        return self._code

    async def check(self, typed: str) -> None:
        """Return if ``typed`` is the code, as people type it.

        Raises:
            SetupCodeWrong: it is not, or there is an admin.
        """
        code = await self.current()
        # As much is compared once there is none.
        fits = hmac.compare_digest(
            plain_code(typed).encode(), plain_code(code or _new_code()).encode()
        )
        if code is None or not fits:
            raise SetupCodeWrong(field="setup_code")


def refuse_second_admin(connection: Connection) -> None:
    """Return if there is no admin yet; asked where the first one is written.

    Raises:
        SetupCodeWrong: somebody else was faster.
    """
    if _has_admin(connection):
        raise SetupCodeWrong(field="setup_code")


def _has_admin(connection: Connection) -> bool:
    query = select(users.c.id).where(users.c.role == "admin").limit(1)
    return connection.execute(query).first() is not None


def _new_code() -> str:
    return in_groups("".join(secrets.choice(CHARACTERS) for _ in range(CODE_CHARACTERS)))
