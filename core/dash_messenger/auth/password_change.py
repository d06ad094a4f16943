"""Changing a password, by its owner or by an admin.

Owns the command ``account.change_password``. Must not know how passwords are hashed or judged.
Invariant: with the change, in one transaction, the sessions that the old password opened end, the
one that asks excepted, and so do log-ins that wait; their sockets close before it is acknowledged.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import update

from dash_messenger.accounts.accounts import Accounts
from dash_messenger.accounts.passwords import Passwords
from dash_messenger.accounts.security_log import SecurityEvent, note
from dash_messenger.auth.sessions import Closer, close_sessions_of
from dash_messenger.errors import CloseCode, WrongPassword
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.store import Store, Transaction
from dash_messenger.store.tables import users

__all__ = ["PasswordChange", "store_password"]

BECAUSE = "password changed"

AnyText = Annotated[str, Meta(max_length=1024)]


class ChangePassword(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``account.change_password``."""

    old: AnyText
    new: AnyText


class PasswordChanged(Struct, frozen=True):
    """Result of ``account.change_password``: how many other sessions were closed."""

    sessions_closed: int


class PasswordChange:
    """The command."""

    def __init__(
        self, store: Store, accounts: Accounts, passwords: Passwords, closer: Closer
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._passwords = passwords
        self._closer = closer

    def commands(self) -> list[Command]:
        """What a user may ask about their password."""
        return [
            Command(
                "account.change_password",
                ChangePassword,
                PasswordChanged,
                self.change,
                "Change one's password. Ends other sessions.",
                rate="change",
            )
        ]

    async def change(self, caller: Caller, params: ChangePassword) -> PasswordChanged:
        """Put a new password in force; every other session of its owner is closed.

        Raises:
            WrongPassword: the old one is wrong, or was changed a moment ago; it counts as a guess.
            PasswordUnacceptable: the new one, by the rules of registration.
            RateLimited: too many tries.
        """
        proven = await self._accounts.prove_again(caller, params.old, field="old")
        self._accounts.judge(params.new, proven.user.username, field="new")
        password_hash = await self._passwords.hash(params.new)

        def work(transaction: Transaction) -> list[str]:
            return store_password(
                transaction,
                proven.user.id,
                password_hash,
                keep=caller.session,
                proven_rev=proven.password_rev,
            )

        closed = await self._store.write(work)
        self._closer.close_sessions(closed, CloseCode.SESSION_CLOSED)
        note(SecurityEvent.PASSWORD_CHANGED, caller)
        return PasswordChanged(len(closed))


def store_password(
    transaction: Transaction,
    user: str,
    password_hash: str,
    *,
    keep: str | None = None,
    proven_rev: int | None = None,
) -> list[str]:
    """Replace the hash of a user's password and close their sessions but ``keep``: which.

    Raises:
        WrongPassword: ``proven_rev`` is not in force any more; nothing is stored.
    """
    still = () if proven_rev is None else (users.c.password_rev == proven_rev,)
    changed = transaction.connection.execute(
        update(users)
        .where(users.c.id == user, *still)
        .values(password_hash=password_hash, password_rev=users.c.password_rev + 1)
    )
    if changed.rowcount != 1:
        raise WrongPassword(field="old")
    return close_sessions_of(transaction, user, BECAUSE, keep=keep)
