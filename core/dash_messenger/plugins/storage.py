"""What plugins keep in the database: settings, secrets, their bot, tables of their own.

Owns the rows of ``plugin_values`` and the migrations of plugins' tables. Invariant: a plugin's
tables have a version table of their own, so that what happens to one plugin hinders nobody.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable
from pathlib import Path
from typing import Any, Literal, TypeAlias, TypeVar

import msgspec
from sqlalchemy import Connection, delete, insert, select

from dash_messenger.plugin_api.context import Tables
from dash_messenger.store.tables import plugin_values

__all__ = [
    "VERSIONS",
    "Kind",
    "keep_value",
    "migrate_tables",
    "plugin_folder",
    "read_tables",
    "read_value",
    "read_values",
    "without_exit",
]

T = TypeVar("T")

# What the version tables of plugins' migrations are called, before the plugin's name.
VERSIONS = "alembic_version_"

# The settings an admin chose, the plugin's secrets, and what core notes about it.
Kind: TypeAlias = Literal["setting", "secret", "core"]


def plugin_folder(data: Path, plugin: str) -> Path:
    """A plugin's own folder in the data folder; it may not exist."""
    return data / "plugins" / plugin


def read_value(connection: Connection, plugin: str, kind: Kind, name: str) -> str | None:
    """A value that was kept, or None."""
    value: str | None = connection.execute(
        select(plugin_values.c.value).where(
            plugin_values.c.plugin == plugin,
            plugin_values.c.kind == kind,
            plugin_values.c.name == name,
        )
    ).scalar()
    return value


def read_values(connection: Connection, kind: Kind) -> dict[str, dict[str, str]]:
    """All values of a kind, by plugin and name."""
    found: dict[str, dict[str, str]] = {}
    rows = connection.execute(
        select(plugin_values.c.plugin, plugin_values.c.name, plugin_values.c.value).where(
            plugin_values.c.kind == kind
        )
    )
    for plugin, name, value in rows:
        found.setdefault(plugin, {})[name] = value
    return found


def keep_value(
    connection: Connection, plugin: str, kind: Kind, name: str, value: str | None
) -> None:
    """Keep a value, or forget it."""
    connection.execute(
        delete(plugin_values).where(
            plugin_values.c.plugin == plugin,
            plugin_values.c.kind == kind,
            plugin_values.c.name == name,
        )
    )
    if value is not None:
        connection.execute(
            insert(plugin_values).values(plugin=plugin, kind=kind, name=name, value=value)
        )


def read_tables(connection: Connection, plugin: str) -> set[str]:
    """The names of the tables that a plugin said are its own, when it was last loaded."""
    kept = read_value(connection, plugin, "core", "tables")
    return set() if kept is None else set(msgspec.json.decode(kept, type=list[str]))


def _note_tables(connection: Connection, plugin: str, tables: Tables) -> None:
    names = set(tables.metadata.tables)
    if names != read_tables(connection, plugin):
        keep_value(
            connection, plugin, "core", "tables", msgspec.json.encode(sorted(names)).decode()
        )


def migrate_tables(connection: Connection, plugin: str, tables: Tables) -> None:
    """Bring a plugin's tables to the version of its code, in the transaction of ``connection``.

    Raises:
        ValueError: a table's name does not begin with the plugin's.
        Exception: what a migration raises; nothing of it is stored.
    """
    prefix = f"{plugin}_"
    for table in tables.metadata.tables:
        if not table.startswith(prefix):
            raise ValueError(f"table {table} must be called {prefix}{table}")
    _note_tables(connection, plugin, tables)
    scripts = sorted((tables.migrations / "versions").glob("*.py"))
    # Alembic takes 0.3 s to import: only for scripts that have not been seen.
    digest = hashlib.sha256()
    for script in scripts:
        digest.update(script.name.encode() + b"\0" + script.read_bytes())
    if read_value(connection, plugin, "core", "migrations") == digest.hexdigest():
        return
    from alembic.config import Config
    from alembic.runtime.environment import EnvironmentContext
    from alembic.script import ScriptDirectory

    config = Config()
    config.set_main_option("script_location", str(tables.migrations).replace("%", "%%"))
    script_directory = ScriptDirectory.from_config(config)

    def upgrade(revision: Any, context: Any) -> Any:
        return script_directory._upgrade_revs("head", revision)

    with EnvironmentContext(config, script_directory, fn=upgrade) as environment:
        environment.configure(
            connection=connection,
            target_metadata=tables.metadata,
            version_table=VERSIONS + plugin,
        )
        environment.run_migrations()
    keep_value(connection, plugin, "core", "migrations", digest.hexdigest())


def without_exit(work: Callable[[Connection], T], connection: Connection) -> T:
    """What a plugin's work comes to on the writer's thread, which it must not end.

    Raises:
        RuntimeError: it called ``sys.exit()``.
    """
    try:
        return work(connection)
    except SystemExit as error:
        raise RuntimeError("it tried to end the process") from error
