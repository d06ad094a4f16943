"""Roles of members, found by an index, bans, and what groups say of themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dash_messenger.store.tables import Id

revision = "0018"
down_revision = "0017"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("conversations", sa.Column("description", sa.Text(), nullable=True))
    op.add_column("conversations", sa.Column("rules", sa.Text(), nullable=True))
    above = sa.text("role != 'member'")
    op.create_index(
        "ix_members_above",
        "members",
        ["conversation_id", "role", "to_seq", "user_id"],
        sqlite_where=above,
        postgresql_where=above,
    )
    op.create_table(
        "bans",
        sa.Column("conversation_id", Id(), nullable=False),
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("by_id", Id(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["conversation_id"], ["conversations.id"], name="fk_bans_conversation_id_conversations"
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_bans_user_id_users"),
        sa.ForeignKeyConstraint(["by_id"], ["users.id"], name="fk_bans_by_id_users"),
        sa.PrimaryKeyConstraint("conversation_id", "user_id", name="pk_bans"),
        sqlite_with_rowid=False,
    )
    beside_messages = sa.text(
        "kind IN ('conversation.created', 'conversation.updated', "
        "'member.joined', 'member.removed', 'member.updated', 'member.banned')"
    )
    op.drop_index("ix_events_timeline", "events")
    op.create_index(
        "ix_events_timeline",
        "events",
        ["log_id", "seq"],
        sqlite_where=beside_messages,
        postgresql_where=beside_messages,
    )
