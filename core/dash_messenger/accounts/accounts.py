"""Accounts: storing one, proving that it is one's own, changing what it shows.

Must not know sessions. Invariant: user names are
unique without regard to case, for ever.
"""

from __future__ import annotations

from collections.abc import Callable, Container
from dataclasses import dataclass
from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import Connection, insert, select, update
from sqlalchemy.exc import IntegrityError

from dash_messenger.accounts.attempts import Attempts, Known
from dash_messenger.accounts.avatars import MakePhoto, no_photos
from dash_messenger.accounts.known_places import find_known
from dash_messenger.accounts.names import (
    USERNAME,
    clean_display_name,
    clean_username,
    username_key,
)
from dash_messenger.accounts.passwords import Passwords, check_password
from dash_messenger.accounts.security_log import SecurityEvent, note
from dash_messenger.blobs.referrers import refer_instead
from dash_messenger.errors import (
    AccountDeactivated,
    InvalidParams,
    NotFound,
    UnknownUser,
    UsernameInvalid,
    UsernameTaken,
    WrongCredentials,
    WrongPassword,
)
from dash_messenger.ids import IdMaker
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.events import AccountUpdated
from dash_messenger.protocol.models import User
from dash_messenger.settings import Settings
from dash_messenger.store import Store, Transaction
from dash_messenger.store.rows import USER_COLUMNS, user_of
from dash_messenger.store.tables import users
from dash_messenger.store.user_words import put_words

__all__ = ["Account", "Accounts", "AnyText", "Credentials", "find_user"]


# Bounds the work before a rule with a sentence of its own looks at it.
AnyText = Annotated[str, Meta(max_length=1024)]


class AccountGet(Struct, frozen=True, forbid_unknown_fields=True):
    """``account.get`` has no parameters."""


