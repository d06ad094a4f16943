"""Answers to second factors: asks the factor whether one is right, and sees that it is right once.

Owns the rows of enrolments. Must not know what an answer opens. Invariant: what a factor keeps
after a right answer is stored in the transaction that does what the answer is for, and only if
nobody else answered in the meantime; so one answer does one thing.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple, TypeVar

from sqlalchemy import Connection, insert, select, update

from dash_messenger.accounts.attempts import Attempts
from dash_messenger.accounts.known_places import find_known
from dash_messenger.accounts.security_log import SecurityEvent, note
from dash_messenger.auth.factor_registry import RegisteredFactor, Steps
from dash_messenger.clock import Clock
from dash_messenger.errors import FactorUnavailable, NotFound, WrongAnswer
from dash_messenger.protocol.commands import Caller
from dash_messenger.store import Store, Transaction
from dash_messenger.store.optimistic import Overtaken, retry
from dash_messenger.store.tables import enrolments

__all__ = [
    "Begun",
    "Enrolment",
    "FactorCheck",
    "confirm_enrolment",
    "enrolled",
    "find_begun",
    "put_beginning",
]

T = TypeVar("T")
Work = Callable[[Transaction], T]


class Enrolment(NamedTuple):
    """A factor that a user has set up."""

    user: str
    factor: str
    plugin: str
    rev: int
    kept: str
    confirmed_at_ms: int


class Begun(NamedTuple):
    """A set-up that is not confirmed yet."""

    rev: int
    beginning: str
    begun_at_ms: int
    begun_by: str


def enrolled(connection: Connection, user: str) -> list[Enrolment]:
    """The factors that a user has set up, whether their plugins are there or not."""
    rows = connection.execute(
        select(
            enrolments.c.user_id,
            enrolments.c.factor,
            enrolments.c.plugin,
            enrolments.c.rev,
            enrolments.c.kept,
            enrolments.c.confirmed_at_ms,
        )
        .where(enrolments.c.user_id == user, enrolments.c.kept.is_not(None))
        .order_by(enrolments.c.factor)
    )
    return [Enrolment(*row) for row in rows]


def find_begun(connection: Connection, user: str, factor: str) -> Begun | None:
    """The set-up of a factor that a user has begun, or None."""
    row: Any = connection.execute(
        select(
            enrolments.c.rev,
            enrolments.c.beginning,
            enrolments.c.begun_at_ms,
            enrolments.c.begun_by,
        ).where(
            enrolments.c.user_id == user,
            enrolments.c.factor == factor,
            enrolments.c.beginning.is_not(None),
        )
    ).first()
    return None if row is None else Begun(*row)


def put_beginning(
    transaction: Transaction, user: str, one: RegisteredFactor, beginning: str, session: str
) -> None:
    """Keep a set-up that has begun beside what is in force."""
    values = {"beginning": beginning, "begun_at_ms": transaction.now_ms, "begun_by": session}
    changed = transaction.connection.execute(
        update(enrolments)
        .where(enrolments.c.user_id == user, enrolments.c.factor == one.name)
        .values(rev=enrolments.c.rev + 1, **values)
    )
    if changed.rowcount == 0:
        transaction.connection.execute(
            insert(enrolments).values(
                user_id=user, factor=one.name, plugin=one.plugin, rev=1, **values
            )
        )


def confirm_enrolment(
    transaction: Transaction, user: str, one: RegisteredFactor, begun: Begun, kept: str
) -> None:
    """Put a confirmed set-up in force instead of what was.

    Raises:
        Overtaken: the row has changed since it was read; nothing is stored.
    """
    changed = transaction.connection.execute(
        update(enrolments)
        .where(
            enrolments.c.user_id == user,
            enrolments.c.factor == one.name,
            enrolments.c.rev == begun.rev,
        )
        .values(
            plugin=one.plugin,
            rev=begun.rev + 1,
            kept=kept,
            confirmed_at_ms=transaction.now_ms,
            beginning=None,
            begun_at_ms=None,
            begun_by=None,
        )
    )
    if changed.rowcount != 1:
        raise Overtaken


class FactorCheck:
    """Checks answers and uses them up."""

    def __init__(self, store: Store, steps: Steps, attempts: Attempts, clock: Clock) -> None:
        self._store = store
        self._steps = steps
        self._attempts = attempts
        self._clock = clock

    async def enrolled(self, user: str) -> list[Enrolment]:
        """The factors that a user has set up."""
        return await self._store.read(lambda connection: enrolled(connection, user))

    def available(self, found: list[Enrolment]) -> list[RegisteredFactor]:
        """Those that can be asked for.

        Raises:
            FactorUnavailable: some are set up, and none of them can be.
        """
        there = [self._steps.factor(one.factor, one.plugin) for one in found]
        if found and not any(there):
            raise FactorUnavailable
        return [one for one in there if one is not None]

    async def spend(
        self,
        user: str,
        factor: str,
        answer: object,
        caller: Caller,
        then: Callable[[], Awaitable[Work[T]]],
    ) -> T:
        """What the work did that ``then`` gives, done with the answer's being used up.

        ``then`` is called once the answer is known to be right, outside of any transaction; it, and
        the work, may run again when somebody else was faster.

        Raises:
            WrongAnswer: it is wrong, or was used before.
            NotFound: the factor is not set up.
            FactorUnavailable, CheckFailed, RateLimited: it cannot be checked.
            Busy: others answered faster, again and again.
        """
        registered = self._steps.factor(factor)
        if registered is None:
            raise FactorUnavailable
        known = await self._store.read(
            lambda connection: find_known(connection, user, caller.where)
        )
        counted = (user, await self._steps.counter(registered, answer), caller.where, known)
        self._attempts.answer(*counted)

        async def attempt() -> T:
            found = await self.enrolled(user)
            enrolment = next((one for one in found if one.factor == factor), None)
            if enrolment is None:
                raise NotFound
            if enrolment.plugin != registered.plugin:
                raise FactorUnavailable
            try:
                kept = await self._steps.verify(registered, enrolment.kept, answer, self._clock())
                if kept is None:
                    raise WrongAnswer
            except WrongAnswer as wrong:
                note(SecurityEvent.CODE_WRONG, caller, user=user, factor=factor)
                raise WrongAnswer(**{**wrong.params, "step": factor}) from None
            work = await then()
            return await self._store.write(_spending(enrolment, kept, work))

        done = await retry(attempt)
        self._attempts.answered(*counted)
        return done


def _spending(enrolment: Enrolment, kept: str, work: Work[T]) -> Work[T]:
    def spend(transaction: Transaction) -> T:
        changed = transaction.connection.execute(
            update(enrolments)
            .where(
                enrolments.c.user_id == enrolment.user,
                enrolments.c.factor == enrolment.factor,
                enrolments.c.rev == enrolment.rev,
            )
            .values(rev=enrolment.rev + 1, kept=kept)
        )
        if changed.rowcount != 1:
            raise Overtaken
        return work(transaction)

    return spend
