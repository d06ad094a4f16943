"""House rules that people accept when they log in, and again when the rules change."""

import hashlib
from pathlib import Path
from typing import Annotated, Any

from dash_messenger import (
    Context,
    LoginStep,
    Refused,
    Tables,
    User,
    hookimpl,
    setting,
)
from msgspec import Meta, Struct
from sqlalchemy import BigInteger, Column, MetaData, String, Table, delete, insert, select

Lines = list[Annotated[str, Meta(min_length=1, max_length=500)]]

metadata = MetaData()
# Who has accepted which rules, and when.
accepted = Table(
    "rules_accepted",
    metadata,
    Column("user_id", String(32), primary_key=True),
    Column("version", String(64), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
)


class Settings(Struct, frozen=True):
    rules: Annotated[
        Lines, setting("House rules", help="One a line. Who has accepted them is asked once.")
    ] = []


class Acceptance(Struct, frozen=True, forbid_unknown_fields=True):
    """``version`` names the rules that were shown, so that nobody accepts others unread."""

    version: Annotated[str, Meta(max_length=64)]


class AcceptRules(LoginStep[Acceptance]):
    name = "acme.rules"
    Answer = Acceptance

    async def needed(self, user: User, context: Context) -> dict[str, Any] | None:
        rules = context.settings.rules
        if not rules:
            return None
        version = _version(rules)
        query = select(accepted.c.version).where(accepted.c.user_id == user.id)
        if await context.read(lambda connection: connection.scalar(query)) == version:
            return None
        return {"rules": rules, "version": version}

    async def done(self, user: User, answer: Acceptance, context: Context) -> None:
        if answer.version != _version(context.settings.rules):
            raise Refused(reason="The rules have changed. Please log in again to read them.")
        row = {"user_id": user.id, "version": answer.version, "at_ms": context.now_ms()}

        def work(connection: Any) -> None:
            connection.execute(delete(accepted).where(accepted.c.user_id == user.id))
            connection.execute(insert(accepted).values(row))

        await context.write(work)


def _version(rules: list[str]) -> str:
    return hashlib.sha256("\0".join(rules).encode()).hexdigest()


@hookimpl
def register_settings() -> type[Settings]:
    return Settings


@hookimpl
def register_tables() -> Tables:
    return Tables(metadata, Path(__file__).parent / "migrations")


@hookimpl
def register_login_steps() -> list[AcceptRules]:
    return [AcceptRules()]
