"""Messages that change after they were sent: what the commands for it have in common.

Owns the row of `answers` by which a retry is known. Invariants: what is decided from one revision
is stored only if that revision is still the newest; rights are checked again in the transaction
that writes.
"""

from __future__ import annotations

import hashlib
from typing import Any, NamedTuple

import msgspec
from msgspec import Raw
from sqlalchemy import BindParameter, Connection, bindparam, delete, insert, select, update

from dash_messenger.conversations.access import STANDING, Right, Rights, rights_of
from dash_messenger.errors import Conflict, Forbidden, NotFound
from dash_messenger.protocol.events import MarkChanged, MessageDeleted, MessageUpdated
from dash_messenger.protocol.models import Message
from dash_messenger.store import Transaction
from dash_messenger.store.access import is_member, may_read_message
from dash_messenger.store.consent import refusal_of
from dash_messenger.store.optimistic import Overtaken
from dash_messenger.store.rows import MESSAGE_COLUMNS, message_of
from dash_messenger.store.tables import answers, conversations, marks, members, messages, users

__all__ = [
    "Answers",
    "Found",
    "find",
    "put_mark",
    "put_revision",
]

# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_USER: BindParameter[str] = bindparam("for_user")
_MESSAGE: BindParameter[str] = bindparam("for_message")
_FIND = (
    select(
        *MESSAGE_COLUMNS,
        *STANDING,
        may_read_message(_USER).label("may_read"),
        members.c.refusal,
        marks.c.mark,
    )
    .select_from(messages)
    .join(conversations, conversations.c.id == messages.c.conversation_id)
    .outerjoin(members, is_member(_USER))
    .outerjoin(users, users.c.id == members.c.user_id)
    .outerjoin(marks, (marks.c.message_id == messages.c.id) & (marks.c.user_id == _USER))
    .where(messages.c.id == _MESSAGE)
)
_CHANGE = (
    update(messages)
    .where(messages.c.id == _MESSAGE, messages.c.rev == bindparam("before"))
    .returning(*MESSAGE_COLUMNS)
)
_OWN_MARK = (marks.c.message_id == _MESSAGE, marks.c.user_id == _USER)
_FIND_REACTIONS = select(marks.c.reactions).where(*_OWN_MARK)
_DELETE_MARK = delete(marks).where(*_OWN_MARK)
_CHANGE_MARK = update(marks).where(*_OWN_MARK)
_FIND_ANSWER = select(answers.c.params_hash, answers.c.answer).where(
    answers.c.client_id == bindparam("name"), answers.c.user_id == _USER
)


class Found(NamedTuple):
    """A message, as somebody who may see it acts on it."""

    message: Message
    type_version: int
    rights: Rights
    mark: bytes | None
    refusal: int | None = None

    def require_taken(self) -> None:
        """Return if the other one of a direct conversation takes what one does in it.

        Raises:
            MessagesNotAccepted: they do not.
            RequestPending: they have not accepted the one message that they take.
            BlockedByYou: they are blocked.
        """
        if (refusal := refusal_of(self.refusal)) is not None:
            raise refusal

    def require(self, user: str, right: Right, *, of_others: bool = False) -> None:
        """Return if ``user`` has the right; ``of_others``: their own message needs none.

        Raises:
            Forbidden: they have not.
        """
        if right not in self.rights and not (of_others and user == self.message.sender):
            raise Forbidden


def find(connection: Connection, message: str, user: str, *, by_bot: bool = False) -> Found:
    """The message, if ``user`` may see it now; a plugin's bot may.

    Raises:
        NotFound: there is none, it was deleted, or it is not for them.
    """
    row = connection.execute(_FIND, {"for_user": user, "for_message": message}).first()
    if row is None or row.deleted_at_ms is not None or not (by_bot or row.may_read):
        raise NotFound
    return Found(message_of(row), row.type_version, rights_of(row), row.mark, row.refusal)


def put_revision(
    transaction: Transaction,
    before: Message,
    by: str,
    values: dict[str, Any],
    *,
    event: type[MessageUpdated | MessageDeleted] = MessageUpdated,
) -> Message:
    """The message after the change, stored with its event, if ``before`` is still the newest.

    Raises:
        Overtaken: it is not; nothing is stored.
    """
    newest = {"for_message": before.id, "before": before.rev}
    changed = {"rev": before.rev + 1, **values}
    row = transaction.connection.execute(_CHANGE, newest | changed).first()
    if row is None:
        raise Overtaken
    after = message_of(row)
    transaction.append(after.conversation, by, event(after))
    return after


def put_mark(transaction: Transaction, message: Message, user: str, mark: bytes | None) -> None:
    """Store what ``user`` has put on a message, and tell that user alone."""
    connection = transaction.connection
    own = {"for_message": message.id, "for_user": user}
    there = connection.execute(_FIND_REACTIONS, own).first()
    if there is None:
        if mark is not None:
            new = {"message_id": message.id, "user_id": user, "mark": mark}
            connection.execute(insert(marks), new)
    elif mark is None and there.reactions is None:
        connection.execute(_DELETE_MARK, own)
    else:
        connection.execute(_CHANGE_MARK, own | {"mark": mark})
    transaction.append(
        user,
        user,
        MarkChanged(message.conversation, message.id, Raw(mark or b"null")),
    )


class Answers:
    """What was answered to requests that name themselves, so that a retry gets the same."""

    def __init__(self, command: str, user: str, client_id: str, *params: bytes) -> None:
        self._user = user
        self._client_id = client_id
        digest = hashlib.blake2b(command.encode(), digest_size=16)
        for param in params:
            digest.update(b"\0" + param)
        self._hash = digest.digest()

    def known(self, connection: Connection) -> bytes | None:
        """The first answer as its JSON, or None if this is the first time.

        Raises:
            Conflict: the name was used for another request.
        """
        named = {"name": self._client_id, "for_user": self._user}
        row = connection.execute(_FIND_ANSWER, named).first()
        if row is None:
            return None
        if row.params_hash != self._hash:
            raise Conflict
        known: bytes = row.answer
        return known

    def keep(self, transaction: Transaction, answer: msgspec.Struct) -> None:
        """Remember the answer with what it answers."""
        transaction.connection.execute(
            insert(answers),
            {
                "client_id": self._client_id,
                "user_id": self._user,
                "params_hash": self._hash,
                "answer": msgspec.json.encode(answer),
                "at_ms": transaction.now_ms,
            },
        )
