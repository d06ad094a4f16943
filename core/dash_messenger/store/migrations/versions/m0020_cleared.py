"""Up to which message members have deleted a conversation for themselves."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0020"
down_revision = "0018"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("members", sa.Column("cleared_no", sa.BigInteger(), nullable=True))
