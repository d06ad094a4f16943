"""What a plugin keeps is removed when an admin says so: all of it, and nothing of another."""

from __future__ import annotations

import asyncio
import sqlite3
from pathlib import Path

import pytest
from click.testing import CliRunner, Result
from dash_messenger.cli.main import main
from dash_messenger.plugins.quarantine_file import QuarantineFile
from dash_messenger.server.data_folder import FolderLock
from fixtures.full_plugin import CREATE, Everything, install, migrations
from fixtures.local_server import open_server

FOREIGN = (
    "CREATE TABLE everything_else_notes (number INTEGER)",
    "CREATE TABLE alembic_version_everything_else (version_num TEXT)",
    "CREATE TABLE everythingness (number INTEGER)",
)


@pytest.fixture
def site(tmp_path: Path, monkeypatch: pytest.MonkeyPatch) -> Path:
    """The plugin ``everything`` is installed here."""
    install(tmp_path / "site", monkeypatch, "everything", "fixtures.full_plugin:Everything")
    folder = migrations(tmp_path / "migrations", CREATE)
    monkeypatch.setattr(Everything, "migrations", folder, raising=False)
    return tmp_path / "site"


@pytest.fixture
async def data(site: Path, tmp_path: Path) -> Path:
    """A folder in which ``everything`` has left something of each kind."""
    data = tmp_path / "data"
    async with open_server(data, loaded=("everything",)) as local:
        await local.add("ann", "bob")
        group = await local.group("ann", "bob")
        await local.call("ann", "everything.count")
        context = local.server.installed.contexts.of("everything")
        await context.send(conversation=group, type="own", content={"words": "from the bot"})
        await context.change_settings(limit=7)
        await context.keep_secret(name="token", value="s3cret")
        blob = await context.blobs.put(b"GIF89a", name="a.gif", media_type="image/gif")
        await context.blobs.refer(blob.id, to="notes")
        (context.folder / "file").write_text("x")
    with sqlite3.connect(data / "messenger.sqlite") as connection:
        for statement in FOREIGN:
            connection.execute(statement)
    return data


async def run(*arguments: str, data: Path, typed: str = "") -> Result:
    """What the command says. It has a loop of its own, and so a thread."""
    told = ["plugins", *arguments, "--data", str(data)]
    return await asyncio.to_thread(CliRunner().invoke, main, told, input=typed)


def rows(data: Path, query: str) -> list[tuple[object, ...]]:
    with sqlite3.connect(data / "messenger.sqlite") as connection:
        return connection.execute(query).fetchall()


def tables(data: Path) -> set[object]:
    return {
        name
        for (name,) in rows(data, "SELECT name FROM sqlite_master WHERE type = 'table'")
        if "everything" in str(name)
    }


def uninstall(site: Path) -> None:
    (site / "dist_everything-1.2.dist-info" / "entry_points.txt").unlink()


@pytest.mark.parametrize("way", ["uninstalled", "disabled"])
async def test_all_that_a_plugin_keeps_goes_and_nothing_else(
    site: Path, data: Path, way: str
) -> None:
    if way == "uninstalled":
        uninstall(site)
    else:
        await run("disable", "everything", data=data)
    QuarantineFile(data).quarantine("everything", "it failed")
    done = await run("purge", "everything", "--yes", data=data)
    assert done.exit_code == 0, done.output
    assert "table everything_notes with 1 rows" in done.output
    assert tables(data) == {
        "everything_else_notes",
        "alembic_version_everything_else",
        "everythingness",
    }
    assert rows(data, "SELECT kind, name FROM plugin_values") == [("core", "bot")]
    assert rows(data, "SELECT * FROM blob_references") == []
    assert rows(data, "SELECT count(*) FROM blobs WHERE unreferenced_at_ms IS NULL") == [(0,)]
    assert not (data / "plugins" / "everything").exists()
    state = QuarantineFile(data).of("everything")
    assert (state.disabled, state.quarantined) == (way == "disabled", "")
    assert rows(data, "SELECT text FROM messages") == [("from the bot",)]


async def test_after_it_a_plugin_begins_again_as_the_same_bot(site: Path, data: Path) -> None:
    for command in (("disable",), ("purge", "--yes"), ("enable",)):
        await run(command[0], "everything", *command[1:], data=data)
    async with open_server(data, loaded=("everything",)) as local:
        local.users["ann"] = "0" * 32
        assert await local.call("ann", "everything.count") == {"count": 1}
        context = local.server.installed.contexts.of("everything")
        assert context.settings.limit == 3
        assert await context.secret(name="token") is None
        sender = rows(data, "SELECT hex(sender_id) FROM messages")[0][0]
        assert (await context.bot()).upper() == sender


async def test_it_asks_and_no_is_an_answer(site: Path, data: Path) -> None:
    uninstall(site)
    done = await run("purge", "everything", data=data, typed="n\n")
    assert (done.exit_code, "Nothing was removed." in done.output) == (0, True)
    assert "everything_notes" in tables(data)
    assert (await run("purge", "everything", data=data, typed="y\n")).exit_code == 0
    assert "everything_notes" not in tables(data)
    again = await run("purge", "everything", "--yes", data=data)
    assert (again.exit_code, "nothing of a plugin" in again.output) == (1, True)


async def test_a_plugin_in_use_and_a_folder_in_use_are_left_alone(site: Path, data: Path) -> None:
    done = await run("purge", "everything", "--yes", data=data)
    assert (done.exit_code, "is in use" in done.output) == (1, True)
    await run("disable", "everything", data=data)
    lock = FolderLock(data)
    done = await run("purge", "everything", "--yes", data=data)
    lock.close()
    assert (done.exit_code, "in use by another server" in done.output) == (1, True)
    assert "everything_notes" in tables(data)


async def test_a_shorter_name_does_not_take_what_a_longer_one_keeps(data: Path) -> None:
    """``everything_else`` has tables of its own; ``every`` has none but could seem to."""
    for name in ("every", "everything_els", "plugin", "alembic"):
        done = await run("purge", name, "--yes", data=data)
        assert (done.exit_code, "nothing of a plugin" in done.output) == (1, True), name
    done = await run("purge", "everything_else", "--yes", data=data)
    assert done.exit_code == 0
    assert tables(data) == {"everything_notes", "alembic_version_everything", "everythingness"}


@pytest.mark.parametrize("name", ["..", "../data", "a/b", "", "a b", "core"])
async def test_a_name_that_leads_elsewhere_is_refused(data: Path, name: str) -> None:
    """``core`` would be the server itself: its tables have a version as plugins' have."""
    done = await run("purge", name, "--yes", data=data)
    assert (done.exit_code, "no name of a plugin" in done.output) == (1, True)
    assert len(rows(data, "SELECT * FROM alembic_version_core")) == 1
