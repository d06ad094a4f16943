"""Privacy settings: who may find one, write to one, see what, and for whom it is otherwise.

Owns the commands; the rows are `privacy_rows`', what follows from them is `policy`'s. Exceptions
are told and set person by person, as they are thought of and shown: a card of somebody has theirs.
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import Connection

from dash_messenger.accounts.directory import (
    MAX_NAME_CHARACTERS,
    Name,
    find_other,
    own_user,
    users_by_id,
)
from dash_messenger.accounts.privacy_rows import (
    SETTINGS,
    count_excepted,
    except_person,
    exceptions_for,
    exceptions_page,
    log_end,
    privacy_of,
    put_privacy,
)
from dash_messenger.errors import TooManyExceptions
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import Audience, Exceptions, Exempt, Privacy, User
from dash_messenger.store import Store, Transaction

__all__ = ["PrivacySettings"]

MAX_EXCEPTIONS_PAGE = 200
MAX_EXCEPTED = 5_000
# Before the first.
_FIRST = "0" * 32

Id = Annotated[str, Meta(max_length=64)]
Somebody = Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]


class PrivacyGet(Struct, frozen=True, forbid_unknown_fields=True):
    """``privacy.get`` has no parameters."""


class PrivacyUpdate(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``privacy.update``: what is left out stays as it is."""

    find: Audience | UnsetType = UNSET
    message: Audience | UnsetType = UNSET
    requests: Audience | UnsetType = UNSET
    add: Audience | UnsetType = UNSET
    email: Audience | UnsetType = UNSET
    photo: Audience | UnsetType = UNSET
    last_seen: Audience | UnsetType = UNSET
    receipts: Audience | UnsetType = UNSET
    typing: Audience | UnsetType = UNSET


class PrivacyNow(Struct, frozen=True):
    """One's settings, as new as event ``seq`` of one's own log."""

    privacy: Privacy
    seq: int


class PrivacyExcept(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``privacy.except``: an id or user name, and the settings that are meant.

    ``allow`` and ``deny`` hold for this person whatever the setting says, null takes that back.
    """

    user: Somebody
    find: Exempt | UnsetType | None = UNSET
    message: Exempt | UnsetType | None = UNSET
    requests: Exempt | UnsetType | None = UNSET
    add: Exempt | UnsetType | None = UNSET
    email: Exempt | UnsetType | None = UNSET
    photo: Exempt | UnsetType | None = UNSET
    last_seen: Exempt | UnsetType | None = UNSET
    receipts: Exempt | UnsetType | None = UNSET
    typing: Exempt | UnsetType | None = UNSET


class ExceptionsNow(Struct, frozen=True):
    """Result of ``privacy.except``; ``exceptions`` is null where there is none."""

    user: User
    exceptions: Exceptions | None


class PrivacyExceptions(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``privacy.exceptions``; ``after`` is the last ``user`` of the page before."""

    after: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_EXCEPTIONS_PAGE)] = MAX_EXCEPTIONS_PAGE


class ExceptionsFound(Struct, frozen=True):
    """Result of ``privacy.exceptions``, in the order of ids.

    It is as new as event ``seq`` of one's own log.
    """

    exceptions: list[Exceptions]
    users: dict[str, Name]
    more: bool
    seq: int


class PrivacySettings:
    """The commands of family ``privacy``. ``introduce`` is told of whom others see otherwise."""

    def __init__(self, store: Store, introduce: Callable[[User], None]) -> None:
        self._store = store
        self._introduce = introduce

    def commands(self) -> list[Command]:
        """What a client may ask about privacy."""
        return [
            Command(
                "privacy.get",
                PrivacyGet,
                PrivacyNow,
                self.get,
                "Who may find one, write to one, and see what.",
                rate="cheap read",
            ),
            Command(
                "privacy.update",
                PrivacyUpdate,
                PrivacyNow,
                self.update,
                "Change who may find one, write to one, and see what.",
                rate="change",
            ),
            Command(
                "privacy.except",
                PrivacyExcept,
                ExceptionsNow,
                self.exclude,
                "Let somebody, or do not, whatever one's settings say.",
                rate="change",
            ),
            Command(
                "privacy.exceptions",
                PrivacyExceptions,
                ExceptionsFound,
                self.exceptions,
                "For whom one's settings do not hold, a page at a time.",
                rate="cheap read",
            ),
        ]

    async def get(self, caller: Caller, params: PrivacyGet) -> PrivacyNow:
        """What holds now, be it one's own choice or the server's default."""
        user = caller.user_id
        return await self._store.read(lambda connection: _now(connection, user))

    async def update(self, caller: Caller, params: PrivacyUpdate) -> PrivacyNow:
        """The settings after the change."""
        user = caller.user_id
        wanted = {name: to for name in SETTINGS if (to := getattr(params, name)) is not UNSET}

        def work(transaction: Transaction) -> tuple[set[str], User, PrivacyNow]:
            connection = transaction.connection
            changed = put_privacy(transaction, user, wanted)
            return changed, own_user(connection, user), _now(connection, user)

        changed, own, answer = await self._store.write(work)
        if "photo" in changed:
            self._introduce(own)
        return answer

    async def exclude(self, caller: Caller, params: PrivacyExcept) -> ExceptionsNow:
        """The exceptions for this person after the change.

        Raises:
            UnknownUser: nobody is called so.
            InvalidParams: it is oneself.
            TooManyExceptions: of others.
        """
        user = caller.user_id
        wanted = {name: to for name in SETTINGS if (to := getattr(params, name)) is not UNSET}
        other = await self._store.read(lambda connection: find_other(connection, user, params.user))

        def work(transaction: Transaction) -> tuple[set[str], User, ExceptionsNow]:
            connection = transaction.connection
            if exceptions_for(connection, user, other.id) is None and (
                count_excepted(connection, user, MAX_EXCEPTED) >= MAX_EXCEPTED
            ):
                raise TooManyExceptions(limit=MAX_EXCEPTED)
            changed = except_person(transaction, user, other, wanted)
            now = ExceptionsNow(other, exceptions_for(connection, user, other.id))
            return changed, own_user(connection, user), now

        changed, own, answer = await self._store.write(work)
        if "photo" in changed:
            self._introduce(own)
        return answer

    async def exceptions(self, caller: Caller, params: PrivacyExceptions) -> ExceptionsFound:
        """A page of them, from one snapshot."""
        user = caller.user_id
        after = id_param(params.after, "after") if params.after else _FIRST

        def work(connection: Connection) -> ExceptionsFound:
            found, more = exceptions_page(connection, user, after, params.limit)
            people = users_by_id(connection, user, {one.user for one in found})
            return ExceptionsFound(found, people, more, log_end(connection, user))

        return await self._store.read(work)


def _now(connection: Connection, user: str) -> PrivacyNow:
    return PrivacyNow(privacy_of(connection, user), log_end(connection, user))
