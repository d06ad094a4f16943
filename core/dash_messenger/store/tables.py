"""The tables of the core, as SQLAlchemy Core sees them.

Owns names, columns, keys and indexes; the migrations make them. Must not know who reads or writes.
Hot tables (messages, events) are written in append order and carry no foreign keys: the writer
checks what it refers to in the same transaction. One file, however many tables: whoever
adds a column or a query looks through all of them.
"""

from __future__ import annotations

import uuid
from typing import Any

from sqlalchemy import (
    BigInteger,
    Column,
    ForeignKey,
    Index,
    Integer,
    LargeBinary,
    MetaData,
    String,
    Table,
    Text,
    UniqueConstraint,
    Uuid,
    literal_column,
)
from sqlalchemy.engine import Dialect
from sqlalchemy.types import TypeDecorator, TypeEngine

from dash_messenger.protocol.events import TIMELINE_KINDS

__all__ = [
    "IS_ABOVE_MEMBERS",
    "TIMELINE_EVENTS",
    "Id",
    "answers",
    "bans",
    "blob_references",
    "blobs",
    "blocks",
    "contact_requests",
    "contacts",
    "conversations",
    "counters",
    "enrolments",
    "events",
    "invitation_uses",
    "invitations",
    "known_places",
    "logins",
    "marks",
    "members",
    "message_requests",
    "messages",
    "meta",
    "metadata",
    "plugin_values",
    "privacy_defaults",
    "privacy_exceptions",
    "privacy_settings",
    "read_positions",
    "revisions",
    "sessions",
    "timers",
    "user_words",
    "users",
]


class Id(TypeDecorator[str]):
    """32 hexadecimal characters in Python, 16 bytes in SQLite, a UUID in PostgreSQL."""

    impl = LargeBinary(16)
    cache_ok = True

    def load_dialect_impl(self, dialect: Dialect) -> TypeEngine[Any]:
        if dialect.name == "postgresql":
            return dialect.type_descriptor(Uuid(as_uuid=True))
        return dialect.type_descriptor(LargeBinary(16))

    def process_bind_param(self, value: str | None, dialect: Dialect) -> bytes | uuid.UUID | None:
        if value is None:
            return None
        return uuid.UUID(value) if dialect.name == "postgresql" else bytes.fromhex(value)

    def process_result_value(self, value: Any, dialect: Dialect) -> str | None:
        if value is None:
            return None
        text: str = value.hex if isinstance(value, uuid.UUID) else bytes(value).hex()
        return text


metadata = MetaData(
    naming_convention={
        "ix": "ix_%(table_name)s_%(column_0_N_name)s",
        "uq": "uq_%(table_name)s_%(column_0_N_name)s",
        "fk": "fk_%(table_name)s_%(column_0_N_name)s",
        "pk": "pk_%(table_name)s",
    }
)

