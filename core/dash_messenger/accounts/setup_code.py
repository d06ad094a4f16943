"""The set-up code: who signs up with it becomes the first admin of a server.

Owns the code, which is made at each start and stands in memory only. Must not know how it is shown.
Invariant: it is good for one account, and for none once there is an admin, whoever made that one.
"""

from __future__ import annotations

import hmac
import secrets
import unicodedata

from sqlalchemy import Connection, select

from dash_messenger.errors import SetupCodeWrong
from dash_messenger.store import Store
from dash_messenger.store.tables import users

__all__ = ["SetupCode", "refuse_second_admin"]

# Nothing that looks like something else. 12 of them are 59 bits.
CHARACTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
GROUPS, GROUP_CHARACTERS = 3, 4


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
        fits = hmac.compare_digest(_plain(typed).encode(), _plain(code or _new_code()).encode())
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
    return "-".join(
        "".join(secrets.choice(CHARACTERS) for _ in range(GROUP_CHARACTERS)) for _ in range(GROUPS)
    )


def _plain(code: str) -> str:
    """``code`` without what stands between its parts, in upper case."""
    folded = unicodedata.normalize("NFKC", code).upper()
    # Digits may be those of another keyboard.
    typed = "".join(str(unicodedata.decimal(c, c)) for c in folded)
    return "".join(c for c in typed if c.isascii() and c.isalnum())
