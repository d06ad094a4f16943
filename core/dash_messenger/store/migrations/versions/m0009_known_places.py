"""Devices and addresses that users logged in from."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dash_messenger.store.tables import Id

revision = "0009"
down_revision = "0008"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "known_places",
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("place_hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("kind", sa.String(length=16), nullable=False),
        sa.Column("seen_at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name=op.f("fk_known_places_user_id_users")
        ),
        sa.PrimaryKeyConstraint("user_id", "place_hash", name=op.f("pk_known_places")),
        sqlite_with_rowid=False,
    )
