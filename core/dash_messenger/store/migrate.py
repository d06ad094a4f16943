"""Brings a database's tables to the version of this code.

Must not know what is in the tables. Invariant: a database newer than the code is refused, and a
current one is opened without importing alembic.
"""

from __future__ import annotations

from pathlib import Path

from sqlalchemy import Connection, inspect, text

from dash_messenger.store.migrations import NEWEST, VERSION_TABLE

__all__ = ["DatabaseTooNew", "migrate"]


class DatabaseTooNew(Exception):
    """A later version of the program wrote this database; this one cannot read it."""


def migrate(connection: Connection) -> None:
    """Run the migrations that ``connection``'s database has not seen, in its transaction.

    Raises:
        DatabaseTooNew: its version is unknown here.
    """
    version = _version(connection)
    if version == NEWEST:
        return
    from alembic import command
    from alembic.config import Config
    from alembic.util import CommandError

    config = Config()
    config.set_main_option("script_location", str(Path(__file__).parent / "migrations"))
    config.attributes["connection"] = connection
    try:
        command.upgrade(config, "head")
    except CommandError as error:
        if version is None:
            raise
        raise DatabaseTooNew(
            f"a later version of Dash Messenger wrote the database (version {version})"
        ) from error


def _version(connection: Connection) -> str | None:
    if not inspect(connection).has_table(VERSION_TABLE):
        return None
    version: str | None = connection.execute(
        text(f"SELECT version_num FROM {VERSION_TABLE}")  # noqa: S608 - a constant
    ).scalar()
    return version
