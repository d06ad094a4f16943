"""What somebody may have missed, in few and small statements: each client asks as it comes back.

Owns the statements, on the driver's cursor, which costs a fourth of SQLAlchemy's. Must not know
what is shown of it. Invariant: a conversation is in it if its reader is a member now, as
`access.is_member` says; tests compare the two.
"""

from __future__ import annotations

from typing import Any

import msgspec

from dash_messenger.store.backend import OwnRow, Standing

__all__ = ["Changes"]

# The newest change that `summaries` looks at: of a conversation, of one's own position in it, of
# how one wants it in the list.
# One row, as with the statements of the hot path.
_CONVERSATIONS = (
    "SELECT json_group_object(lower(hex(m.conversation_id)), "
    "CASE WHEN c.history = 'all' AND m.cleared_no IS NULL THEN 1 ELSE m.from_number END), "
    "max(c.change_no), max(p.change_no), max(m.preferences_change_no) FROM members m "
    "JOIN conversations c ON c.id = m.conversation_id "
    "LEFT JOIN read_positions p "
    "ON p.conversation_id = m.conversation_id AND p.user_id = m.user_id "
    "WHERE m.user_id = ? AND m.to_seq IS NULL"
)
_OWN_ROW = (
    "SELECT (SELECT value FROM counters WHERE name = 'change_no'), "
    "id, username, display_name, photo, role, language, theme, seq FROM users WHERE id = ?"
)

_decode = msgspec.json.Decoder(dict[str, int]).decode


class Changes:
    """`ChangeRows` on the driver's connection, in the transaction that it is in."""

    def __init__(self, driver: Any) -> None:
        self._driver = driver

    def standing(self, user: str) -> Standing:
        ((found, changed, moved, preferred),) = self._rows(_CONVERSATIONS, user)
        return Standing(_decode(found), max(changed or 0, moved or 0, preferred or 0))

    def own_row(self, user: str) -> OwnRow:
        ((newest, id, username, name, photo, *rest),) = self._rows(_OWN_ROW, user)
        row = (id.hex(), username, name, None if photo is None else photo.hex(), *rest)
        return OwnRow(row, newest)

    def _rows(self, statement: str, user: str) -> Any:
        return self._driver.execute(statement, (bytes.fromhex(user),)).fetchall()
