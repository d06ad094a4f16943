"""What a piece of writing may do inside the writer's transaction.

Owns how an event gets its number. Must not know the queue or the loop. Invariant: a log's seq is
taken on the log's own row in the transaction that stores the event.
"""

from __future__ import annotations

from sqlalchemy import BindParameter, Connection, bindparam, insert, update

from dash_messenger.errors import NotFound
from dash_messenger.ids import IdMaker
from dash_messenger.protocol.events import Event, EventData, row_of
from dash_messenger.store.tables import conversations, events, users

__all__ = ["Transaction"]

# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_LOG: BindParameter[str] = bindparam("log")
_NEXT_OF_CONVERSATION = (
    update(conversations)
    .where(conversations.c.id == _LOG)
    .values(seq=conversations.c.seq + 1, change_no=bindparam("change"))
    .returning(conversations.c.seq)
)
_NEXT_OF_USER = (
    update(users).where(users.c.id == _LOG).values(seq=users.c.seq + 1).returning(users.c.seq)
)
_EVENT = insert(events)


class Transaction:
    """Open while one piece of `Store.write` runs; its events are announced after the commit.

    ``connection`` is SQLAlchemy's, ``now_ms`` the time of the batch, ``change_no`` its number:
    rows that `sync` follows (conversations, read positions) get it when they change.
    """

    __slots__ = ("_new_id", "change_no", "connection", "events", "now_ms")

    def __init__(
        self, connection: Connection, now_ms: int, change_no: int, new_id: IdMaker
    ) -> None:
        self.connection = connection
        self.now_ms = now_ms
        self.change_no = change_no
        self.events: list[Event] = []
        self._new_id = new_id

    def new_id(self) -> str:
        """An id that sorts after those made before."""
        return self._new_id()

    def append(
        self,
        log_id: str,
        by: str,
        data: EventData,
    ) -> int:
        """Store an event in a conversation's or user's log; its seq.

        A message that it tells of must be stored already: the event refers to it. The log's row
        must exist.

        Raises:
            NotFound: there is no such conversation or user.
        """
        seq = self._next_seq(log_id)
        self.connection.execute(
            _EVENT,
            {
                "log_id": log_id,
                "seq": seq,
                "kind": data.kind,
                "by_id": by,
                "at_ms": self.now_ms,
                "message_id": None if data.message is None else data.message.id,
                "data": row_of(data),
            },
        )
        self.events.append(Event(log_id, seq - 1, seq, by, self.now_ms, data))
        return seq

    def _next_seq(self, log_id: str) -> int:
        execute = self.connection.execute
        seq: int | None = execute(
            _NEXT_OF_CONVERSATION, {"log": log_id, "change": self.change_no}
        ).scalar()
        if seq is None:
            seq = execute(_NEXT_OF_USER, {"log": log_id}).scalar()
        if seq is None:
            raise NotFound
        return seq
