"""Logging in: password, what plugins check, second factor, login steps, session; in this order.

Owns the log-ins that wait for something. Invariants: the token of a waiting log-in opens nothing,
is stored as its SHA-256 and dies with the session it opens, with five wrong answers, or after ten
minutes; no session opens while a second factor that its user has set up is not answered.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from dataclasses import replace
from typing import Annotated, Literal, NoReturn

import msgspec
from msgspec import Meta, Raw, Struct
from sqlalchemy import delete, insert, update

from dash_messenger.accounts.accounts import Accounts
from dash_messenger.accounts.attempts import Known
from dash_messenger.accounts.known_places import remember_place
from dash_messenger.accounts.security_log import SecurityEvent, note
from dash_messenger.auth.factor_check import FactorCheck, Work, enrolled
from dash_messenger.auth.factor_registry import StepAsked, Steps
from dash_messenger.auth.sessions import (
    MAX_USER_AGENT_CHARACTERS,
    SessionOpened,
    Sessions,
)
from dash_messenger.auth.tokens import hash_token, new_token
from dash_messenger.auth.unfinished_logins import (
    WaitingLogin,
    check_password_still,
    count_try,
    find_waiting,
    step_needed,
)
from dash_messenger.clock import Clock
from dash_messenger.errors import (
    InvalidParams,
    LoginEnded,
    NotFound,
    WrongAnswer,
)
from dash_messenger.places import Place
from dash_messenger.plugin_api.checks import Login
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import User
from dash_messenger.store import Store, Transaction
from dash_messenger.store.optimistic import Overtaken, retry
from dash_messenger.store.tables import logins

__all__ = ["Logins"]

# Long enough to fetch the phone from another room and to read some rules.
LOGIN_MS = 600_000
MAX_ADDRESS_CHARACTERS = 64

AnyText = Annotated[str, Meta(max_length=1024)]


class SessionOpen(Struct, frozen=True, forbid_unknown_fields=True, rename={"kind": "as"}):
    """Parameters of ``session.open``: ``as`` a token in the answer, or a cookie (HTTP only).

    Where more than the password is needed, the answer is the failure ``step_needed``; go on with
    ``session.continue``.
    """

    username: AnyText
    password: AnyText
    kind: Literal["token", "cookie"] = "token"


class SessionContinue(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``session.continue``: ``login`` and one of the steps of ``step_needed``.

    ``answer`` fits that step's schema. The result is the session, or ``step_needed`` again with
    what remains.
    """

    login: AnyText
    step: Annotated[str, Meta(max_length=64)]
    answer: Raw


async def _accept(login: Login) -> None:
    """Nobody objects."""


