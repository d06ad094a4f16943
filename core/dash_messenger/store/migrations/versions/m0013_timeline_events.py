"""An index of the events that stand in a time line beside the messages."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0013"
down_revision = "0012"
branch_labels = None
depends_on = None


def upgrade() -> None:
    beside_messages = sa.text(
        "kind IN ('conversation.created', 'conversation.updated', "
        "'member.joined', 'member.removed')"
    )
    op.create_index(
        "ix_events_timeline",
        "events",
        ["log_id", "seq"],
        sqlite_where=beside_messages,
        postgresql_where=beside_messages,
    )
