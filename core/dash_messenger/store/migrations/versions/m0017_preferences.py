"""How members want their conversations in their lists: muted, pinned, archived, marked unread."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0017"
down_revision = "0015"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("members", sa.Column("muted_until_ms", sa.BigInteger(), nullable=True))
    op.add_column("members", sa.Column("notify", sa.String(16), nullable=True))
    op.add_column("members", sa.Column("pinned_no", sa.BigInteger(), nullable=True))
    op.add_column("members", sa.Column("archived_no", sa.BigInteger(), nullable=True))
    op.add_column("members", sa.Column("marked_unread", sa.Integer(), nullable=True))
    op.add_column("members", sa.Column("preferences_change_no", sa.BigInteger(), nullable=True))
    pinned = sa.text("pinned_no IS NOT NULL")
    op.create_index(
        "ix_members_pinned",
        "members",
        ["user_id", "pinned_no"],
        sqlite_where=pinned,
        postgresql_where=pinned,
    )
