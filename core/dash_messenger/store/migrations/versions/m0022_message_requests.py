"""Message requests: the one message that a stranger may send."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dash_messenger.store.tables import Id

revision = "0022"
down_revision = "0021"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "message_requests",
        sa.Column("from_id", Id(), nullable=False),
        sa.Column("to_id", Id(), nullable=False),
        sa.Column("conversation_id", Id(), nullable=False),
        sa.Column("message_id", Id(), nullable=False),
        sa.Column("asked_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("declined_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["from_id"], ["users.id"], name="fk_message_requests_from_id_users"
        ),
        sa.ForeignKeyConstraint(["to_id"], ["users.id"], name="fk_message_requests_to_id_users"),
        sa.PrimaryKeyConstraint("from_id", "to_id", name="pk_message_requests"),
        sqlite_with_rowid=False,
    )
    waits = sa.text("declined_at_ms IS NULL AND withdrawn_at_ms IS NULL")
    op.create_index(
        "ix_message_requests_open",
        "message_requests",
        ["to_id", "from_id"],
        sqlite_where=waits,
        postgresql_where=waits,
    )
    # As a server begins; it writes here what its settings say.
    defaults = sa.table(
        "privacy_defaults",
        sa.column("setting", sa.String(16)),
        sa.column("value", sa.String(16)),
    )
    op.bulk_insert(defaults, [{"setting": "requests", "value": "everybody"}])
