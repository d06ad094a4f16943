"""The SQLite file as the store's `Backend`: one connection that writes, any number that read.

Owns these connections: SQLAlchemy's and the driver's own, in one transaction. Everything in the
writer's is called on its thread but for opening and closing.
"""

from __future__ import annotations

from collections.abc import Callable
from pathlib import Path
from typing import Any, TypeVar

from sqlalchemy import Connection

from dash_messenger.store.backend import ReaderConnection, WriterConnection
from dash_messenger.store.sqlite.changes import Changes
from dash_messenger.store.sqlite.checkpoints import Checkpointer
from dash_messenger.store.sqlite.database import (
    check_file,
    open_engine,
    storage_failed,
    telling_why,
)
from dash_messenger.store.sqlite.statements import Statements

__all__ = ["SqliteBackend"]

T = TypeVar("T")


class SqliteBackend:
    """The database in one file."""

    def __init__(self, path: Path) -> None:
        self._path = path
        self._read_engine = open_engine(path, writes=False)
        self._write_engine = open_engine(path, writes=True)

    def set_up(self, work: Callable[[Connection], T]) -> T:
        check_file(self._path)
        with (
            telling_why(self._path),
            self._write_engine.connect() as connection,
            connection.begin(),
        ):
            return work(connection)

    def open_writer(self) -> WriterConnection:
        return _Writer(self._write_engine.connect(), Checkpointer(self._path))

    def open_reader(self) -> ReaderConnection:
        return _Reader(self._read_engine.connect())

    def storage_failed(self, error: BaseException) -> bool:
        return storage_failed(error)


class _Reader(Changes):
    """As with `_Writer`, SQLAlchemy joins a transaction only when it is used."""

    def __init__(self, connection: Connection) -> None:
        super().__init__(connection.connection.driver_connection)
        self.connection = connection

    def begin(self) -> None:
        self._driver.execute("BEGIN")

    def end(self) -> None:
        if self.connection.in_transaction():
            self.connection.rollback()
        else:
            self._driver.rollback()

    def close(self) -> None:
        self.connection.close()


class _Writer(Statements):
    """SQLAlchemy's own transaction costs as much as a message: it joins only when it is used."""

    def __init__(self, connection: Connection, checkpointer: Checkpointer) -> None:
        super().__init__()
        self.connection = connection
        self._checkpointer = checkpointer
        self._changes_before = 0
        self._driver: Any = None
        checkpointer.start()

    def begin(self) -> None:
        driver: Any = self.connection.connection.driver_connection
        self._driver = driver
        driver.execute("BEGIN IMMEDIATE")
        self._changes_before = driver.total_changes
        self._use(driver.cursor())

    def commit(self) -> None:
        driver = self._driver
        if self.connection.in_transaction():
            self.connection.commit()
        else:
            driver.commit()
        self._checkpointer.count(driver.total_changes - self._changes_before)

    def rollback(self) -> None:
        self.connection.rollback()
        # A commit that failed may leave SQLite inside the transaction.
        self._driver.rollback()

    def has_changes(self) -> bool:
        changed: bool = self._driver.total_changes != self._changes_before
        return changed

    def maintain(self) -> None:
        self._checkpointer.tend(self._driver)

    def close(self) -> None:
        self.connection.close()
        self._checkpointer.close()