class Logins:
    """The commands ``session.open`` and ``session.continue``.

    ``check`` may refuse a log-in by raising, once the password was right.
    """

    def __init__(
        self,
        store: Store,
        accounts: Accounts,
        sessions: Sessions,
        answering: FactorCheck,
        steps: Steps,
        clock: Clock,
        check: Callable[[Login], Awaitable[None]],
    ) -> None:
        self._check = check
        self._store = store
        self._accounts = accounts
        self._sessions = sessions
        self._factor_check = answering
        self._steps = steps
        self._clock = clock

    def commands(self) -> list[Command]:
        """What a client without a session may ask."""
        return [
            Command(
                "session.open",
                SessionOpen,
                SessionOpened,
                self.open,
                "Log in.",
                access="anonymous",
                rate="anonymous",
            ),
            Command(
                "session.continue",
                SessionContinue,
                SessionOpened,
                self.go_on,
                "Go on with a log-in that needs more than the password.",
                access="anonymous",
                rate="anonymous",
            ),
        ]

    async def open(self, caller: Caller, params: SessionOpen) -> SessionOpened:
        """A new session for whoever knows the password, where nothing else is needed.

        Raises:
            WrongCredentials: without saying whether the user exists.
            AccountDeactivated: the password is right, and the account was deactivated.
            StepNeeded: something else is needed.
            FactorUnavailable: a second factor is set up and its plugin is not there.
            RateLimited: too many tries.
            Refused: a plugin declines this log-in.
        """
        _check_transport(params.kind, caller)
        proven = await self._accounts.prove(params.username, params.password, caller)
        user = proven.user
        await self._check(Login(user.id, user.username, caller.address, caller.user_agent))
        waiting = WaitingLogin(
            user,
            params.kind,
            caller.user_agent[:MAX_USER_AGENT_CHARACTERS],
            caller.address[:MAX_ADDRESS_CHARACTERS],
            self._clock() + LOGIN_MS,
            proven.password_rev,
        )

        async def attempt() -> SessionOpened:
            asked = await self._outstanding(waiting)
            if asked:
                note(SecurityEvent.STEP_ASKED, caller, user=user.id, known=proven.known)
                await self._wait(waiting, asked)
            opened, store = self._open(waiting, caller.where)
            await self._store.write(_without_factors(waiting, store))
            return opened

        opened = await retry(attempt)
        self._tell(caller, opened, proven.known)
        return opened

    async def go_on(self, caller: Caller, params: SessionContinue) -> SessionOpened:
        """The session, if this was all that was needed.

        Raises:
            StepNeeded: something else is needed.
            LoginEnded: no such log-in, or no more; a fifth wrong answer ends it.
            WrongAnswer: the answer to a second factor is wrong; ``left`` more tries.
            InvalidParams: the step is not asked for now, or this is no answer to it.
            FactorUnavailable, CheckFailed, Refused: as `open`.
            RateLimited: too many answers.
        """
        hashed, now_ms = hash_token(params.login), self._clock()
        waiting = await self._store.read(
            lambda connection: find_waiting(connection, params.login, now_ms)
        )
        if waiting is None:
            raise LoginEnded
        _check_transport(waiting.kind, caller)
        asked = {one.step: one for one in await self._outstanding(waiting)}
        step = asked.get(params.step)
        if step is None:
            raise InvalidParams(field="step", reason="is not asked for now")
        answer = self._steps.read(step.step, params.answer)
        left = await self._store.write(lambda transaction: count_try(transaction, hashed, now_ms))

        async def then() -> Work[SessionOpened | list[StepAsked]]:
            return await self._finish(waiting, hashed, step, caller.where)

        if step.kind == "factor":
            done = await self._spend(waiting.user.id, step.step, answer, caller, left, then)
        else:
            await self._steps.answer(step.step, waiting.user, answer)
            done = await self._store.write(await then())
        if isinstance(done, SessionOpened):
            self._tell(caller, done, None)
            return done
        raise step_needed(waiting, done)

    def _open(
        self, waiting: WaitingLogin, place: Place
    ) -> tuple[SessionOpened, Callable[[Transaction], None]]:
        """A new session and the storing of it, with which the place becomes a known one."""
        opened, store = self._sessions.make(waiting.user, waiting.kind, waiting.user_agent)

        def work(transaction: Transaction) -> None:
            store(transaction)
            remember_place(transaction, waiting.user.id, place, device=waiting.kind == "cookie")

        return opened, work

    @staticmethod
    def _tell(caller: Caller, opened: SessionOpened, known: Known) -> None:
        note(
            SecurityEvent.LOGGED_IN,
            caller,
            user=opened.user.id,
            session=opened.session,
            kind=opened.kind,
            known=known,
        )

    async def _spend(
        self,
        user: str,
        factor: str,
        answer: object,
        caller: Caller,
        left: int,
        then: Callable[[], Awaitable[Work[SessionOpened | list[StepAsked]]]],
    ) -> SessionOpened | list[StepAsked]:
        try:
            return await self._factor_check.spend(user, factor, answer, caller, then)
        except NotFound:
            # The factor was removed meanwhile, and with it every log-in that waited.
            raise LoginEnded from None
        except WrongAnswer as wrong:
            if left == 0:
                raise LoginEnded from None
            raise WrongAnswer(**wrong.params, left=left) from None

    async def _outstanding(self, waiting: WaitingLogin) -> list[StepAsked]:
        """What has to be done next: one of the factors, else each of the login steps."""
        found = await self._factor_check.enrolled(waiting.user.id)
        if not any(f"factor {one.factor}" in waiting.done for one in found):
            available = self._factor_check.available(found)
            if available:
                return [one.asked() for one in available]
        return await self._remaining(waiting.user, waiting.done)

    async def _remaining(self, user: User, done: tuple[str, ...]) -> list[StepAsked]:
        needed = await self._steps.needed(user)
        return [one for one in needed if f"step {one.step}" not in done]

    async def _wait(self, waiting: WaitingLogin, asked: list[StepAsked]) -> NoReturn:
        token = new_token()
        row = insert(logins).values(
            token_hash=hash_token(token),
            user_id=waiting.user.id,
            kind=waiting.kind,
            user_agent=waiting.user_agent,
            address=waiting.address,
            done="[]",
            created_at_ms=waiting.expires_at_ms - LOGIN_MS,
            expires_at_ms=waiting.expires_at_ms,
        )

        def work(transaction: Transaction) -> None:
            check_password_still(transaction, waiting)
            transaction.connection.execute(
                delete(logins).where(logins.c.expires_at_ms <= transaction.now_ms)
            )
            transaction.connection.execute(row)

        await self._store.write(work)
        raise step_needed(replace(waiting, token=token), asked)

    async def _finish(
        self, waiting: WaitingLogin, hashed: bytes, step: StepAsked, place: Place
    ) -> Work[SessionOpened | list[StepAsked]]:
        """The storing of what is next after a step that was done: a session, or the next steps."""
        done = (*waiting.done, f"{step.kind} {step.step}")
        rest = await self._remaining(waiting.user, done)
        opened, store = self._open(waiting, place)

        def work(transaction: Transaction) -> SessionOpened | list[StepAsked]:
            mine = logins.c.token_hash == hashed
            connection = transaction.connection
            if rest:
                values = {"done": msgspec.json.encode(done).decode(), "tries": 0}
                changed = connection.execute(update(logins).where(mine).values(values))
            else:
                changed = connection.execute(delete(logins).where(mine))
            if changed.rowcount != 1:
                raise LoginEnded
            if rest:
                return rest
            store(transaction)
            return opened

        return work


def _check_transport(kind: str, caller: Caller) -> None:
    if kind == "cookie" and caller.connection is not None:
        raise InvalidParams(field="as", reason="a socket cannot set a cookie; use HTTP")


def _without_factors(
    waiting: WaitingLogin, store: Callable[[Transaction], None]
) -> Callable[[Transaction], None]:
    def work(transaction: Transaction) -> None:
        if enrolled(transaction.connection, waiting.user.id):
            raise Overtaken
        check_password_still(transaction, waiting)
        store(transaction)

    return work
