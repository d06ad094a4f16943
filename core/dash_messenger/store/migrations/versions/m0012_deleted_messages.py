"""An index of deleted messages: what is unread leaves them out."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0012"
down_revision = "0011"
branch_labels = None
depends_on = None


def upgrade() -> None:
    deleted = sa.text("deleted_at_ms IS NOT NULL")
    op.create_index(
        "ix_messages_deleted",
        "messages",
        ["conversation_id", "number", "deleted_at_ms"],
        sqlite_where=deleted,
        postgresql_where=deleted,
    )
