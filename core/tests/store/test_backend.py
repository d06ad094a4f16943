"""Nothing but the store's SQLite half speaks to the driver."""

from __future__ import annotations

import re
from pathlib import Path

import dash_messenger
import pytest
from dash_messenger.store.sqlite import SqliteBackend

CORE = Path(str(dash_messenger.__file__)).parent
INSIDE = Path(str(CORE)) / "store" / "sqlite"
OF_A_DRIVER = re.compile(
    r"sqlite3|driver_connection|dbapi_connection|exec_driver_sql|\.cursor\(|PRAGMA|INSERT OR"
)


def test_no_driver_is_used_outside_of_its_folder() -> None:
    found = {
        path.relative_to(CORE).as_posix()
        for path in CORE.rglob("*.py")
        if OF_A_DRIVER.search(path.read_text()) and INSIDE not in path.parents
    }
    assert found == set()
    assert OF_A_DRIVER.search((INSIDE / "database.py").read_text())


def test_what_cannot_be_set_up_leaves_nothing_behind(tmp_path: Path) -> None:
    backend = SqliteBackend(tmp_path / "store.db")

    def make_half(connection: object) -> None:
        connection.exec_driver_sql("CREATE TABLE half (id INTEGER)")  # type: ignore[attr-defined]
        raise LookupError

    with pytest.raises(LookupError):
        backend.set_up(make_half)
    tables = "SELECT count(*) FROM sqlite_master"
    assert backend.set_up(lambda c: c.exec_driver_sql(tables).scalar_one()) == 0
