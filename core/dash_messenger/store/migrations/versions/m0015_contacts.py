"""Contacts, requests to become one, invitations, and the words by which people are found."""

from __future__ import annotations

import sqlalchemy as sa
from alembic import op

from dash_messenger.store.tables import Id
from dash_messenger.store.user_words import words_of_user

revision = "0015"
down_revision = "0014"
branch_labels = None
depends_on = None

# Names that are read at once.
PEOPLE_AT_ONCE = 1_000


def upgrade() -> None:
    _contacts()
    _invitations()
    _words()


def _contacts() -> None:
    op.create_table(
        "contacts",
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("contact_id", Id(), nullable=False),
        sa.Column("label", sa.String(64), nullable=True),
        sa.Column("label_words", sa.Text(), nullable=True),
        sa.Column("since_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_contacts_user_id_users"),
        sa.ForeignKeyConstraint(["contact_id"], ["users.id"], name="fk_contacts_contact_id_users"),
        sa.PrimaryKeyConstraint("user_id", "contact_id", name="pk_contacts"),
        sqlite_with_rowid=False,
    )
    op.create_table(
        "contact_requests",
        sa.Column("from_id", Id(), nullable=False),
        sa.Column("to_id", Id(), nullable=False),
        sa.Column("note", sa.String(200), nullable=True),
        sa.Column("asked_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("declined_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("withdrawn_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(
            ["from_id"], ["users.id"], name="fk_contact_requests_from_id_users"
        ),
        sa.ForeignKeyConstraint(["to_id"], ["users.id"], name="fk_contact_requests_to_id_users"),
        sa.PrimaryKeyConstraint("from_id", "to_id", name="pk_contact_requests"),
        sqlite_with_rowid=False,
    )
    waits = sa.text("declined_at_ms IS NULL AND withdrawn_at_ms IS NULL")
    op.create_index(
        "ix_contact_requests_open",
        "contact_requests",
        ["to_id", "from_id"],
        sqlite_where=waits,
        postgresql_where=waits,
    )


def _invitations() -> None:
    op.create_table(
        "invitations",
        sa.Column("id", Id(), nullable=False),
        sa.Column("kind", sa.String(16), nullable=False),
        sa.Column("code_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("client_hash", sa.LargeBinary(32), nullable=False),
        sa.Column("made_by", Id(), nullable=False),
        sa.Column("label", sa.String(64), nullable=True),
        sa.Column("expires_at_ms", sa.BigInteger(), nullable=True),
        sa.Column("uses", sa.Integer(), nullable=True),
        sa.Column("used", sa.Integer(), nullable=False, server_default="0"),
        sa.Column("created_at_ms", sa.BigInteger(), nullable=False),
        sa.Column("revoked_at_ms", sa.BigInteger(), nullable=True),
        sa.ForeignKeyConstraint(["made_by"], ["users.id"], name="fk_invitations_made_by_users"),
        sa.PrimaryKeyConstraint("id", name="pk_invitations"),
        sa.UniqueConstraint("code_hash", name="uq_invitations_code_hash"),
        sa.UniqueConstraint("client_hash", name="uq_invitations_client_hash"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_invitations_made_by_id", "invitations", ["made_by", "id"])
    op.create_table(
        "invitation_uses",
        sa.Column("invitation_id", Id(), nullable=False),
        sa.Column("user_id", Id(), nullable=False),
        sa.Column("at_ms", sa.BigInteger(), nullable=False),
        sa.ForeignKeyConstraint(
            ["invitation_id"],
            ["invitations.id"],
            name="fk_invitation_uses_invitation_id_invitations",
        ),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_invitation_uses_user_id_users"),
        sa.PrimaryKeyConstraint("invitation_id", "user_id", name="pk_invitation_uses"),
        sqlite_with_rowid=False,
    )


def _words() -> None:
    by_bytes = sa.String(64).with_variant(sa.String(64, collation="C"), "postgresql")
    op.create_table(
        "user_words",
        sa.Column("word", by_bytes, nullable=False),
        sa.Column("user_id", Id(), nullable=False),
        sa.ForeignKeyConstraint(["user_id"], ["users.id"], name="fk_user_words_user_id_users"),
        sa.PrimaryKeyConstraint("word", "user_id", name="pk_user_words"),
        sqlite_with_rowid=False,
    )
    op.create_index("ix_user_words_user_id_word", "user_words", ["user_id", "word"])
    users = sa.table(
        "users",
        sa.column("id", Id()),
        sa.column("username", sa.String()),
        sa.column("display_name", sa.String()),
    )
    words = sa.table("user_words", sa.column("word", sa.String()), sa.column("user_id", Id()))
    connection = op.get_bind()
    named = sa.select(users.c.id, users.c.username, users.c.display_name)
    for page in connection.execute(named).partitions(PEOPLE_AT_ONCE):
        rows = [
            {"word": word, "user_id": id}
            for id, username, display_name in page
            for word in sorted(words_of_user(username, display_name))
        ]
        connection.execute(sa.insert(words), rows)
