"""How the tables came to be: one alembic graph for the core, kept in `alembic_version_core`.

`NEWEST` is the graph's head, so that a current database opens without importing alembic (0.3 s).
"""

NEWEST = "0023"
VERSION_TABLE = "alembic_version_core"
