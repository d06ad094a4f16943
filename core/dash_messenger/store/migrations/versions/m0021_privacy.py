"""Privacy settings with their exceptions, and blocks."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dash_messenger.store.tables import Id

revision = "0021"
down_revision = "0020"
branch_labels = None
depends_on = None


# As a server begins; it writes here what its settings say.
DEFAULTS = {
    "find": "everybody",
    "message": "everybody",
    "add": "everybody",
    "email": "nobody",
    "photo": "everybody",
    "last_seen": "contacts",
    "receipts": "everybody",
    "typing": "everybody",
}


def upgrade() -> None:
    defaults = op.create_table(
        "privacy_defaults",
        sa.Column("setting", sa.String(16), nullable=False),
        sa.Column("value", sa.String(16), nullable=False),
        sa.PrimaryKeyConstraint("setting", name="pk_privacy_defaults"),
        sqlite_with_rowid=False,
    )
    op.bulk_insert(
        defaults, [{"setting": name, "value": value} for name, value in DEFAULTS.items()]
    )
    op.create_table(
        "privacy_settings",
        sa.Column("setting", sa.String(16), nullable=False),
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("value", sa.String(16), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_privacy_settings_user_id_users"
        ),
        sa.PrimaryKeyConstraint("setting", "user_id", name="pk_privacy_settings"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "privacy_exceptions",
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("person_id", Id(), nullable=False),
        sa.Column("setting", sa.String(16), nullable=False),
        sa.Column("allowed", sa.Integer(), nullable=False),
        sa.ForeignKeyConstraint(
            ["user_id"], ["users.id"], name="fk_privacy_exceptions_user_id_users"
        ),
        sa.ForeignKeyConstraint(
            ["person_id"], ["users.id"], name="fk_privacy_exceptions_person_id_users"
        ),
        sa.PrimaryKeyConstraint("user_id", "person_id", "setting", name="pk_privacy_exceptions"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "blocks",
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("blocked_id", Id(), nullable=False),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_blocks_user_id_users"),
        sa.ForeignKeyConstraint(["blocked_id"], ["users.id"], name="fk_blocks_blocked_id_users"),
        sa.PrimaryKeyConstraint("user_id", "blocked_id", name="pk_blocks"),
        sqlite_with_rowid=False,
    )
    # Whether a member's messages are refused in a direct conversation.
    op.add_column("members", sa.Column("refusal", sa.Integer(), nullable=False, server_default="0"))
