"""Signing up: making an account of one's own, the first admin's by the set-up code.

Must not know how an account is stored. Invariant: only the set-up code makes an admin, and it does
where registration is closed too.
"""

from __future__ import annotations

from msgspec import Struct

from dash_messenger.accounts.accounts import Accounts, AnyText
from dash_messenger.accounts.attempts import Attempts
from dash_messenger.accounts.security_log import SecurityEvent, note
from dash_messenger.accounts.setup_code import SetupCode, refuse_second_admin
from dash_messenger.errors import Forbidden, SetupCodeWrong
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import User
from dash_messenger.settings import Settings

__all__ = ["SignUp"]


class Register(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``account.register``. Without a display name, the user name is shown.

    ``setup_code`` is what a server without an admin says at its start: with it the account is its
    first admin's.
    """

    username: AnyText
    password: AnyText
    display_name: AnyText | None = None
    setup_code: AnyText | None = None


class Registered(Struct, frozen=True):
    """Result of ``account.register``."""

    user: User


class SignUp:
    """The command ``account.register``."""

    def __init__(
        self, accounts: Accounts, attempts: Attempts, settings: Settings, setup_code: SetupCode
    ) -> None:
        self._accounts = accounts
        self._attempts = attempts
        self._settings = settings
        self._setup_code = setup_code

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "account.register",
                Register,
                Registered,
                self.register,
                "Make an account.",
                access="anonymous",
                rate="anonymous",
            )
        ]

    async def register(self, caller: Caller, params: Register) -> Registered:
        """A new account, where registration is open, or the first admin's.

        Raises:
            UsernameInvalid, UsernameTaken, PasswordUnacceptable, RateLimited, Forbidden.
            SetupCodeWrong: nothing was made.
        """
        role, check = "member", None
        if params.setup_code is not None:
            role, check = "admin", refuse_second_admin
        elif self._settings.registration != "open":
            raise Forbidden(reason="registration is closed")
        self._attempts.register(caller.where)
        if params.setup_code is not None:
            await self._check_setup_code(caller, params.setup_code)
        user = await self._accounts.create(
            params.username,
            params.password,
            display_name=params.display_name,
            role=role,
            check=check,
        )
        note(SecurityEvent.REGISTERED, caller, user=user.id, role=role)
        return Registered(user)

    async def _check_setup_code(self, caller: Caller, typed: str) -> None:
        self._attempts.set_up(caller.where)
        try:
            await self._setup_code.check(typed)
        except SetupCodeWrong:
            note(SecurityEvent.SETUP_CODE_WRONG, caller)
            raise
        self._attempts.setup_begun(caller.where)
