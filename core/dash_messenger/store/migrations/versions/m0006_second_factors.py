"""Second factors, and log-ins that wait for one."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dash_messenger.store.tables import Id

revision = "0006"
down_revision = "0005"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "logins",
        sa.Column("token_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("user_agent", sa.String(length=256), nullable=False),
        sa.Column("address", sa.String(length=64), nullable=False),
        sa.Column("done", sa.Text(), nullable=False),
        sa.Column("tries", sa.Integer(), server_default="0", nullable=False),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name=op.f("fk_logins_user_id_users")),
        sa.PrimaryKeyConstraint("token_hash", name=op.f("pk_logins")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_logins_user_id"), "logins", ["user_id"])
    op.create_index(op.f("ix_logins_expires_at_ms"), "logins", ["expires_at_ms"])
    op.create_table(
        "enrolments",
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("factor", sa.String(length=64), nullable=False),
        sa.Column("plugin", sa.String(length=64), nullable=False),
        sa.Column("rev", sa.BigInteger(), nullable=False),
        sa.Column("kept", sa.Text(), nullable=True),
        sa.Column("confirmed_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("beginning", sa.Text(), nullable=True),
        sa.Column("begun_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("begun_by", Id(), nullable=True),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_enrolments_user_id_users")
        ),
        sa.PrimaryKeyConstraint("user_id", "factor", name=op.f("pk_enrolments")),
        sqlite_with_rowid=False,
    )
    # The server looks each second for sessions that another process closed.
    op.create_index(op.f("ix_sessions_closed_at_ms"), "sessions", ["closed_at_ms"])
