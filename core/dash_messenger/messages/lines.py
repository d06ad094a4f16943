"""What stands in a time line beside the messages: who came and went, and new names.

Owns which of it belongs to a page of messages. Invariants: it is of the reader's own history; pages
that join have each line once, since a line belongs to the page of the message after it, or to the
last page.
"""

from __future__ import annotations

from collections.abc import Sequence

from sqlalchemy import Connection, bindparam, select

from dash_messenger.conversations.access import Membership
from dash_messenger.protocol.events import (
    Event,
    MemberBanned,
    MemberJoined,
    MemberRemoved,
    MemberUpdated,
)
from dash_messenger.protocol.models import Message
from dash_messenger.store.logs import timeline_events
from dash_messenger.store.tables import messages

__all__ = ["MAX_LINES", "lines_of", "mentioned"]

# As many as the creation of a group with the most members makes, and some.
MAX_LINES = 256
# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_SEQ = select(messages.c.seq).where(
    messages.c.conversation_id == bindparam("conversation"),
    messages.c.number == bindparam("number"),
)


def lines_of(
    connection: Connection, conversation: str, own: Membership, page: Sequence[Message]
) -> list[Event]:
    """The lines before each message of a page, and after the last one where none follows it.

    ``page`` may be empty only where there is nothing that the reader may read.
    """
    after, until = own.from_seq - 1, own.seq
    if page and page[0].number > own.first_number:
        above = {"conversation": conversation, "number": page[0].number - 1}
        before: int = connection.execute(_SEQ, above).scalar_one()
        after = max(after, before)
    if page and page[-1].number < own.message_no:
        until = page[-1].seq
    return timeline_events(connection, conversation, after, until, MAX_LINES)


def mentioned(event: Event) -> set[str]:
    """Whom a line mentions by id."""
    data = event.data
    found = {event.by} if event.by else set()
    if isinstance(data, MemberJoined):
        found.add(data.user.id)
    elif isinstance(data, MemberRemoved | MemberUpdated | MemberBanned):
        found.add(data.user)
    return found
