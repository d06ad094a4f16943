"""How far each reader has read, on its way to the database.

Owns the positions that are not yet stored. They only grow, wait for a while so that many steps of a
reader become one row, and may be lost in a crash; but whoever wrote a message has read up to it,
which is found again in the messages. Safe to use from any thread. Invariant: `pending`, called
before a snapshot of the database begins, and that snapshot together lack no position.
"""

from __future__ import annotations

import threading
from collections.abc import Callable
from typing import TypeAlias

from sqlalchemy import Connection, text

__all__ = ["MARK", "UPSERT", "PendingPositions", "Positions", "ReadPositions", "recover_positions"]

Positions: TypeAlias = dict[tuple[str, str], int]
# A position by (conversation, user), 0 where there is none.
PendingPositions: TypeAlias = Callable[[str, str], int]

# Messages up to this row have had their senders' positions stored.
MARK = "positions_row_id"
# A position only grows.
UPSERT = (
    "ON CONFLICT (conversation_id, user_id) DO UPDATE "
    "SET read_no = excluded.read_no, change_no = excluded.change_no "
    "WHERE excluded.read_no > read_positions.read_no"
)


class ReadPositions:
    """The highest number read, by (conversation, user)."""

    def __init__(self) -> None:
        self._lock = threading.Lock()
        self._waiting: Positions = {}
        self._storing: Positions = {}
        self._sent: Positions = {}

    def advance(self, conversation: str, user: str, read_no: int) -> bool:
        """Note a position; whether it is the first to wait since the last `take`."""
        with self._lock:
            first = not self._waiting
            self._wait_for({(conversation, user): read_no})
            return first

    def get(self, conversation: str, user: str) -> int:
        """The position that is not yet stored, or 0."""
        key = (conversation, user)
        with self._lock:
            return max(self._waiting.get(key, 0), self._storing.get(key, 0), self._sent.get(key, 0))

    def pending(self) -> PendingPositions:
        """`get`, for a snapshot of the database that begins later.

        It knows also what is stored between now and the call, which the snapshot may lack.
        """
        with self._lock:
            waiting, storing = self._waiting, self._storing

        def pending(conversation: str, user: str) -> int:
            key = (conversation, user)
            return max(waiting.get(key, 0), storing.get(key, 0), self.get(conversation, user))

        return pending

    def take(self) -> Positions:
        """What waits, to be stored; `stored` or `failed` must follow."""
        if not self._waiting:
            return {}
        with self._lock:
            self._storing, self._waiting = self._waiting, {}
            return self._storing

    def sent(self, positions: Positions) -> None:
        """Note how far the senders of a transaction that is about to be committed have read.

        Its messages may be seen before `stored` follows; after `failed` they were never sent.
        """
        with self._lock:
            self._sent = positions

    def stored(self) -> bool:
        """The transaction is committed: what was taken is in it.

        What its senders have read waits now; whether it is the first to wait since the last `take`.
        """
        with self._lock:
            self._storing = {}
            first = bool(self._sent) and not self._waiting
            self._wait_for(self._sent)
            self._sent = {}
            return first

    def failed(self) -> None:
        """It was not: what was taken waits again."""
        with self._lock:
            self._wait_for(self._storing)
            self._storing = {}
            self._sent = {}

    def _wait_for(self, positions: Positions) -> None:
        waiting = self._waiting
        for key, read_no in positions.items():
            if read_no > waiting.get(key, 0):
                waiting[key] = read_no


def recover_positions(connection: Connection) -> None:
    """After a crash: the positions of those who wrote since positions were stored last."""
    mark = connection.execute(
        text("SELECT value FROM counters WHERE name = :mark"), {"mark": MARK}
    ).scalar()
    last = connection.execute(text("SELECT coalesce(max(row_id), 0) FROM messages")).scalar_one()
    if mark == last:
        return
    connection.execute(text("UPDATE counters SET value = value + 1 WHERE name = 'change_no'"))
    connection.execute(
        text(
            "INSERT INTO read_positions (conversation_id, user_id, read_no, change_no) "  # noqa: S608
            "SELECT m.conversation_id, m.sender_id, max(m.number), c.value "
            "FROM messages m CROSS JOIN counters c WHERE m.row_id > :mark AND c.name = 'change_no' "
            f"GROUP BY m.conversation_id, m.sender_id, c.value {UPSERT}"
        ),
        {"mark": mark or 0},
    )
    connection.execute(
        text(
            "INSERT INTO counters (name, value) VALUES (:mark, :last) "
            "ON CONFLICT (name) DO UPDATE SET value = excluded.value"
        ),
        {"mark": MARK, "last": last},
    )
