"""Alembic's entry: runs on the connection that `dash_messenger.store.migrate` hands over."""

from alembic import context

from dash_messenger.store.migrations import VERSION_TABLE
from dash_messenger.store.tables import metadata

context.configure(
    connection=context.config.attributes["connection"],
    target_metadata=metadata,
    version_table=VERSION_TABLE,
    transactional_ddl=True,
)
with context.begin_transaction():
    context.run_migrations()
