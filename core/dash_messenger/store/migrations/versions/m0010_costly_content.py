"""Content that was killed for what it cost."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0010"
down_revision = "0009"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "costly_content",
        sa.Column("key_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("installed_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("job", sa.String(length=64), nullable=False),
        sa.Column("type", sa.String(length=64), nullable=False),
        sa.Column("reason", sa.String(length=16), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("key_hash", name=op.f("pk_costly_content")),
        sqlite_with_rowid=False,
    )
