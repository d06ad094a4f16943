"""Files by their owners, so that what they take is summed without reading them."""

from __future__ import annotations

from alembic import op

revision = "0008"
down_revision = "0007"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.create_index("ix_blobs_owner", "blobs", ["owner_id", "unreferenced_at_ms", "bytes"])
