"""The plugin's tables: packs, their stickers, and what each user keeps of them."""

from __future__ import annotations

from sqlalchemy import BigInteger, Boolean, Column, Index, Integer, MetaData, String, Table

__all__ = ["collections", "favourites", "items", "metadata", "packs", "uses"]

metadata = MetaData()

# `owner_id` is null for packs that are shipped; those have a `key`, so that each comes once.
packs = Table(
    "stickers_packs",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("owner_id", String(32), nullable=True, index=True),
    Column("key", String(64), nullable=True, unique=True),
    Column("title", String(64), nullable=False),
    Column("made_at_ms", BigInteger, nullable=False),
)

items = Table(
    "stickers_items",
    metadata,
    Column("id", String(32), primary_key=True),
    Column("pack_id", String(32), nullable=False),
    Column("position", Integer, nullable=False),
    Column("blob_id", String(32), nullable=False),
    Column("width", Integer, nullable=False),
    Column("height", Integer, nullable=False),
    Column("animated", Boolean, nullable=False),
    # Emoji, separated by spaces: what search finds it by, and how it reads where it is not drawn.
    Column("emoji", String(64), nullable=False),
    Index("ix_stickers_items_pack_id_position", "pack_id", "position"),
)

collections = Table(
    "stickers_collections",
    metadata,
    Column("user_id", String(32), primary_key=True),
    Column("pack_id", String(32), primary_key=True),
    Column("position", Integer, nullable=False),
)

uses = Table(
    "stickers_uses",
    metadata,
    Column("user_id", String(32), primary_key=True),
    Column("item_id", String(32), primary_key=True),
    Column("used_at_ms", BigInteger, nullable=False),
)

favourites = Table(
    "stickers_favourites",
    metadata,
    Column("user_id", String(32), primary_key=True),
    Column("item_id", String(32), primary_key=True),
    Column("kept_at_ms", BigInteger, nullable=False),
)
