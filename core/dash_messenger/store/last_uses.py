"""When people last used a session: stored some time after their connections are gone.

Owns both statements. Must not know who is told of it. Invariant: what has ended stays so: the end
of a session that is closed or over does not move.
"""

from __future__ import annotations

from collections.abc import Collection, Mapping

from sqlalchemy import Connection, bindparam, case, func, select, update

from dash_messenger.store.tables import sessions
from dash_messenger.store.transaction import Transaction

__all__ = ["last_uses", "put_last_uses"]

_s = sessions.c
# SQLite takes 32,766 values; nobody asks about nearly as many.
_LAST_USES = (
    select(_s.user_id, func.max(_s.last_seen_at_ms).label("at_ms"))
    .where(_s.user_id.in_(bindparam("people", expanding=True)))
    .group_by(_s.user_id)
)
_AT_MS = bindparam("at_ms", type_=_s.last_seen_at_ms.type)
_PUT = (
    update(sessions)
    .where(_s.id == bindparam("session"), _s.last_seen_at_ms < _AT_MS)
    .values(
        last_seen_at_ms=_AT_MS,
        expires_at_ms=case(
            (_s.closed_at_ms.is_(None) & (_s.expires_at_ms > _AT_MS), bindparam("until_ms")),
            else_=_s.expires_at_ms,
        ),
    )
)


def last_uses(connection: Connection, users: Collection[str]) -> dict[str, int]:
    """When each of these used any of their sessions last; who never had one is left out."""
    rows = connection.execute(_LAST_USES, {"people": list(users)})
    return {row.user_id: row.at_ms for row in rows}


def put_last_uses(transaction: Transaction, uses: Mapping[str, int], lifetime_ms: int) -> None:
    """Store when sessions, by their ids, were used; one that is open ends so much later."""
    rows = [
        {"session": session, "at_ms": at_ms, "until_ms": at_ms + lifetime_ms}
        for session, at_ms in uses.items()
    ]
    transaction.connection.execute(_PUT, rows)
