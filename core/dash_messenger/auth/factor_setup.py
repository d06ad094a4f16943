"""Setting second factors up and taking them away.

Owns the family ``factor``. Invariants: a change needs the password again, and an answer to a factor
that is set up, if there is one; it ends the user's other sessions and all log-ins that wait before
it is acknowledged; what a factor keeps is never sent.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Annotated, Any, TypeVar

import msgspec
from msgspec import UNSET, Meta, Raw, Struct, UnsetType
from sqlalchemy import delete

from dash_messenger.accounts.accounts import Accounts
from dash_messenger.accounts.attempts import Attempts
from dash_messenger.accounts.security_log import SecurityEvent, note
from dash_messenger.auth.factor_check import (
    Begun,
    Enrolment,
    FactorCheck,
    Work,
    confirm_enrolment,
    enrolled,
    find_begun,
    put_beginning,
)
from dash_messenger.auth.factor_registry import RegisteredFactor, Steps
from dash_messenger.auth.sessions import Closer, close_sessions_of
from dash_messenger.clock import Clock
from dash_messenger.errors import (
    AnswerNeeded,
    CloseCode,
    InvalidParams,
    NotFound,
    SetupEnded,
    WrongAnswer,
)
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.store import Store, Transaction
from dash_messenger.store.optimistic import retry
from dash_messenger.store.tables import enrolments

__all__ = ["FactorSetup", "forget_factors"]

# Time to install an app on the phone.
SETUP_MS = 1_800_000
BECAUSE = "second factor changed"
# The counter of answers that confirm a set-up; the codes of one in force have theirs.
SET_UP = "set-up"

Name = Annotated[str, Meta(max_length=64)]
Password = Annotated[str, Meta(max_length=1024)]

T = TypeVar("T")


class FactorList(Struct, frozen=True, forbid_unknown_fields=True):
    """``factor.list`` has no parameters."""


class FactorInfo(Struct, frozen=True):
    """A second factor: one that can be set up, or that one has set up.

    ``available`` is false where it is set up and its plugin is not there; ``answer`` is a JSON
    Schema, ``details`` what the plugin tells of a factor that is set up.
    """

    factor: str
    plugin: str
    available: bool
    confirmed_at_ms: int | None
    details: dict[str, Any]
    answer: dict[str, Any] | None


class FactorsFound(Struct, frozen=True):
    """Result of ``factor.list``."""

    factors: list[FactorInfo]


class FactorBegin(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``factor.begin``.

    Where a factor is set up already, ``answer`` answers it; ``by`` names which one, where there are
    several and it is not this one.
    """

    factor: Name
    password: Password
    answer: Raw | UnsetType = UNSET
    by: Name | None = None


class FactorBegun(Struct, frozen=True):
    """Result of ``factor.begin``: ``shown`` is for the owner's eyes, this once."""

    factor: str
    shown: dict[str, Any]
    answer: dict[str, Any]
    expires_at_ms: int


