"""What an admin does to users from the command line, whether a server has the folder or not.

Owns the sentences that ``dash-messenger user`` prints. Must not reach into a running server: what
ends somebody's sessions is written to the database, where the server looks twice a second.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from contextlib import closing
from typing import TypeAlias

import click
from sqlalchemy import update

from dash_messenger.accounts.accounts import Accounts, find_user
from dash_messenger.accounts.attempts import Attempts
from dash_messenger.accounts.passwords import Passwords
from dash_messenger.accounts.security_log import SecurityEvent, note
from dash_messenger.auth.factor_setup import forget_factors
from dash_messenger.auth.password_change import store_password
from dash_messenger.auth.sessions import DEACTIVATED, close_sessions_of
from dash_messenger.cli.run import run_on_store
from dash_messenger.conversations.memberships import hand_over_groups
from dash_messenger.settings import Settings
from dash_messenger.store import Store, Transaction
from dash_messenger.store.tables import users

__all__ = [
    "activate_user",
    "add_user",
    "close_sessions",
    "deactivate_user",
    "reset_factors",
    "set_password",
]

BY_ADMIN = "closed by an admin"

# Given the id of a user, returns what is to be printed.
Work: TypeAlias = Callable[[Transaction, str], str]


def add_user(
    settings: Settings, username: str, password: str, *, display_name: str | None, role: str
) -> int:
    """Make an account; the exit status."""

    async def work(store: Store) -> None:
        with closing(_passwords(settings)) as passwords:
            user = await _accounts(store, passwords, settings).create(
                username, password, display_name=display_name, role=role
            )
        note(SecurityEvent.USER_ADDED, user=user.id, role=role)
        click.echo(f"Added {user.username}.")

    return run_on_store(settings, work)


def set_password(settings: Settings, username: str, password: str) -> int:
    """Give a user another password, by the rules of registration, and end their sessions."""

    async def work(store: Store) -> None:
        user = await store.read(lambda connection: find_user(connection, username))
        with closing(_passwords(settings)) as passwords:
            _accounts(store, passwords, settings).judge(password, username)
            password_hash = await passwords.hash(password)
        closed = await store.write(
            lambda transaction: store_password(transaction, user, password_hash)
        )
        note(SecurityEvent.PASSWORD_SET, user=user, sessions_closed=len(closed))
        click.echo(f"{username} has a new password. {_told(closed)}")

    return run_on_store(settings, work)


def deactivate_user(settings: Settings, username: str) -> int:
    """Let a user log in no longer, and end their sessions; the exit status."""

    def work(transaction: Transaction, user: str) -> str:
        transaction.connection.execute(
            update(users)
            .where(users.c.id == user, users.c.deactivated_at_ms.is_(None))
            .values(deactivated_at_ms=transaction.now_ms)
        )
        hand_over_groups(transaction, user)
        closed = close_sessions_of(transaction, user, DEACTIVATED)
        return f"{username} can no longer log in. {_told(closed)}"

    return run_on_store(settings, _on_user(username, work, SecurityEvent.USER_DEACTIVATED))


def activate_user(settings: Settings, username: str) -> int:
    """Let a user log in again; the exit status."""

    def work(transaction: Transaction, user: str) -> str:
        transaction.connection.execute(
            update(users).where(users.c.id == user).values(deactivated_at_ms=None)
        )
        return f"{username} can log in."

    return run_on_store(settings, _on_user(username, work, SecurityEvent.USER_ACTIVATED))


def close_sessions(settings: Settings, username: str) -> int:
    """End all sessions of a user, who may log in again; the exit status."""

    def work(transaction: Transaction, user: str) -> str:
        return _told(close_sessions_of(transaction, user, BY_ADMIN))

    return run_on_store(settings, _on_user(username, work, SecurityEvent.SESSIONS_CLOSED))


def reset_factors(settings: Settings, username: str) -> int:
    """Take away a user's second factors and end their sessions; the exit status."""

    def work(transaction: Transaction, user: str) -> str:
        gone, closed = forget_factors(transaction, user)
        names = ", ".join(gone) or "none was set up"
        return f"Second factors of {username} removed: {names}.\n{_told(closed)}"

    return run_on_store(settings, _on_user(username, work, SecurityEvent.FACTORS_RESET))


def _on_user(username: str, work: Work, event: SecurityEvent) -> Callable[[Store], Awaitable[None]]:
    async def find_and_do(store: Store) -> None:
        user = await store.read(lambda connection: find_user(connection, username))
        said = await store.write(lambda transaction: work(transaction, user))
        note(event, user=user)
        click.echo(said)

    return find_and_do


def _told(closed: list[str]) -> str:
    return f"Sessions closed: {len(closed)}."


def _passwords(settings: Settings) -> Passwords:
    return Passwords(memory_kib=settings.password_memory_kib, passes=settings.password_passes)


def _accounts(store: Store, passwords: Passwords, settings: Settings) -> Accounts:
    return Accounts(store, passwords, Attempts(enabled=False), settings)
