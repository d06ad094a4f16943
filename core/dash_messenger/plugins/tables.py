"""Tables of plugins' own: which there are, and bringing them up to date before they are used.

Owns when they are migrated. Must not know what is in them. Invariant: a plugin whose migration
fails is quarantined, and everybody else's tables are as they were.
"""

from __future__ import annotations

from collections.abc import Callable, Iterator

from dash_messenger.plugin_api.context import Tables
from dash_messenger.plugins.loader import Plugins
from dash_messenger.plugins.storage import migrate_tables, without_exit
from dash_messenger.registry import Registry
from dash_messenger.store import Store, Transaction

__all__ = ["PluginTables"]


class PluginTables:
    """What plugins gave to ``register_tables``, by plugin."""

    def __init__(self, plugins: Plugins) -> None:
        self._plugins = plugins
        self._registry: Registry[Tables] = Registry("the tables of")

    def add(self, plugin: str, tables: Tables) -> None:
        """Take a plugin's tables.

        Raises:
            TypeError: they are none.
        """
        if not isinstance(tables, Tables):
            raise TypeError(f"{tables!r} is not a Tables")
        self._registry.add(plugin, plugin, tables)

    def remove(self, plugin: str) -> None:
        """Forget a plugin's tables; they stay in the database."""
        self._registry.remove(plugin)

    def of(self, plugin: str) -> Tables | None:
        """A plugin's tables, if it has some."""
        return self._registry.by_name.get(plugin)

    def __iter__(self) -> Iterator[str]:
        """The plugins that have tables."""
        return iter([*self._registry.by_name])

    async def migrate(self, plugin: str, store: Store) -> bool:
        """Bring a plugin's tables up to date, if it has some: whether it is in use then."""
        tables = self.of(plugin)
        if tables is None or not self._plugins.loaded(plugin):
            return self._plugins.loaded(plugin)
        return await self._plugins.runner.start_async(
            plugin,
            lambda: store.write(_migrating(plugin, tables)),
            doing="migrations",
            within_s=None,
        )


def _migrating(plugin: str, tables: Tables) -> Callable[[Transaction], None]:
    def work(transaction: Transaction) -> None:
        without_exit(
            lambda connection: migrate_tables(connection, plugin, tables), transaction.connection
        )

    return work