class FactorConfirm(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``factor.confirm``: an answer that shows that the set-up worked."""

    factor: Name
    answer: Raw


class FactorConfirmed(Struct, frozen=True):
    """Result of ``factor.confirm``: ``shown`` is for the owner's eyes, this once."""

    factor: str
    shown: dict[str, Any]
    sessions_closed: int


class FactorRemove(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``factor.remove``; as those of ``factor.begin``."""

    factor: Name
    password: Password
    answer: Raw | UnsetType = UNSET
    by: Name | None = None


class FactorRemoved(Struct, frozen=True):
    """Result of ``factor.remove``."""

    factor: str
    sessions_closed: int


class FactorSetup:
    """The commands of family ``factor``."""

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        closer: Closer,
        answering: FactorCheck,
        steps: Steps,
        attempts: Attempts,
        clock: Clock,
    ) -> None:
        self._store = store
        self._accounts = accounts
        self._closer = closer
        self._factor_check = answering
        self._steps = steps
        self._attempts = attempts
        self._clock = clock

    def commands(self) -> list[Command]:
        """What a user may ask about their own second factors."""
        return [
            Command(
                "factor.list",
                FactorList,
                FactorsFound,
                self.list_factors,
                "The second factors there are, and those that one has set up.",
                rate="cheap read",
            ),
            Command(
                "factor.begin",
                FactorBegin,
                FactorBegun,
                self.begin,
                "Begin to set a second factor up, or to set it up again.",
                rate="change",
            ),
            Command(
                "factor.confirm",
                FactorConfirm,
                FactorConfirmed,
                self.confirm,
                "Show that the set-up worked: from now on it is asked for. Ends other sessions.",
                rate="change",
            ),
            Command(
                "factor.remove",
                FactorRemove,
                FactorRemoved,
                self.remove,
                "Ask for a second factor no longer. Ends other sessions.",
                rate="change",
            ),
        ]

    async def list_factors(self, caller: Caller, params: FactorList) -> FactorsFound:
        """The factors of the plugins that are there, then those whose plugin is not."""
        found = {one.factor: one for one in await self._factor_check.enrolled(caller.user_id)}
        there = [await self._info(one, found.pop(one.name, None)) for one in self._steps]
        missing = [
            FactorInfo(one.factor, one.plugin, False, one.confirmed_at_ms, {}, None)
            for one in found.values()
        ]
        return FactorsFound([*there, *missing])

    async def _info(self, one: RegisteredFactor, enrolment: Enrolment | None) -> FactorInfo:
        schema = msgspec.json.schema(one.factor.Answer)
        if enrolment is None:
            return FactorInfo(one.name, one.plugin, True, None, {}, schema)
        if enrolment.plugin != one.plugin:
            return FactorInfo(
                one.name, enrolment.plugin, False, enrolment.confirmed_at_ms, {}, None
            )
        details = await self._steps.describe(one, enrolment.kept)
        return FactorInfo(one.name, one.plugin, True, enrolment.confirmed_at_ms, details, schema)

    async def begin(self, caller: Caller, params: FactorBegin) -> FactorBegun:
        """What the owner needs to set the factor up; nothing changes before `confirm`.

        Raises:
            NotFound: there is no such factor.
            WrongPassword, WrongAnswer: it is not shown that the owner asks.
            AnswerNeeded: a factor is set up, and ``answer`` is missing.
            FactorUnavailable, CheckFailed: it cannot be checked.
            RateLimited: too many tries.
        """
        one = self._registered(params.factor)
        proven = await self._accounts.prove_again(caller, params.password)
        user = proven.user
        expires_at_ms = self._clock() + SETUP_MS

        async def then() -> Work[dict[str, Any]]:
            beginning, shown = await self._steps.begin(one, user)

            def work(transaction: Transaction) -> dict[str, Any]:
                put_beginning(transaction, user.id, one, beginning, caller.session or "")
                return shown

            return work

        shown = await self._with_proof(caller, params, then)
        schema = msgspec.json.schema(one.factor.Answer)
        return FactorBegun(one.name, shown, schema, expires_at_ms)

    async def confirm(self, caller: Caller, params: FactorConfirm) -> FactorConfirmed:
        """What the owner is shown once; every other session of theirs is closed.

        Raises:
            NotFound: there is no such factor.
            SetupEnded: nothing was begun in this session, or it took too long.
            WrongAnswer: the answer is wrong; the set-up goes on.
            CheckFailed: it cannot be checked.
            RateLimited: too many answers.
        """
        one, user, session = self._registered(params.factor), caller.user_id, caller.session
        answer = self._steps.read(one.name, params.answer)
        self._attempts.answer(user, SET_UP, caller.where)

        async def attempt() -> tuple[dict[str, Any], list[str]]:
            begun = await self._store.read(lambda c: find_begun(c, user, one.name))
            now_ms = self._clock()
            if begun is None or begun.begun_by != session or begun.begun_at_ms + SETUP_MS <= now_ms:
                raise SetupEnded
            try:
                confirmed = await self._steps.confirm(one, begun.beginning, answer, now_ms)
                if confirmed is None:
                    raise WrongAnswer
            except WrongAnswer as wrong:
                note(SecurityEvent.CODE_WRONG, caller, factor=one.name)
                raise WrongAnswer(**{**wrong.params, "step": one.name}) from None
            kept, shown = confirmed
            return shown, await self._store.write(_confirming(user, one, begun, kept, session))

        shown, closed = await retry(attempt)
        self._attempts.answered(user, SET_UP, caller.where)
        self._closer.close_sessions(closed, CloseCode.SESSION_CLOSED)
        note(SecurityEvent.FACTOR_SET_UP, caller, factor=one.name)
        return FactorConfirmed(one.name, shown, len(closed))

    async def remove(self, caller: Caller, params: FactorRemove) -> FactorRemoved:
        """The factor is asked for no longer; every other session of its owner is closed.

        Raises:
            NotFound: it is not set up.
            WrongPassword, WrongAnswer, AnswerNeeded: as `begin`.
            FactorUnavailable, CheckFailed, RateLimited: as `begin`.
        """
        user = caller.user_id
        await self._accounts.prove_again(caller, params.password)
        mine = (enrolments.c.user_id == user, enrolments.c.factor == params.factor)

        def work(transaction: Transaction) -> list[str]:
            gone = transaction.connection.execute(
                delete(enrolments).where(*mine, enrolments.c.kept.is_not(None))
            )
            if gone.rowcount != 1:
                raise NotFound
            return _end_others(transaction, user, caller.session)

        async def then() -> Work[list[str]]:
            return work

        closed = await self._with_proof(caller, params, then)
        self._closer.close_sessions(closed, CloseCode.SESSION_CLOSED)
        note(SecurityEvent.FACTOR_REMOVED, caller, factor=params.factor)
        return FactorRemoved(params.factor, len(closed))

    def _registered(self, name: str) -> RegisteredFactor:
        one = self._steps.factor(name)
        if one is None:
            raise NotFound
        return one

    async def _with_proof(
        self,
        caller: Caller,
        params: FactorBegin | FactorRemove,
        then: Callable[[], Awaitable[Work[T]]],
    ) -> T:
        """What the work did, once a factor was answered; at once if none is set up."""
        user = caller.user_id
        found = await self._factor_check.enrolled(user)
        available = [one.name for one in self._factor_check.available(found)]
        if not found:
            return await self._store.write(_unless_enrolled(user, await then()))
        if params.by is not None and params.by not in available:
            raise InvalidParams(field="by", reason="is not set up")
        if params.answer is UNSET:
            raise AnswerNeeded(factors=available)
        by = params.by or (params.factor if params.factor in available else available[0])
        answer = self._steps.read(by, params.answer)
        return await self._factor_check.spend(user, by, answer, caller, then)


def _confirming(
    user: str, one: RegisteredFactor, begun: Begun, kept: str, session: str | None
) -> Work[list[str]]:
    def work(transaction: Transaction) -> list[str]:
        confirm_enrolment(transaction, user, one, begun, kept)
        return _end_others(transaction, user, session)

    return work


def forget_factors(transaction: Transaction, user: str) -> tuple[list[str], list[str]]:
    """Take away all second factors of a user who has lost them: which, and the closed sessions."""
    gone = transaction.connection.execute(
        delete(enrolments).where(enrolments.c.user_id == user).returning(enrolments.c.factor)
    )
    factors = [row[0] for row in gone]
    return factors, _end_others(transaction, user, None)


def _end_others(transaction: Transaction, user: str, keep: str | None) -> list[str]:
    return close_sessions_of(transaction, user, BECAUSE, keep=keep)


def _unless_enrolled(user: str, work: Work[T]) -> Work[T]:
    def alone(transaction: Transaction) -> T:
        found = enrolled(transaction.connection, user)
        if found:
            raise AnswerNeeded(factors=[one.factor for one in found])
        return work(transaction)

    return alone