class AccountUpdate(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``account.update``: what is left out stays as it is.

    ``language`` is a tag such as ``ru``, ``theme`` a theme's name; null goes by the browser.
    ``photo`` is an upload of one's own, from which what others see is made; null removes it.
    """

    display_name: AnyText | UnsetType = UNSET
    language: (
        Annotated[str, Meta(pattern="^[a-z]{2,3}(-[A-Z]{2})?$", max_length=6)] | UnsetType | None
    ) = UNSET
    theme: Annotated[str, Meta(pattern="^[a-z][a-z0-9_.-]{0,31}$")] | UnsetType | None = UNSET
    photo: Annotated[str, Meta(max_length=64)] | UnsetType | None = UNSET


class Account(Struct, frozen=True):
    """One's own account, as only its owner sees it."""

    user: User
    role: str
    language: str | None
    theme: str | None


@dataclass(frozen=True, slots=True)
class Credentials:
    """A user who proved to know the password; ``password_rev`` counts how often it was changed.

    ``known`` is how they are known at the place from which they ask.
    """

    user: User
    username_key: str
    password_rev: int
    known: Known


class Accounts:
    """The commands of family ``account``, and the check of a password."""

    def __init__(
        self,
        store: Store,
        passwords: Passwords,
        attempts: Attempts,
        settings: Settings,
        themes: Container[str] = ("light", "dark"),
        make_photo: MakePhoto = no_photos,
        introduce: Callable[[User], None] = lambda user: None,
    ) -> None:
        self._store = store
        self._passwords = passwords
        self._attempts = attempts
        self._settings = settings
        self._themes = themes
        self._make_photo = make_photo
        self._introduce = introduce
        self._new_id = IdMaker()

    def commands(self) -> list[Command]:
        """What a client may ask about accounts."""
        return [
            Command(
                "account.get",
                AccountGet,
                Account,
                self.get,
                "One's own account.",
                rate="cheap read",
            ),
            Command(
                "account.update",
                AccountUpdate,
                Account,
                self.update,
                "Change one's account.",
                rate="change",
            ),
        ]

    async def create(
        self,
        username: str,
        password: str,
        *,
        display_name: str | None = None,
        role: str = "member",
        check: Callable[[Connection], None] | None = None,
    ) -> User:
        """A new account, whoever asks for it.

        ``check`` is called in the transaction that writes it, and may raise.

        Raises:
            UsernameInvalid, UsernameTaken, PasswordUnacceptable.
        """
        username = clean_username(username)
        if not USERNAME.fullmatch(username):
            raise UsernameInvalid(field="username")
        name = username if display_name is None else clean_display_name(display_name)
        name = name or username
        self.judge(password, username)
        key = username.lower()
        if await self._store.read(lambda connection: _taken(connection, key)):
            raise UsernameTaken(field="username")
        password_hash = await self._passwords.hash(password)
        user = User(self._new_id(), username, name)

        def work(transaction: Transaction) -> None:
            if _taken(transaction.connection, key):
                raise UsernameTaken(field="username")
            if check is not None:
                check(transaction.connection)
            try:
                transaction.connection.execute(
                    insert(users).values(
                        id=user.id,
                        username=username,
                        username_key=key,
                        display_name=name,
                        password_hash=password_hash,
                        role=role,
                        seq=0,
                        created_at_ms=transaction.now_ms,
                    )
                )
            except IntegrityError:
                raise UsernameTaken(field="username") from None
            put_words(transaction.connection, user.id, username, name)

        await self._store.write(work)
        return user

    def judge(self, password: str, username: str, *, field: str = "password") -> None:
        """Return if ``password`` may protect the account of that name.

        Raises:
            PasswordUnacceptable: it may not; ``field`` is named.
        """
        check_password(password, username, self._settings.password_min_length, field=field)

    async def prove(self, username: str, password: str, caller: Caller) -> Credentials:
        """The user of that name, if the password is theirs.

        Takes as long for a user name that nobody has (OWASP ASVS 5.0, 6.3.8). That an account is
        deactivated is told to whoever knows its password, and to nobody else.

        Raises:
            WrongCredentials: no such user, or another password.
            AccountDeactivated: the password is right, but an admin has shut this account.
            RateLimited: too many tries.
        """
        key = username_key(username)
        place = caller.where

        def look(connection: Connection) -> tuple[Any, Known]:
            row = _find(connection, key)
            return row, find_known(connection, row.id if row else None, place)

        row, known = await self._store.read(look)
        if caller.session is not None and row is not None and row.id == caller.user:
            known = "session"
        counted = (key, place, known, caller.session or "")
        self._attempts.log_in(*counted)
        match = await self._passwords.compare(password, row.password_hash if row else None)
        if row is None or not match.fits:
            found = row.id if row else None
            if known != "session":
                reason = WrongCredentials.key
                note(SecurityEvent.LOGIN_FAILED, caller, user=found, known=known, reason=reason)
            else:
                note(SecurityEvent.PASSWORD_WRONG, caller)
            raise WrongCredentials
        self._attempts.logged_in(*counted)
        if row.deactivated_at_ms is not None:
            reason = AccountDeactivated.key
            note(SecurityEvent.LOGIN_FAILED, caller, user=row.id, known=known, reason=reason)
            raise AccountDeactivated
        if match.outdated:
            await self._rehash(row.id, password, row.password_rev)
        return Credentials(user_of(row), key, row.password_rev, known)

    async def prove_again(
        self, caller: Caller, password: str, *, field: str = "password"
    ) -> Credentials:
        """The user who asks, if the password is theirs; for what a session alone does not allow.

        Raises:
            WrongPassword: it is not; ``field`` is named.
            RateLimited: too many tries.
        """
        user = caller.user_id
        found = await self._store.read(lambda connection: _account(connection, user).user)
        try:
            return await self.prove(found.username, password, caller)
        except WrongCredentials:
            # Not as the log-in says it: clients take that for the end of the session.
            raise WrongPassword(field=field) from None

    async def _rehash(self, user: str, password: str, rev: int) -> None:
        password_hash = await self._passwords.hash(password)
        # A password that was changed meanwhile stays changed.
        change = (
            update(users)
            .where(users.c.id == user, users.c.password_rev == rev)
            .values(password_hash=password_hash)
        )

        def work(transaction: Transaction) -> None:
            transaction.connection.execute(change)

        await self._store.write(work)

    async def get(self, caller: Caller, params: AccountGet) -> Account:
        """One's own account."""
        user = caller.user_id
        return await self._store.read(lambda connection: _account(connection, user))

    async def update(self, caller: Caller, params: AccountUpdate) -> Account:
        """The account after the change; one's other connections hear ``account.updated``.

        Whoever is connected and in a conversation with them hears of another name or photo.

        Raises:
            InvalidParams: the name is empty or too long, or there is no such theme.
            Refused: the upload is not the caller's, no photo, or nothing here makes photos of it.
        """
        user = caller.user_id
        changes: dict[str, str | None] = {}
        if params.display_name is not UNSET:
            name = clean_display_name(params.display_name)
            if not name:
                raise InvalidParams(
                    field="display_name", reason="nothing in it can be seen", rule="invisible"
                )
            changes["display_name"] = name
        if params.language is not UNSET:
            changes["language"] = params.language
        if params.theme is not UNSET:
            if params.theme is not None and params.theme not in self._themes:
                raise InvalidParams(field="theme", reason="there is no such theme")
            changes["theme"] = params.theme
        if params.photo is not UNSET:
            # Last: nothing is made for a request that is refused.
            made = None if params.photo is None else await self._make_photo(user, params.photo)
            changes["photo"] = made

        def work(transaction: Transaction) -> tuple[Account, Account]:
            connection = transaction.connection
            before = _account(connection, user)
            if "photo" in changes:
                refer_instead(transaction, f"user:{user}", before.user.photo, changes["photo"])
            if changes:
                connection.execute(update(users).where(users.c.id == user).values(changes))
            after = _account(connection, user)
            if after.user.display_name != before.user.display_name:
                put_words(connection, user, after.user.username, after.user.display_name)
            if after != before:
                transaction.append(
                    user,
                    user,
                    AccountUpdated(
                        display_name=after.user.display_name,
                        language=after.language,
                        theme=after.theme,
                        photo=after.user.photo,
                    ),
                )
            return before, after

        before, after = await self._store.write(work)
        if after.user != before.user:
            self._introduce(after.user)
        return after


def _taken(connection: Connection, key: str) -> bool:
    return (
        connection.execute(select(users.c.id).where(users.c.username_key == key)).first()
        is not None
    )


def _find(connection: Connection, key: str) -> Any:
    return connection.execute(
        select(
            *USER_COLUMNS, users.c.password_hash, users.c.password_rev, users.c.deactivated_at_ms
        ).where(users.c.username_key == key)
    ).first()


def find_user(connection: Connection, username: str) -> str:
    """The id of the user of that name.

    Raises:
        UnknownUser: there is none.
    """
    row = _find(connection, username_key(username))
    if row is None:
        raise UnknownUser(username=username)
    id: str = row.id
    return id


def _account(connection: Connection, user: str) -> Account:
    row = connection.execute(
        select(*USER_COLUMNS, users.c.role, users.c.language, users.c.theme).where(
            users.c.id == user
        )
    ).first()
    if row is None:
        raise NotFound
    return Account(user_of(row), *row[4:])
