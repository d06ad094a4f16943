"""What somebody may have missed, in few and small statements: each client asks as it comes back.

Owns the statements, on the driver's cursor, which costs a fourth of SQLAlchemy's. Must not know
what is shown of it. Invariant: a conversation is in it if its reader is a member now, as
`access.is_member` says; tests compare the two.
"""

from __future__ import annotations

from typing import Any

from dash_messenger.store.backend import Standing

__all__ = ["Changes"]

# The newest change that `summaries` looks at, of a conversation and of one's own position in it.
_CONVERSATIONS = (
    "SELECT m.conversation_id, CASE WHEN c.history = 'all' THEN 1 ELSE m.from_number END, "
    "c.change_no, p.change_no FROM members m JOIN conversations c ON c.id = m.conversation_id "
    "LEFT JOIN read_positions p "
    "ON p.conversation_id = m.conversation_id AND p.user_id = m.user_id "
    "WHERE m.user_id = ? AND m.to_seq IS NULL"
)
_OWN_ROW = (
    "SELECT id, username, display_name, photo, role, language, theme, seq FROM users WHERE id = ?"
)


class Changes:
    """`ChangeRows` on the driver's connection, in the transaction that it is in."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def standing(self, user: str) -> Standing:
        first_numbers: dict[str, int] = {}
        newest = 0
        for conversation, number, changed, moved in self._rows(_CONVERSATIONS, user):
            first_numbers[conversation.hex()] = number
            if changed > newest:
                newest = changed
            if moved is not None and moved > newest:
                newest = moved
        return Standing(first_numbers, newest)

    def own_row(self, user: str) -> tuple[Any, ...]:
        ((id, username, display_name, photo, *rest),) = self._rows(_OWN_ROW, user)
        return (id.hex(), username, display_name, None if photo is None else photo.hex(), *rest)

    def newest_change_no(self) -> int:
        ((value,),) = self._driver.execute("SELECT value FROM counters WHERE name = 'change_no'")
        return int(value)

    def _rows(self, statement: str, user: str) -> Any:
        return self._driver.execute(statement, (bytes.fromhex(user),)).fetchall()
