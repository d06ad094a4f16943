"""Where users logged in before: their devices and addresses.

Owns the table. Must not know what follows from it. Invariants: a device's secret and an address are
stored as hashes; an address is known only where nobody but its owner can have it, so never behind a
proxy that the admin did not name; what is known outlives the session.
"""

from __future__ import annotations

import hashlib

from sqlalchemy import Connection, delete, insert, select, update

from dash_messenger.accounts.attempts import Known
from dash_messenger.places import Place
from dash_messenger.store import Transaction
from dash_messenger.store.tables import known_places

__all__ = ["find_known", "remember_place"]

# Of each kind for one user: the ones used last.
MAX_PLACES = 32


def find_known(connection: Connection, user: str | None, place: Place) -> Known:
    """How a user is known at a place; nobody is known nowhere, and it takes as long."""
    hashes = [hashed for _, hashed in _hashes(place)]
    rows = connection.execute(
        select(known_places.c.kind).where(
            known_places.c.user_id == (user or "0" * 32), known_places.c.place_hash.in_(hashes)
        )
    )
    kinds = {row[0] for row in rows}
    if "device" in kinds:
        return "device"
    return "address" if "address" in kinds else None


def remember_place(transaction: Transaction, user: str, place: Place, *, device: bool) -> None:
    """Know a user who has just logged in at this place from now on.

    ``device`` says whether the client keeps the device's secret: browsers do.
    """
    connection, now_ms = transaction.connection, transaction.now_ms
    for kind, hashed in _hashes(place):
        if kind == "device" and not device:
            continue
        seen = connection.execute(
            update(known_places)
            .where(known_places.c.user_id == user, known_places.c.place_hash == hashed)
            .values(seen_at_ms=now_ms)
        )
        if seen.rowcount == 0:
            connection.execute(
                insert(known_places).values(
                    user_id=user, place_hash=hashed, kind=kind, seen_at_ms=now_ms
                )
            )
            _prune(connection, user, kind)


def _prune(connection: Connection, user: str, kind: str) -> None:
    mine = (known_places.c.user_id == user, known_places.c.kind == kind)
    too_many = connection.scalars(
        select(known_places.c.place_hash)
        .where(*mine)
        .order_by(known_places.c.seen_at_ms.desc())
        .offset(MAX_PLACES)
        .limit(MAX_PLACES)
    ).all()
    if too_many:
        connection.execute(
            delete(known_places).where(*mine, known_places.c.place_hash.in_(too_many))
        )


def _hashes(place: Place) -> list[tuple[str, bytes]]:
    found = [] if place.shared or not place.address else [("address", place.network)]
    if place.device:
        found.append(("device", place.device))
    return [(kind, hashlib.sha256(f"{kind} {text}".encode()).digest()) for kind, text in found]
