"""Invitations to groups, and who asks to join one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dash_messenger.store.tables import Id

revision = "0023"
down_revision = "0022"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("invitations", sa.Column("conversation_id", Id(), nullable=True))
    op.add_column(
        "invitations", sa.Column("approval", sa.Integer(), nullable=False, server_default="0")
    )
    of_groups = sa.text("conversation_id IS NOT NULL")
    op.create_index(
        "ix_invitations_conversation_id_id",
        "invitations",
        ["conversation_id", "id"],
        sqlite_where=of_groups,
        postgresql_where=of_groups,
    )
    op.create_table(
        "join_requests",
        sa.Column("conversation_id", Id(), nullable=False),
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("invitation_id", Id(), nullable=False),
        sa.Column("asked_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("declined_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["conversation_id"],
            ["conversations.id"],
            name="fk_join_requests_conversation_id_conversations",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_join_requests_user_id_users"),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["invitations.id"],
            name="fk_join_requests_invitation_id_invitations",
        ),
        sa.PrimaryKeyConstraint("conversation_id", "user_id", name="pk_join_requests"),
        sqlite_with_rowid=False,
    )
    waits = sa.text("declined_at_ms IS NULL")
    op.create_index(
        "ix_join_requests_waiting",
        "join_requests",
        ["conversation_id", "user_id"],
        sqlite_where=waits,
        postgresql_where=waits,
    )
