"""Blobs and who refers to them."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dash_messenger.store.tables import Id

revision = "0003"
down_revision = "0002"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "blobs",
        sa.Column("id", Id(), nullable=False),
        sa.Column("hash", sa.LargeBinary(length=32), nullable=False),
        sa.Column("bytes", sa.BigInteger(), nullable=False),
        sa.Column("media_type", sa.String(length=128), nullable=False),
        sa.Column("name", sa.String(length=255), nullable=False),
        sa.Column("owner_id", Id(), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("unreferenced_at_ms", sa.BigInteger(), nullable=True),
        sa.PrimaryKeyConstraint("id", name=op.f("pk_blobs")),
        sqlite_with_rowid=False,
    )
    op.create_index(op.f("ix_blobs_hash"), "blobs", ["hash"])
    op.create_index(op.f("ix_blobs_unreferenced_at_ms"), "blobs", ["unreferenced_at_ms"])
    op.create_table(
        "blob_references",
        sa.Column("blob_id", Id(), nullable=False),
        sa.Column("referrer", sa.String(length=160), nullable=False),
        sa.PrimaryKeyConstraint("blob_id", "referrer", name=op.f("pk_blob_references")),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_blob_references_referrer", "blob_references", ["referrer"])
