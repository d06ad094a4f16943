"""Photos of people and groups: the blob that each refers to."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dash_messenger.store.tables import Id

revision = "0005"
down_revision = "0004"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column("users", sa.Column("photo", Id(), nullable=True))
    op.add_column("conversations", sa.Column("photo", Id(), nullable=True))
