"""Migrating: the tables of the code and of the migrations are the same, old and new are told."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

import pytest
from alembic import command
from alembic.autogenerate import compare_metadata
from alembic.config import Config
from alembic.migration import MigrationContext
from alembic.script import ScriptDirectory
from dash_messenger.store import Store, migrations
from dash_messenger.store.migrate import DatabaseTooNew, migrate
from dash_messenger.store.migrations import NEWEST, VERSION_TABLE
from dash_messenger.store.sqlite.database import open_engine
from dash_messenger.store.tables import members, metadata, user_words
from sqlalchemy import Connection, select, text


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


def migrate_to(connection: Connection, version: str) -> None:
    config = Config()
    config.set_main_option("script_location", str(Path(str(migrations.__file__)).parent))
    config.attributes["connection"] = connection
    command.upgrade(config, version)


# Who was in each group: (user, joined at, has left), the creator first.
GROUPS = {
    "creator stayed": (("A", [("B", 1, False), ("A", 2, False), ("C", 3, False)]), {"A"}),
    "creator left": (("A", [("A", 1, True), ("C", 3, False), ("B", 2, False)]), {"B"}),
    "creator came back": (("A", [("A", 9, False), ("B", 1, False)]), {"A"}),
    "the longest left": (("A", [("A", 1, True), ("B", 2, True), ("C", 3, False)]), {"C"}),
    "all at once": (("A", [("A", 1, True), ("C", 1, False), ("B", 1, False)]), {"B"}),
    "the longest cannot act": (("A", [("A", 1, True), ("D", 1, False), ("C", 3, False)]), {"C"}),
    "a bot is longest": (("A", [("A", 1, True), ("E", 1, False), ("C", 3, False)]), {"C"}),
    "nobody can act": (("A", [("A", 1, True), ("E", 2, False), ("D", 1, False)]), {"D"}),
    "empty": (("A", [("A", 1, True)]), set()),
    "direct": (("A", [("A", 1, False), ("B", 1, False)]), set()),
}


def test_a_group_is_owned_by_its_creator_or_the_longest_member(tmp_path: Path) -> None:
    ids = {name: (name.lower() * 32) for name in "ABCDE"}
    groups = {name: f"{place:032x}" for place, name in enumerate(GROUPS, 1)}
    engine = open_engine(tmp_path / "store.db", writes=True)
    with engine.connect() as connection, connection.begin():
        migrate_to(connection, "0010")
        run = connection.exec_driver_sql
        for name, id in ids.items():
            run(
                "INSERT INTO users (id, username, username_key, display_name, role, created_at_ms,"
                " deactivated_at_ms) VALUES (?, ?, ?, ?, ?, 1, ?)",
                (
                    *(bytes.fromhex(id), name, name.lower(), name),
                    *("bot" if name == "E" else "member", 5 if name == "D" else None),
                ),
            )
        for name, ((creator, present), _) in GROUPS.items():
            group = bytes.fromhex(groups[name])
            run(
                "INSERT INTO conversations (id, kind, created_at_ms, created_by)"
                " VALUES (?, ?, 1, ?)",
                (group, "direct" if name == "direct" else "group", bytes.fromhex(ids[creator])),
            )
            for user, joined_at_ms, left in present:
                run(
                    "INSERT INTO members (conversation_id, user_id, from_seq, from_number, to_seq,"
                    " joined_at_ms) VALUES (?, ?, 1, 1, ?, ?)",
                    (group, bytes.fromhex(ids[user]), 9 if left else None, joined_at_ms),
                )
    with engine.connect() as connection, connection.begin():
        migrate(connection)
        rows = connection.execute(
            select(members.c.conversation_id, members.c.user_id, members.c.role)
        ).all()
    engine.dispose()
    assert {role for _, _, role in rows} == {"owner", "member"}
    owners: dict[str, set[str]] = {name: set() for name in GROUPS}
    for group, user, role in rows:
        if role == "owner":
            owners[next(name for name in groups if groups[name] == group)].add(user[0].upper())
    assert owners == {name: expected for name, (_, expected) in GROUPS.items()}


def test_people_of_an_older_database_are_found_by_their_names(tmp_path: Path) -> None:
    engine = open_engine(tmp_path / "store.db", writes=True)
    # More than are read at once.
    people = {f"{n:032x}": (f"User.{n}", f"Jérôme {n}") for n in range(1, 1_202)}
    with engine.connect() as connection, connection.begin():
        migrate_to(connection, "0014")
        connection.exec_driver_sql(
            "INSERT INTO users (id, username, username_key, display_name, created_at_ms)"
            " VALUES (?, ?, ?, ?, 1)",
            [
                (bytes.fromhex(id), name, name.lower(), shown)
                for id, (name, shown) in people.items()
            ],
        )
    with engine.connect() as connection, connection.begin():
        migrate(connection)
        rows = connection.execute(select(user_words.c.user_id, user_words.c.word)).all()
    engine.dispose()
    words: dict[str, set[str]] = {}
    for user, word in rows:
        words.setdefault(user, set()).add(word)
    assert words == {id: {f"@user.{n}", "user", "jerome", str(n)} for n, id in enumerate(people, 1)}
