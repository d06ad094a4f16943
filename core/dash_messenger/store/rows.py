"""How a row becomes what the wire shows: the columns that a query selects, and the struct of them.

Owns both, so that what clients see of a column is added in one place; what the hot path writes is
in `sqlite/statements`. Invariant: fields are taken by name, never by their position in a row.
"""

from __future__ import annotations

from typing import Any

from msgspec import UNSET, Raw

from dash_messenger.protocol.models import Message, Preferences, Reply, User
from dash_messenger.store.tables import members, messages, users

__all__ = [
    "MESSAGE_COLUMNS",
    "PREFERENCE_COLUMNS",
    "USER_COLUMNS",
    "message_of",
    "preferences_of",
    "user_of",
]

USER_COLUMNS = (users.c.id, users.c.username, users.c.display_name, users.c.photo)

MESSAGE_COLUMNS = (
    messages.c.id,
    messages.c.conversation_id,
    messages.c.seq,
    messages.c.rev,
    messages.c.number,
    messages.c.sender_id,
    messages.c.client_id,
    messages.c.type,
    messages.c.content,
    messages.c.text,
    messages.c.sent_at_ms,
    messages.c.edited_at_ms,
    messages.c.deleted_at_ms,
    messages.c.state,
    messages.c.reply_to,
    messages.c.reply_number,
    messages.c.reactions,
    messages.c.type_version,
)

PREFERENCE_COLUMNS = (
    members.c.preferences_change_no,
    members.c.muted_until_ms,
    members.c.notify,
    members.c.pinned_no,
    members.c.archived_no,
    members.c.marked_unread,
    members.c.cleared_no,
)


def user_of(row: Any) -> User:
    """The user in a row that has `USER_COLUMNS`."""
    return User(id=row.id, username=row.username, display_name=row.display_name, photo=row.photo)


def message_of(row: Any) -> Message:
    """The message in a row that has `MESSAGE_COLUMNS`."""
    return Message(
        id=row.id,
        conversation=row.conversation_id,
        seq=row.seq,
        rev=row.rev,
        number=row.number,
        sender=row.sender_id,
        client_id=row.client_id,
        type=row.type,
        content=None if row.content is None else Raw(row.content),
        text=row.text,
        sent_at_ms=row.sent_at_ms,
        edited_at_ms=UNSET if row.edited_at_ms is None else row.edited_at_ms,
        deleted_at_ms=UNSET if row.deleted_at_ms is None else row.deleted_at_ms,
        state=UNSET if row.state is None else Raw(row.state),
        reply_to=UNSET if row.reply_to is None else Reply(row.reply_to, row.reply_number),
        reactions=UNSET if row.reactions is None else Raw(row.reactions),
        type_version=UNSET if row.type_version == 1 else row.type_version,
    )


def preferences_of(row: Any) -> Preferences:
    """The preferences in a row that has `PREFERENCE_COLUMNS`, of a member who has set some."""
    return Preferences(
        change_no=row.preferences_change_no,
        muted_until_ms=UNSET if row.muted_until_ms is None else row.muted_until_ms,
        notify=UNSET if row.notify is None else row.notify,
        pinned_no=UNSET if row.pinned_no is None else row.pinned_no,
        archived_no=UNSET if row.archived_no is None else row.archived_no,
        marked_unread=UNSET if row.marked_unread is None else True,
        cleared_no=UNSET if row.cleared_no is None else row.cleared_no,
    )
