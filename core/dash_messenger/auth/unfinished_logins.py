"""Log-ins that wait for something besides the password: what is stored of them and its limits.

Owns their rows. Invariant: tries are counted before an answer is looked at.
"""

from __future__ import annotations

from dataclasses import dataclass
from typing import Literal

import msgspec
from sqlalchemy import Connection, select, update

from dash_messenger.auth.factor_registry import StepAsked
from dash_messenger.auth.tokens import hash_token
from dash_messenger.errors import LoginEnded, StepNeeded, WrongCredentials
from dash_messenger.protocol.models import User
from dash_messenger.store import Transaction
from dash_messenger.store.rows import USER_COLUMNS, user_of
from dash_messenger.store.tables import logins, users

__all__ = ["WaitingLogin", "check_password_still", "count_try", "find_waiting", "step_needed"]

MAX_WRONG_ANSWERS = 5


@dataclass(frozen=True, slots=True)
class WaitingLogin:
    """A log-in whose password was right. ``token`` is empty until it has to wait."""

    user: User
    kind: Literal["token", "cookie"]
    user_agent: str
    address: str
    expires_at_ms: int
    password_rev: int
    token: str = ""
    done: tuple[str, ...] = ()


def check_password_still(transaction: Transaction, waiting: WaitingLogin) -> None:
    """Hashing takes a while: whoever proved a password that was changed meanwhile gets nothing.

    Log-ins that wait already end with the change.

    Raises:
        WrongCredentials: it was changed.
    """
    rev = select(users.c.password_rev).where(users.c.id == waiting.user.id)
    if transaction.connection.execute(rev).scalar() != waiting.password_rev:
        raise WrongCredentials


def find_waiting(connection: Connection, token: str, now_ms: int) -> WaitingLogin | None:
    """The log-in that a token is for; None if there is none, or no longer."""
    row = connection.execute(
        select(
            *USER_COLUMNS,
            logins.c.kind,
            logins.c.user_agent,
            logins.c.address,
            logins.c.expires_at_ms,
            users.c.password_rev,
            logins.c.done,
        )
        .join(users, users.c.id == logins.c.user_id)
        .where(
            logins.c.token_hash == hash_token(token),
            logins.c.expires_at_ms > now_ms,
            users.c.deactivated_at_ms.is_(None),
        )
    ).first()
    if row is None:
        return None
    done = msgspec.json.decode(row.done, type=tuple[str, ...])
    return WaitingLogin(user_of(row), *row[4:9], token, done)


def count_try(transaction: Transaction, hashed: bytes, now_ms: int) -> int:
    """How many more answers a log-in may have after this one; counted before it is looked at, so
    that answers that come at once do not share a try.

    Raises:
        LoginEnded: none.
    """
    tries: int | None = transaction.connection.execute(
        update(logins)
        .where(
            logins.c.token_hash == hashed,
            logins.c.expires_at_ms > now_ms,
            logins.c.tries < MAX_WRONG_ANSWERS,
        )
        .values(tries=logins.c.tries + 1)
        .returning(logins.c.tries)
    ).scalar()
    if tries is None:
        raise LoginEnded
    return MAX_WRONG_ANSWERS - tries


def step_needed(waiting: WaitingLogin, asked: list[StepAsked]) -> StepNeeded:
    """What a client is told that has to go on."""
    return StepNeeded(
        login=waiting.token,
        steps=msgspec.to_builtins(asked),
        expires_at_ms=waiting.expires_at_ms,
    )
