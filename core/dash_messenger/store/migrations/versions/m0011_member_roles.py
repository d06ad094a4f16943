"""What members are in their groups: a group's creator owns it.

Where the creator has left, it is the one who is in it longest, of those who can act.
"""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

revision = "0011"
down_revision = "0010"
branch_labels = None
depends_on = None


def upgrade() -> None:
    op.add_column(
        "members", sa.Column("role", sa.String(length=16), nullable=False, server_default="member")
    )
    op.execute(
        "UPDATE members SET role = 'owner' WHERE (conversation_id, user_id) IN ("
        "SELECT conversation_id, user_id FROM ("
        "SELECT m.conversation_id, m.user_id, row_number() OVER ("
        "PARTITION BY m.conversation_id ORDER BY "
        "CASE WHEN m.user_id = c.created_by THEN 0 "
        "WHEN u.deactivated_at_ms IS NULL AND u.role <> 'bot' THEN 1 ELSE 2 END, "
        "m.joined_at_ms, m.from_seq, m.user_id) AS place "
        "FROM members m JOIN conversations c ON c.id = m.conversation_id "
        "JOIN users u ON u.id = m.user_id "
        "WHERE c.kind = 'group' AND m.to_seq IS NULL) AS ranked WHERE place = 1)"
    )
