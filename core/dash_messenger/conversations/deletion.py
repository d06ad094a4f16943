"""Deleting a conversation for oneself: it leaves one's list, and what was said before stays gone.

Owns ``conversation.delete``. What the member may read from then on is said by `store/access`.
Invariants: nobody else learns of it, and nothing is lost for them; the conversation is back in the
list with the next message, without those before.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct
from sqlalchemy import bindparam, or_, select, update

from dash_messenger.conversations.access import Right, require
from dash_messenger.conversations.preferences import PreferencesNow
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.events import PreferencesUpdated
from dash_messenger.store import Store, Transaction
from dash_messenger.store.rows import PREFERENCE_COLUMNS, preferences_of
from dash_messenger.store.tables import members, messages

__all__ = ["ConversationDeletion"]


class ConversationDelete(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.delete``.

    With ``message_no``, the newest number that the caller has seen, what came later is kept.
    """

    conversation: Annotated[str, Meta(max_length=64)]
    message_no: Annotated[int, Meta(ge=0, lt=2**53)] | None = None


class ConversationDeletion:
    """The command ``conversation.delete``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "conversation.delete",
                ConversationDelete,
                PreferencesNow,
                self.delete,
                "Delete a conversation for oneself; others keep it.",
                rate="change",
            )
        ]

    async def delete(self, caller: Caller, params: ConversationDelete) -> PreferencesNow:
        """The preferences after it: unpinned, not archived, not marked, and as muted as before.

        Deleting what is deleted already changes nothing.

        Raises:
            NotFound: not a member.
        """
        user, conversation = caller.user_id, id_param(params.conversation)

        def work(transaction: Transaction) -> PreferencesNow:
            connection = transaction.connection
            own = require(connection, user, conversation, Right.READ)
            cleared_no, seq = own.message_no, own.seq
            if params.message_no is not None and params.message_no < cleared_no:
                cleared_no = params.message_no
                seq = connection.execute(_SEQ, {"c": conversation, "n": cleared_no}).scalar() or 0
            which = {"u": user, "c": conversation}
            values = {
                "cleared": cleared_no,
                "first_number": max(own.first_number, cleared_no + 1),
                "first_seq": max(own.from_seq, seq + 1),
                "change": transaction.change_no,
            }
            changed = connection.execute(_CLEAR, {**which, **values}).rowcount
            now = preferences_of(connection.execute(_PREFERENCES, which).one())
            if changed:
                transaction.append(user, user, PreferencesUpdated(conversation, now))
            return PreferencesNow(conversation, now)

        return await self._store.write(work)


# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_OWN = (members.c.conversation_id == bindparam("c"), members.c.user_id == bindparam("u"))
_PREFERENCES = select(*PREFERENCE_COLUMNS).where(*_OWN)
_CLEARED_NO = bindparam("cleared", type_=members.c.cleared_no.type)
_CLEAR = (
    update(members)
    .where(*_OWN, or_(members.c.cleared_no.is_(None), members.c.cleared_no < _CLEARED_NO))
    .values(
        cleared_no=_CLEARED_NO,
        from_number=bindparam("first_number"),
        from_seq=bindparam("first_seq"),
        pinned_no=None,
        archived_no=None,
        marked_unread=None,
        preferences_change_no=bindparam("change"),
    )
)
_SEQ = select(messages.c.seq).where(
    messages.c.conversation_id == bindparam("c"), messages.c.number == bindparam("n")
)
