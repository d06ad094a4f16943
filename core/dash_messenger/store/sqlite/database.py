"""The SQLite file: how it is opened, and what its errors mean.

Owns engines and pragmas. Must not know the tables. Invariant: a commit that returned survives a
power cut.
"""

from __future__ import annotations

import contextlib
from collections.abc import Iterator
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as sqlite
from sqlalchemy import Connection, Engine, create_engine, event
from sqlalchemy.exc import DBAPIError, IntegrityError, ProgrammingError
from sqlalchemy.pool import NullPool

from dash_messenger.store.backend import DatabaseUnusable

__all__ = ["check_file", "open_engine", "storage_failed", "telling_why"]

# The writer touches one page of two indexes for each message; 32 MiB hold 2,000 conversations'.
WRITER_CACHE_KIB = 32_768
READER_CACHE_KIB = 4_096
# Another process (backup, command line) may hold the write lock for a moment.
BUSY_TIMEOUT_MS = 5_000


def check_file(path: Path) -> None:
    """Return where there is no database yet, or one with something in it.

    Raises:
        DatabaseUnusable: the file is empty. SQLite would take it for a new one, and a server that
            lost everything would go on as if nothing had been there.
    """
    if path.exists() and path.stat().st_size == 0:
        raise DatabaseUnusable(
            f"the database {path} is empty (0 bytes): restore it from a backup,"
            " or remove it if nobody has used this server yet"
        )


@contextlib.contextmanager
def telling_why(path: Path) -> Iterator[None]:
    """Turn what SQLite says of a file that cannot be used into a sentence.

    Raises:
        DatabaseUnusable: the disk or the database failed.
    """
    try:
        yield
    except (DBAPIError, sqlite.Error) as error:
        if not storage_failed(error):
            raise
        reason = error.orig if isinstance(error, DBAPIError) else error
        raise DatabaseUnusable(f"the database {path} cannot be used: {reason}") from error


def open_engine(path: Path, *, writes: bool) -> Engine:
    """An engine whose transactions begin IMMEDIATE if it writes, and cannot write otherwise.

    WAL with ``synchronous=FULL``. Checkpoints are left to `Checkpointer`.
    """
    engine = create_engine(
        f"sqlite:///{path}",
        module=sqlite,
        poolclass=NullPool,
        hide_parameters=True,  # an error's text goes to the log, what people wrote does not
        connect_args={
            "isolation_level": None,
            "check_same_thread": False,
            "cached_statements": 256,
            "timeout": BUSY_TIMEOUT_MS / 1000,
        },
    )
    cache_kib = WRITER_CACHE_KIB if writes else READER_CACHE_KIB
    pragmas = [
        "PRAGMA journal_mode = WAL",
        "PRAGMA synchronous = FULL",
        "PRAGMA wal_autocheckpoint = 0",
        "PRAGMA foreign_keys = ON",
        "PRAGMA trusted_schema = OFF",
        "PRAGMA temp_store = MEMORY",
        f"PRAGMA cache_size = -{cache_kib}",
    ]
    if not writes:
        pragmas.append("PRAGMA query_only = ON")
    begin = "BEGIN IMMEDIATE" if writes else "BEGIN"

    def prepare(connection: Any, record: object) -> None:
        for pragma in pragmas:
            connection.execute(pragma).close()

    def start(connection: Connection) -> None:
        driver: Any = connection.connection.driver_connection
        # A writer or reader begins by itself, and SQLAlchemy joins when a piece of work needs it.
        if not driver.in_transaction:
            connection.exec_driver_sql(begin)

    event.listen(engine, "connect", prepare)
    event.listen(engine, "begin", start)
    return engine


def storage_failed(error: BaseException) -> bool:
    """Whether the disk or the database failed, and not the statement that was asked for."""
    if isinstance(error, DBAPIError):
        return not isinstance(error, IntegrityError | ProgrammingError)
    return isinstance(error, sqlite.DatabaseError) and not isinstance(
        error, sqlite.IntegrityError | sqlite.ProgrammingError
    )
