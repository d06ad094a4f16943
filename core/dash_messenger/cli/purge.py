"""Removes what a plugin keeps: its tables, settings, secrets, files, and what was decided about it.

Owns what belongs to a plugin, installed or not. Invariants: messages keep their content and text,
and the plugin's bot stays as the author of what it sent; nothing of another plugin is touched,
though its name begin with this one's.
"""

from __future__ import annotations

import shutil
from collections.abc import Iterable
from dataclasses import dataclass
from pathlib import Path

from msgspec.structs import replace
from sqlalchemy import ColumnElement, Connection, MetaData, delete, func, inspect, select

from dash_messenger.blobs.referrers import release
from dash_messenger.plugins.quarantine_file import PluginState, QuarantineFile
from dash_messenger.plugins.storage import VERSIONS, plugin_folder, read_tables
from dash_messenger.store.tables import blob_references, metadata, plugin_values

__all__ = ["Holdings", "find_holdings", "purge_database", "purge_files"]


@dataclass(frozen=True, slots=True)
class Holdings:
    """What there is of one plugin."""

    tables: dict[str, int]
    version_table: str | None
    values: int
    blobs: int
    folder: Path | None
    decided: bool

    def __bool__(self) -> bool:
        return bool(
            self.tables
            or self.version_table
            or self.values
            or self.blobs
            or self.folder
            or self.decided
        )

    def lines(self) -> list[str]:
        """What would be removed, for an admin."""
        found = [f"table {name} with {rows} rows" for name, rows in self.tables.items()]
        if self.values:
            found.append(f"{self.values} settings and secrets")
        if self.blobs:
            found.append(f"its hold on {self.blobs} files")
        if self.folder is not None:
            found.append(f"folder {self.folder}")
        if self.decided:
            found.append("why it was quarantined, in plugins.json")
        return found


def find_holdings(
    connection: Connection, data: Path, plugin: str, *, others: Iterable[str] = ()
) -> Holdings:
    """What there is of a plugin; ``others`` are the plugins that are installed beside it."""
    folder = plugin_folder(data, plugin)
    names = set(inspect(connection).get_table_names())
    count = {
        name: connection.execute(
            select(func.count()).select_from(_reflected(connection, [name]).tables[name])
        ).scalar_one()
        for name in sorted(_tables_of(connection, plugin, names, others))
    }
    version_table = VERSIONS + plugin
    return Holdings(
        tables=count,
        version_table=version_table if version_table in names else None,
        values=len(connection.execute(select(plugin_values).where(_kept_by(plugin))).all()),
        blobs=len(_references(connection, plugin)),
        folder=folder if folder.exists() else None,
        decided=replace(QuarantineFile(data).of(plugin), disabled=False) != PluginState(),
    )


def purge_database(connection: Connection, plugin: str, holdings: Holdings, now_ms: int) -> None:
    """Remove what is in the database; files that are needed no more are collected a day later."""
    gone = [*holdings.tables, *([holdings.version_table] if holdings.version_table else [])]
    if gone:
        # In the order that foreign keys ask for.
        _reflected(connection, gone).drop_all(connection)
    connection.execute(delete(plugin_values).where(_kept_by(plugin)))
    for blob, referrer in _references(connection, plugin):
        release(connection, blob, referrer, now_ms)


def purge_files(data: Path, plugin: str, holdings: Holdings) -> None:
    """Remove the rest, once the database is rid of it. A plugin that was disabled stays so."""
    if holdings.folder is not None:
        shutil.rmtree(holdings.folder)
    if holdings.decided:
        QuarantineFile(data).forget(plugin)


def _tables_of(
    connection: Connection, plugin: str, names: set[str], others: Iterable[str]
) -> set[str]:
    """The tables whose names begin with the plugin's: not those that another plugin said are its
    own, nor those of a plugin with a longer name that fits as well."""
    known = {name.removeprefix(VERSIONS) for name in names if name.startswith(VERSIONS)}
    longer = {one for one in known | {*others} if one.startswith(f"{plugin}_")}
    foreign = set(metadata.tables)
    for other in known - {plugin}:
        foreign |= read_tables(connection, other)
    return {
        name
        for name in names - foreign
        if name.startswith(f"{plugin}_")
        and not name.startswith(VERSIONS)
        and not any(name.startswith(f"{one}_") for one in longer)
    } | (read_tables(connection, plugin) & names)


def _reflected(connection: Connection, names: list[str]) -> MetaData:
    found = MetaData()
    found.reflect(connection, only=names)
    return found


def _kept_by(plugin: str) -> ColumnElement[bool]:
    bot = (plugin_values.c.kind == "core") & (plugin_values.c.name == "bot")
    return (plugin_values.c.plugin == plugin) & ~bot


def _references(connection: Connection, plugin: str) -> list[tuple[str, str]]:
    begin = f"plugin:{plugin}:"
    rows = connection.execute(
        select(blob_references).where(blob_references.c.referrer.startswith(begin, autoescape=True))
    )
    # LIKE may not mind upper and lower case.
    return [(blob, referrer) for blob, referrer in rows if referrer.startswith(begin)]