# `epoch` (a restore makes a new one) and `secret` (keys the hash of a command's parameters).
meta = Table(
    "meta",
    metadata,
    Column("key", String(64), primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

# `change_no`: the number of the newest batch, read by `sync` inside its snapshot.
counters = Table(
    "counters",
    metadata,
    Column("name", String(64), primary_key=True),
    Column("value", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

users = Table(
    "users",
    metadata,
    Column("id", Id, primary_key=True),
    Column("username", String(32), nullable=False),
    Column("username_key", String(32), nullable=False, unique=True),
    Column("display_name", String(128), nullable=False),
    Column("password_hash", Text),
    # How often the password was changed: what was proven with an earlier one opens nothing.
    Column("password_rev", BigInteger, nullable=False, server_default="0"),
    Column("role", String(16), nullable=False, server_default="member"),
    Column("language", String(16)),
    Column("theme", String(32)),
    Column("photo", Id),
    Column("seq", BigInteger, nullable=False, server_default="0"),
    Column("floor", BigInteger, nullable=False, server_default="0"),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("deactivated_at_ms", BigInteger),
)

# By what people are found: the folded words of both names, and the user name after an "@". The
# migration has PostgreSQL compare them as SQLite does, by their bytes: a beginning is a range then.
user_words = Table(
    "user_words",
    metadata,
    Column("word", String(64), primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True),
    Index("ix_user_words_user_id_word", "user_id", "word"),
    sqlite_with_rowid=False,
)

# Two rows for two people, each one's own. `label_words` are the label's, a space before each.
contacts = Table(
    "contacts",
    metadata,
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("contact_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("label", String(64)),
    Column("label_words", Text),
    Column("since_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Who asked to be whose contact. A row stays when it was declined or withdrawn, so that asking again
# is the same request; it goes when the two become contacts.
contact_requests = Table(
    "contact_requests",
    metadata,
    Column("from_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("to_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("note", String(200)),
    Column("asked_at_ms", BigInteger, nullable=False),
    Column("declined_at_ms", BigInteger),
    Column("withdrawn_at_ms", BigInteger),
    sqlite_with_rowid=False,
)
# What waits for the one who was asked. The migration says the condition for PostgreSQL, too.
Index(
    "ix_contact_requests_open",
    contact_requests.c.to_id,
    contact_requests.c.from_id,
    sqlite_where=contact_requests.c.declined_at_ms.is_(None)
    & contact_requests.c.withdrawn_at_ms.is_(None),
)

# Who wrote to whom without being allowed to: one message, which waits. A row stays when it was
# declined, or its message deleted, so that no second one is sent; it goes when it is accepted. The
# one who was asked has a row of `members` from the start, which ended before it began.
message_requests = Table(
    "message_requests",
    metadata,
    Column("from_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("to_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("conversation_id", Id, nullable=False),
    Column("message_id", Id, nullable=False),
    Column("asked_at_ms", BigInteger, nullable=False),
    Column("declined_at_ms", BigInteger),
    Column("withdrawn_at_ms", BigInteger),
    sqlite_with_rowid=False,
)
# What waits for the one who was asked. The migration says the condition for PostgreSQL, too.
Index(
    "ix_message_requests_open",
    message_requests.c.to_id,
    message_requests.c.from_id,
    sqlite_where=message_requests.c.declined_at_ms.is_(None)
    & message_requests.c.withdrawn_at_ms.is_(None),
)

# What the server's settings say for people who chose nothing else: written at each start.
privacy_defaults = Table(
    "privacy_defaults",
    metadata,
    Column("setting", String(16), primary_key=True),
    Column("value", String(16), nullable=False),
    sqlite_with_rowid=False,
)

# What people chose instead.
privacy_settings = Table(
    "privacy_settings",
    metadata,
    Column("setting", String(16), primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("value", String(16), nullable=False),
    sqlite_with_rowid=False,
)

# Whom somebody, `user_id`, lets do something, or not, whatever their setting says.
privacy_exceptions = Table(
    "privacy_exceptions",
    metadata,
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("person_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("setting", String(16), primary_key=True),
    Column("allowed", Integer, nullable=False),
    sqlite_with_rowid=False,
)

# Whom somebody has blocked.
blocks = Table(
    "blocks",
    metadata,
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("blocked_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("since_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Codes that let people in, by `kind`: `contact` opens its maker's card, by `group` people join a
# conversation. Neither the code nor what its maker called it (`client_id`, which the code is made
# from) is here, but a hash of each.
invitations = Table(
    "invitations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("code_hash", LargeBinary(32), nullable=False, unique=True),
    Column("client_hash", LargeBinary(32), nullable=False, unique=True),
    Column("made_by", Id, ForeignKey("users.id"), nullable=False),
    Column("label", String(64)),
    Column("expires_at_ms", BigInteger),
    # How many people may use it, null for any number; and how many have.
    Column("uses", Integer),
    Column("used", Integer, nullable=False, server_default="0"),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("revoked_at_ms", BigInteger),
    # Of a group: which, and whether somebody in it lets in each who asks.
    Column("conversation_id", Id),
    Column("approval", Integer, nullable=False, server_default="0"),
    Index("ix_invitations_made_by_id", "made_by", "id"),
    sqlite_with_rowid=False,
)

# Few are of groups. The migration says the condition for PostgreSQL, too.
Index(
    "ix_invitations_conversation_id_id",
    invitations.c.conversation_id,
    invitations.c.id,
    sqlite_where=invitations.c.conversation_id.is_not(None),
)

# Who has used an invitation: each counts once.
invitation_uses = Table(
    "invitation_uses",
    metadata,
    Column("invitation_id", Id, ForeignKey("invitations.id"), primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

sessions = Table(
    "sessions",
    metadata,
    Column("id", Id, primary_key=True),
    Column("token_hash", LargeBinary(32), nullable=False, unique=True),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("last_seen_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False),
    Column("closed_at_ms", BigInteger, index=True),
    Column("closed_because", String(64)),
    Column("user_agent", String(256), nullable=False, server_default=""),
)

# Devices and addresses (`kind`) that a user logged in from; they outlive the session.
known_places = Table(
    "known_places",
    metadata,
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("place_hash", LargeBinary(32), primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("seen_at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Log-ins that wait for something besides the password. A table of their own, so that their tokens
# open nothing.
logins = Table(
    "logins",
    metadata,
    Column("token_hash", LargeBinary(32), primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), nullable=False, index=True),
    Column("kind", String(16), nullable=False),
    Column("user_agent", String(256), nullable=False),
    Column("address", String(64), nullable=False),
    Column("done", Text, nullable=False),
    Column("tries", Integer, nullable=False, server_default="0"),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("expires_at_ms", BigInteger, nullable=False, index=True),
    sqlite_with_rowid=False,
)

# The second factors that users have set up. ``kept`` is null until the first set-up is confirmed;
# ``beginning`` is a set-up that is not confirmed yet, by the session ``begun_by``.
enrolments = Table(
    "enrolments",
    metadata,
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("factor", String(64), primary_key=True),
    Column("plugin", String(64), nullable=False),
    Column("rev", BigInteger, nullable=False),
    Column("kept", Text),
    Column("confirmed_at_ms", BigInteger),
    Column("beginning", Text),
    Column("begun_at_ms", BigInteger),
    Column("begun_by", Id),
    sqlite_with_rowid=False,
)

conversations = Table(
    "conversations",
    metadata,
    Column("id", Id, primary_key=True),
    Column("kind", String(16), nullable=False),
    Column("title", String(128)),
    Column("photo", Id),
    Column("description", Text),
    Column("rules", Text),
    Column("direct_key", String(80), unique=True),
    Column("seq", BigInteger, nullable=False, server_default="0"),
    Column("message_no", BigInteger, nullable=False, server_default="0"),
    Column("last_message_id", Id),
    Column("change_no", BigInteger, nullable=False, server_default="0"),
    Column("created_at_ms", BigInteger, nullable=False),
    Column("created_by", Id, nullable=False),
    Column("history", String(16), nullable=False, server_default="joined"),
    Column("floor", BigInteger, nullable=False, server_default="0"),
    # What the creator called it, so that a retried creation finds the first one.
    Column("client_id", Id),
    UniqueConstraint("client_id", "created_by"),
    sqlite_with_rowid=False,
)

members = Table(
    "members",
    metadata,
    Column("conversation_id", Id, ForeignKey("conversations.id"), primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("from_seq", BigInteger, nullable=False),
    Column("from_number", BigInteger, nullable=False),
    Column("to_seq", BigInteger),
    Column("joined_at_ms", BigInteger, nullable=False),
    # `owner`, `admin` or `member`, of whoever is in it now.
    Column("role", String(16), nullable=False, server_default="member"),
    # Why their messages are refused in a direct conversation; 0 where they are not.
    Column("refusal", Integer, nullable=False, server_default="0"),
    # How the member wants it in their list; null where they want nothing else than others.
    Column("muted_until_ms", BigInteger),
    Column("notify", String(16)),
    # The highest stands on top of the list.
    Column("pinned_no", BigInteger),
    # The number of the newest message when it was archived.
    Column("archived_no", BigInteger),
    Column("marked_unread", Integer),
    # What came up to this number they have deleted for themselves; `from_number` is beyond it.
    Column("cleared_no", BigInteger),
    # Of when one of these changed last.
    Column("preferences_change_no", BigInteger),
    Index("ix_members_user_id_conversation_id", "user_id", "conversation_id"),
    sqlite_with_rowid=False,
)

# A few of each user. The migration says the condition for PostgreSQL, too.
Index(
    "ix_members_pinned",
    members.c.user_id,
    members.c.pinned_no,
    sqlite_where=members.c.pinned_no.is_not(None),
)

# Few are more than members: who they are is found without looking at all, by the index alone, or
# SQLite prefers the key. The migration says the condition for PostgreSQL, too.
IS_ABOVE_MEMBERS = members.c.role != literal_column("'member'")
Index(
    "ix_members_above",
    members.c.conversation_id,
    members.c.role,
    members.c.to_seq,
    members.c.user_id,
    sqlite_where=IS_ABOVE_MEMBERS,
)

# Who cannot be added to a group, whether they were in it or not.
bans = Table(
    "bans",
    metadata,
    Column("conversation_id", Id, ForeignKey("conversations.id"), primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("by_id", Id, ForeignKey("users.id"), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# Who asks to join a group, by an invitation that needs approval. What was declined stays, so that
# asking again is the same request.
join_requests = Table(
    "join_requests",
    metadata,
    Column("conversation_id", Id, ForeignKey("conversations.id"), primary_key=True),
    Column("user_id", Id, ForeignKey("users.id"), primary_key=True),
    Column("invitation_id", Id, ForeignKey("invitations.id"), nullable=False),
    Column("asked_at_ms", BigInteger, nullable=False),
    Column("declined_at_ms", BigInteger),
    sqlite_with_rowid=False,
)

# Few wait. The migration says the condition for PostgreSQL, too.
Index(
    "ix_join_requests_waiting",
    join_requests.c.conversation_id,
    join_requests.c.user_id,
    sqlite_where=join_requests.c.declined_at_ms.is_(None),
)

read_positions = Table(
    "read_positions",
    metadata,
    Column("conversation_id", Id, primary_key=True),
    Column("user_id", Id, primary_key=True),
    Column("read_no", BigInteger, nullable=False),
    Column("change_no", BigInteger, nullable=False, server_default="0"),
    sqlite_with_rowid=False,
)

messages = Table(
    "messages",
    metadata,
    Column(
        "row_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    Column("id", Id, nullable=False, unique=True),
    Column("conversation_id", Id, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("number", BigInteger, nullable=False),
    Column("sender_id", Id, nullable=False),
    Column("session_id", Id),
    Column("client_id", Id, nullable=False),
    Column("params_hash", LargeBinary(16), nullable=False),
    Column("type", String(64), nullable=False),
    Column("type_version", Integer, nullable=False),
    Column("content", LargeBinary),
    Column("state", LargeBinary),
    # How many put each emoji on it, as JSON, so that reading a message reads one row.
    Column("reactions", LargeBinary),
    Column("text", Text),
    Column("rev", Integer, nullable=False, server_default="1"),
    Column("sent_at_ms", BigInteger, nullable=False),
    Column("edited_at_ms", BigInteger),
    Column("deleted_at_ms", BigInteger),
    Column("thread", Id),
    Column("reply_to", Id),
    Column("reply_number", BigInteger),
    Column("origin", String(64)),
    Column("external_id", String(256)),
    # In this order: version 7 client ids append, senders would scatter.
    UniqueConstraint("client_id", "sender_id"),
    Index("ix_messages_conversation_id_number", "conversation_id", "number", unique=True),
)
# Few are: what is unread leaves them out, by the index alone. The migrations say the condition for
# PostgreSQL, too: said here, it would have SQLAlchemy load that database's dialect at each start.
Index(
    "ix_messages_deleted",
    messages.c.conversation_id,
    messages.c.number,
    messages.c.deleted_at_ms,
    sqlite_where=messages.c.deleted_at_ms.is_not(None),
)

# The logs of conversations and of users: `log_id` is the id of either. Rows lie in the order in
# which they came, and only the small entries of the index are scattered over its pages.
events = Table(
    "events",
    metadata,
    Column(
        "row_id", BigInteger().with_variant(Integer, "sqlite"), primary_key=True, autoincrement=True
    ),
    Column("log_id", Id, nullable=False),
    Column("seq", BigInteger, nullable=False),
    Column("kind", String(64), nullable=False),
    Column("by_id", Id, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    Column("message_id", Id),
    Column("data", LargeBinary),
    UniqueConstraint("log_id", "seq"),
)

# Of all events few stand in a time line beside the messages: who came and went, new names.
TIMELINE_EVENTS = events.c.kind.in_([literal_column(f"'{kind}'") for kind in TIMELINE_KINDS])
Index(
    "ix_events_timeline",
    events.c.log_id,
    events.c.seq,
    sqlite_where=TIMELINE_EVENTS,
)

# What one reader has put on a message: its type's mark, and reactions.
marks = Table(
    "marks",
    metadata,
    Column("message_id", Id, primary_key=True),
    Column("user_id", Id, primary_key=True),
    Column("mark", LargeBinary),
    Column("reactions", LargeBinary),
    sqlite_with_rowid=False,
)

# What an author had written before an edit.
revisions = Table(
    "revisions",
    metadata,
    Column("message_id", Id, primary_key=True),
    Column("rev", Integer, primary_key=True),
    Column("type_version", Integer, nullable=False),
    Column("content", LargeBinary, nullable=False),
    Column("text", Text),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What was answered to requests that name themselves, so that a retry gets the first answer.
answers = Table(
    "answers",
    metadata,
    Column("client_id", Id, primary_key=True),
    Column("user_id", Id, primary_key=True),
    Column("params_hash", LargeBinary(16), nullable=False),
    Column("answer", LargeBinary, nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# A blob's content lies in the data folder under its hash; each upload has an id of its own.
blobs = Table(
    "blobs",
    metadata,
    Column("id", Id, primary_key=True),
    Column("hash", LargeBinary(32), nullable=False, index=True),
    Column("bytes", BigInteger, nullable=False),
    Column("media_type", String(128), nullable=False),
    Column("name", String(255), nullable=False),
    Column("owner_id", Id, nullable=False),
    Column("made_at_ms", BigInteger, nullable=False),
    Column("unreferenced_at_ms", BigInteger, index=True),
    Index("ix_blobs_owner", "owner_id", "unreferenced_at_ms", "bytes"),
    sqlite_with_rowid=False,
)

# Who refers to a blob: `message:ID`, `user:ID`, `conversation:ID` (its photo), `plugin:NAME:…`.
blob_references = Table(
    "blob_references",
    metadata,
    Column("blob_id", Id, primary_key=True),
    Column("referrer", String(160), primary_key=True),
    Index("ix_blob_references_referrer", "referrer"),
    sqlite_with_rowid=False,
)

# What an admin set for a plugin, as JSON, by field; and the secrets it keeps, as text.
plugin_values = Table(
    "plugin_values",
    metadata,
    Column("plugin", String(64), primary_key=True),
    Column("kind", String(16), primary_key=True),
    Column("name", String(64), primary_key=True),
    Column("value", Text, nullable=False),
    sqlite_with_rowid=False,
)

# What was killed for its cost: a hash of type, version, content, state and what was done with it,
# with a hash of the plugins and versions that did it.
costly_content = Table(
    "costly_content",
    metadata,
    Column("key_hash", LargeBinary(16), primary_key=True),
    Column("installed_hash", LargeBinary(16), nullable=False),
    Column("job", String(64), nullable=False),
    Column("type", String(64), nullable=False),
    Column("reason", String(16), nullable=False),
    Column("at_ms", BigInteger, nullable=False),
    sqlite_with_rowid=False,
)

# What is to be done at a time. ``key`` names it among its kind; ``data`` is its handler's own.
timers = Table(
    "timers",
    metadata,
    Column("kind", String(64), primary_key=True),
    Column("key", String(160), primary_key=True),
    Column("due_at_ms", BigInteger, nullable=False),
    Column("data", LargeBinary, nullable=False),
    # How often its handler has failed since it was set.
    Column("failures", Integer, nullable=False, server_default="0"),
    Index("ix_timers_kind_due_at_ms", "kind", "due_at_ms"),
    sqlite_with_rowid=False,
)
