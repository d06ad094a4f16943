"""The store's database as one SQLite file; the only place that knows its driver."""

from dash_messenger.store.sqlite.backend import SqliteBackend

__all__ = ["SqliteBackend"]
