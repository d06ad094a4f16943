"""Packs, stickers and what users keep."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "stickers_0001"
down_revision = None
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_table(
        "stickers_packs",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("owner_id", sa.String(32), nullable=True),
        sa.Column("key", sa.String(64), nullable=True, unique=True),
        sa.Column("title", sa.String(64), nullable=False),
        sa.Column("made_at_ms", sa.BigInteger(), nullable=False),
    )
    op.create_index("ix_stickers_packs_owner_id", "stickers_packs", ["owner_id"])
    op.create_table(
        "stickers_items",
        sa.Column("id", sa.String(32), primary_key=True),
        sa.Column("pack_id", sa.String(32), nullable=False),
        sa.Column("position", sa.Integer(), nullable=False),
        sa.Column("blob_id", sa.String(32), nullable=False),
        sa.Column("width", sa.Integer(), nullable=False),
        sa.Column("height", sa.Integer(), nullable=False),
        sa.Column("animated", sa.Boolean(), nullable=False),
        sa.Column("emoji", sa.String(64), nullable=False),
    )
    op.create_index("ix_stickers_items_pack_id_position", "stickers_items", ["pack_id", "position"])
    op.create_table(
        "stickers_collections",
        sa.Column("user_id", sa.String(32), primary_key=True),
        sa.Column("pack_id", sa.String(32), primary_key=True),
        sa.Column("position", sa.Integer(), nullable=False),
    )
    for name, moment in (("stickers_uses", "used_at_ms"), ("stickers_favourites", "kept_at_ms")):
        op.create_table(
            name,
            sa.Column("user_id", sa.String(32), primary_key=True),
            sa.Column("item_id", sa.String(32), primary_key=True),
            sa.Column(moment, sa.BigInteger(), nullable=False),
        )
