"""Deleting a conversation, for oneself or for both: it leaves the list, and what was said is gone.

Owns ``conversation.delete``. What a member may read from then on is said by `store/access`; what
both of a direct conversation have deleted is erased by `messages/erasure`. Invariants: for oneself,
nobody else learns of it, and nothing is lost for them; the conversation is back in the list with
the next message, without those before.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct, field
from sqlalchemy import Connection, bindparam, func, or_, select, update

from dash_messenger.accounts.request_rows import withdraw_request
from dash_messenger.background import Timer, set_timer
from dash_messenger.conversations.access import Right, require
from dash_messenger.conversations.preferences import PreferencesNow
from dash_messenger.errors import Refused
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.events import PreferencesUpdated
from dash_messenger.store import Store, Transaction
from dash_messenger.store.rows import PREFERENCE_COLUMNS, preferences_of
from dash_messenger.store.tables import members, messages

__all__ = ["ERASE", "ConversationDeletion", "cleared_for_all"]

# The kind of the timers that have erased what both have deleted; their key is the conversation.
ERASE = "conversation.erase"


class ConversationDelete(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.delete``.

    ``for`` is ``me``, or ``all`` where it is no group. With ``message_no``, the newest number
    that the caller has seen, what came later is kept.
    """

    conversation: Annotated[str, Meta(max_length=64)]
    whose: Literal["me", "all"] = field(default="me", name="for")
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
                "Delete a conversation for oneself, or a direct one for both.",
                rate="change",
            )
        ]

    async def delete(self, caller: Caller, params: ConversationDelete) -> PreferencesNow:
        """The preferences after it: unpinned, not archived, not marked, and as muted as before.

        Deleting what is deleted already changes nothing. For both: the same happens to the other
        one's, and what was said is erased.

        Raises:
            NotFound: not a member.
            Refused: ``for`` is ``all``, and it is a group.
        """
        user, conversation = caller.user_id, id_param(params.conversation)

        def work(transaction: Transaction) -> PreferencesNow:
            connection = transaction.connection
            own = require(connection, user, conversation, Right.READ)
            if params.whose == "all" and own.kind == "group":
                raise Refused(reason="A group is deleted for oneself alone.")
            cleared_no, seq = own.message_no, own.seq
            if params.message_no is not None and params.message_no < cleared_no:
                cleared_no = params.message_no
                seq = connection.execute(_SEQ, {"c": conversation, "n": cleared_no}).scalar() or 0
            whose = {"u": user, "c": conversation}
            # Where each of them reads from, at the least.
            people = [(user, True, own.first_number, own.from_seq)]
            if params.whose == "all":
                for other, to_seq in connection.execute(_OTHERS, whose).all():
                    people.append((other, to_seq is None, 1, 1))
                    withdraw_request(transaction, user, other)
            changed = False
            for one, is_in, first_number, from_seq in people:
                row = {"u": one, "c": conversation}
                values = {
                    "cleared": cleared_no,
                    "first_number": max(first_number, cleared_no + 1),
                    "first_seq": max(from_seq, seq + 1),
                    "change": transaction.change_no,
                }
                if not connection.execute(_CLEAR, {**row, **values}).rowcount:
                    continue
                changed = True
                # Who has yet to accept what was written has no such conversation.
                if is_in:
                    now = preferences_of(connection.execute(_PREFERENCES, row).one())
                    transaction.append(one, user, PreferencesUpdated(conversation, now))
            if changed and own.kind != "group" and cleared_for_all(connection, conversation):
                set_timer(transaction, Timer(ERASE, conversation, transaction.now_ms))
            now = preferences_of(connection.execute(_PREFERENCES, whose).one())
            return PreferencesNow(conversation, now)

        return await self._store.write(work)


# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_OWN = (members.c.conversation_id == bindparam("c"), members.c.user_id == bindparam("u"))
_PREFERENCES = select(*PREFERENCE_COLUMNS).where(*_OWN)
_OTHERS = select(members.c.user_id, members.c.to_seq).where(
    members.c.conversation_id == bindparam("c"), members.c.user_id != bindparam("u")
)
_CLEARED_FOR_ALL = select(func.min(func.coalesce(members.c.cleared_no, 0))).where(
    members.c.conversation_id == bindparam("c")
)
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


def cleared_for_all(connection: Connection, conversation: str) -> int:
    """The number up to which every member has deleted a direct conversation."""
    return connection.execute(_CLEARED_FOR_ALL, {"c": conversation}).scalar() or 0
