"""Messages that live: states, marks, reactions, revisions, replies."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dash_messenger.store.tables import Id

revision = "0002"
down_revision = "0001"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("messages", sa.Column("reactions", sa.LargeBinary(), nullable=True))
    op.add_column("messages", sa.Column("reply_to", Id(), nullable=True))
    op.add_column("messages", sa.Column("reply_number", sa.BigInteger(), nullable=True))
    op.create_table(
        "marks",
        sa.Column("message_id", Id(), nullable=False),
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("mark", sa.LargeBinary(), nullable=True),
        sa.Column("reactions", sa.LargeBinary(), nullable=True),
        sa.PrimaryKeyConstraint("message_id", "user_id", name=op.f("pk_marks")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "revisions",
        sa.Column("message_id", Id(), nullable=False),
        sa.Column("rev", sa.Integer(), nullable=False),
        sa.Column("type_version", sa.Integer(), nullable=False),
        sa.Column("content", sa.LargeBinary(), nullable=False),
        sa.Column("text", sa.Text(), nullable=True),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("message_id", "rev", name=op.f("pk_revisions")),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "answers",
        sa.Column("client_id", Id(), nullable=False),
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("params_hash", sa.LargeBinary(length=16), nullable=False),
        sa.Column("answer", sa.LargeBinary(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.PrimaryKeyConstraint("client_id", "user_id", name=op.f("pk_answers")),
        sqlite_with_rowid=False,
    )
