"""The rows of invitations: codes of any kind, as their maker and whoever opens them find them.

Owns the statements. Must not know how a code is made or typed, nor commands. Invariants: a code
that is revoked or expired, or whose maker is deactivated, is found by nobody who opens it; each
person counts once, and no more of them than it says, whatever happens at once.
"""

from __future__ import annotations

from typing import Any, Literal, TypeAlias

from sqlalchemy import (
    BindParameter,
    Connection,
    bindparam,
    func,
    insert,
    select,
    update,
)

from dash_messenger.errors import NotFound
from dash_messenger.store import Transaction
from dash_messenger.store.rows import USER_COLUMNS
from dash_messenger.store.tables import invitation_uses, invitations, users

__all__ = [
    "InvitationKind",
    "add_invitation",
    "find_good",
    "find_named",
    "live_invitations",
    "page_of_invitations",
    "revoke_invitation",
    "use_invitation",
]

InvitationKind: TypeAlias = Literal["contact"]

_i = invitations.c
_ID: BindParameter[str] = bindparam("invitation")
_MAKER: BindParameter[str] = bindparam("maker")
_NOW: BindParameter[int] = bindparam("now_ms")
_IS_KIND = _i.kind == bindparam("of_kind")
_NOT_REVOKED = _i.revoked_at_ms.is_(None)
_NOT_EXPIRED = _i.expires_at_ms.is_(None) | (_i.expires_at_ms > _NOW)
# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_INFO = select(_i.id, _i.label, _i.created_at_ms, _i.expires_at_ms, _i.uses, _i.used)
_NAMED = _INFO.where(_i.client_hash == bindparam("named"))
_PAGE = (
    _INFO.where(_i.made_by == _MAKER, _IS_KIND, _NOT_REVOKED, _i.id < bindparam("after"))
    .order_by(_i.id.desc())
    .limit(bindparam("limit"))
)
_LIVE = select(func.count()).select_from(
    select(_i.id)
    .where(
        _i.made_by == _MAKER,
        _IS_KIND,
        _NOT_REVOKED,
        _NOT_EXPIRED,
        _i.uses.is_(None) | (_i.used < _i.uses),
    )
    .limit(bindparam("limit"))
    .subquery()
)
_OWN = (_i.id == _ID) & (_i.made_by == _MAKER) & _IS_KIND
_FIND_OWN = select(_i.id).where(_OWN)
_REVOKE = update(invitations).where(_OWN, _NOT_REVOKED).values(revoked_at_ms=_NOW)
_GOOD = (
    select(*USER_COLUMNS, _i.id.label("invitation"), _i.uses, _i.used)
    .select_from(invitations.join(users, users.c.id == _i.made_by))
    .where(
        _i.code_hash == bindparam("hashed"),
        _IS_KIND,
        _NOT_REVOKED,
        _NOT_EXPIRED,
        users.c.deactivated_at_ms.is_(None),
    )
)
_USED_BY = select(invitation_uses.c.at_ms).where(
    invitation_uses.c.invitation_id == _ID, invitation_uses.c.user_id == bindparam("user")
)
_COUNT = update(invitations).where(_i.id == _ID).values(used=_i.used + 1)


def find_named(connection: Connection, named: bytes) -> Any:
    """The invitation that its maker calls so, by the hash of that, or None.

    Its columns are ``id``, ``label``, ``created_at_ms``, ``expires_at_ms``, ``uses``, ``used``.
    """
    return connection.execute(_NAMED, {"named": named}).first()


def page_of_invitations(
    connection: Connection, kind: InvitationKind, maker: str, after: str, limit: int
) -> list[Any]:
    """Those of a maker that are not revoked, the newest first, before ``after``; as above."""
    asked = {"of_kind": kind, "maker": maker, "after": after, "limit": limit}
    return list(connection.execute(_PAGE, asked))


def live_invitations(
    connection: Connection, kind: InvitationKind, maker: str, now_ms: int, most: int
) -> int:
    """How many of a maker's open something, counted up to ``most``."""
    asked = {"of_kind": kind, "maker": maker, "now_ms": now_ms, "limit": most}
    return int(connection.execute(_LIVE, asked).scalar_one())


def add_invitation(transaction: Transaction, kind: InvitationKind, **values: Any) -> str:
    """Store a new one; its id."""
    id = transaction.new_id()
    transaction.connection.execute(
        insert(invitations), {"id": id, "kind": kind, "created_at_ms": transaction.now_ms, **values}
    )
    return id


def revoke_invitation(transaction: Transaction, kind: InvitationKind, maker: str, id: str) -> None:
    """Let it open nothing any more.

    Raises:
        NotFound: the maker has none of that id.
    """
    own = {"of_kind": kind, "maker": maker, "invitation": id}
    if transaction.connection.execute(_FIND_OWN, own).first() is None:
        raise NotFound
    transaction.connection.execute(_REVOKE, {**own, "now_ms": transaction.now_ms})


def find_good(connection: Connection, kind: InvitationKind, hashed: bytes, now_ms: int) -> Any:
    """The invitation with a code of that hash, beside the columns of its maker.

    Raises:
        NotFound: there is none, or it opens nothing any more.
    """
    asked = {"of_kind": kind, "hashed": hashed, "now_ms": now_ms}
    row = connection.execute(_GOOD, asked).first()
    if row is None:
        raise NotFound
    return row


def use_invitation(transaction: Transaction, good: Any, user: str) -> None:
    """Count somebody who opens what `find_good` found, if they did not before.

    Raises:
        NotFound: it is used up.
    """
    connection, asked = transaction.connection, {"invitation": good.invitation}
    if connection.execute(_USED_BY, {**asked, "user": user}).first() is not None:
        return
    if good.uses is not None and good.used >= good.uses:
        raise NotFound
    connection.execute(
        insert(invitation_uses),
        {"invitation_id": good.invitation, "user_id": user, "at_ms": transaction.now_ms},
    )
    connection.execute(_COUNT, asked)
