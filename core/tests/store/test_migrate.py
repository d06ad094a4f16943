"""Migrating: the tables of the code and of the migrations are the same, old and new are told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic.autogenerate import compare_metadata
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from dash_messenger.store import Store, migrations
from dash_messenger.store.database import open_engine
from dash_messenger.store.migrate import DatabaseTooNew, migrate
from dash_messenger.store.migrations import NEWEST, VERSION_TABLE
from dash_messenger.store.tables import metadata
from sqlalchemy import text


def test_the_newest_version_is_the_head_of_the_graph() -> None:
    script = ScriptDirectory(str(Path(str(migrations.__file__)).parent))
    assert script.get_heads() == [NEWEST]


def test_the_migrations_make_the_tables_that_the_code_uses(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "store.db", writes=True)
    with engine.connect() as connection, connection.begin():
        migrate(connection)
        context = MigrationContext.configure(connection, opts={"version_table": VERSION_TABLE})
        assert compare_metadata(context, metadata) == []
    engine.dispose()


async def test_a_newer_database_is_refused_and_left_alone(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await (await Store.open(path)).aclose()
    engine = open_engine(path, writes=True)
    with engine.connect() as connection, connection.begin():
        connection.execute(text(f"UPDATE {VERSION_TABLE} SET version_num = '9999'"))
    with pytest.raises(DatabaseTooNew):
        await Store.open(path)
    with engine.connect() as connection, connection.begin():
        found = connection.execute(text(f"SELECT version_num FROM {VERSION_TABLE}")).scalar()
    engine.dispose()
    assert found == "9999"


async def test_epoch_and_secret_stay_over_a_restart(tmp_path: Path) -> None:
    first = await Store.open(tmp_path / "store.db")
    await first.aclose()
    second = await Store.open(tmp_path / "store.db")
    await second.aclose()
    other = await Store.open(tmp_path / "other.db")
    await other.aclose()
    assert first.epoch == second.epoch != other.epoch


async def test_a_current_database_opens_without_alembic(tmp_path: Path) -> None:
    path = tmp_path / "store.db"
    await (await Store.open(path)).aclose()
    program = (
        "import asyncio, pathlib, sys\n"
        "from dash_messenger.store import Store\n"
        "async def main():\n"
        f"    await (await Store.open(pathlib.Path({str(path)!r}))).aclose()\n"
        "asyncio.run(main())\n"
        "assert 'alembic' not in sys.modules\n"
    )
    subprocess.run([sys.executable, "-c", program], check=True, timeout=30)
