"""The rows of invitations: codes of any kind, as their maker and whoever opens them find them.

Owns the statements, but for the list of a group's, which goes by rights. Must not know how a code
is made or typed, nor commands. Invariants: a code that is revoked or expired, or whose maker is
deactivated, is found by nobody who opens it; each person counts once, and no more of them than it
says, whatever happens at once.
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
    "INFO_COLUMNS",
    "InvitationKind",
    "add_invitation",
    "find_good",
    "find_named",
    "has_room",
    "live_invitations",
    "page_of_invitations",
    "revoke_group_invitation",
    "revoke_invitation",
    "use_invitation",
]

InvitationKind: TypeAlias = Literal["contact", "group"]

_i = invitations.c
_ID: BindParameter[str] = bindparam("invitation")
_MAKER: BindParameter[str] = bindparam("maker")
_NOW: BindParameter[int] = bindparam("now_ms")
_IS_KIND = _i.kind == bindparam("of_kind")
_NOT_REVOKED = _i.revoked_at_ms.is_(None)
_NOT_EXPIRED = _i.expires_at_ms.is_(None) | (_i.expires_at_ms > _NOW)
# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
INFO_COLUMNS = (_i.id, _i.label, _i.created_at_ms, _i.expires_at_ms, _i.uses, _i.used)
_NAMED = select(*INFO_COLUMNS, _i.conversation_id, _i.approval).where(
    _i.client_hash == bindparam("named")
)
_PAGE = (
    select(*INFO_COLUMNS)
    .where(_i.made_by == _MAKER, _IS_KIND, _NOT_REVOKED, _i.id < bindparam("after"))
    .order_by(_i.id.desc())
    .limit(bindparam("limit"))
)
_LIVE = select(func.count()).select_from(
    select(_i.id)
    .where(
        _i.made_by == _MAKER,
        _IS_KIND,
        # Null where codes of this kind are of no conversation.
        _i.conversation_id.is_not_distinct_from(bindparam("of_conversation", type_=_i.id.type)),
        _NOT_REVOKED,
        _NOT_EXPIRED,
        _i.uses.is_(None) | (_i.used < _i.uses),
    )
    .limit(bindparam("limit"))
    .subquery()
)
_OWN = (_i.id == _ID) & (_i.made_by == _MAKER) & _IS_KIND
_FIND_OWN = select(_i.id).where(_OWN)
_OF_GROUP = (_i.id == _ID) & (_i.conversation_id == bindparam("of_conversation"))
_FIND_OF_GROUP = select(_i.id).where(_OF_GROUP)
_REVOKE = (
    update(invitations).where(_i.id == _ID, _NOT_REVOKED).values(revoked_at_ms=bindparam("now_ms"))
)
_GOOD = (
    select(
        *USER_COLUMNS,
        _i.id.label("invitation"),
        _i.kind,
        _i.conversation_id,
        _i.approval,
        _i.uses,
        _i.used,
    )
    .select_from(invitations.join(users, users.c.id == _i.made_by))
    .where(
        _i.code_hash == bindparam("hashed"),
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

    Its columns are `INFO_COLUMNS`, and ``conversation_id`` and ``approval`` of a group's.
    """
    return connection.execute(_NAMED, {"named": named}).first()


def page_of_invitations(
    connection: Connection, kind: InvitationKind, maker: str, after: str, limit: int
) -> list[Any]:
    """Those of a maker that are not revoked, the newest first, before ``after``."""
    asked = {"of_kind": kind, "maker": maker, "after": after, "limit": limit}
    return list(connection.execute(_PAGE, asked))


def live_invitations(
    connection: Connection,
    kind: InvitationKind,
    maker: str,
    now_ms: int,
    most: int,
    *,
    conversation: str | None = None,
) -> int:
    """How many of a maker's, to ``conversation``, open something; counted up to ``most``."""
    asked = {
        "of_kind": kind,
        "maker": maker,
        "of_conversation": conversation,
        "now_ms": now_ms,
        "limit": most,
    }
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
    _revoke(transaction, id)


def revoke_group_invitation(transaction: Transaction, conversation: str, id: str) -> None:
    """The same of one to a group, whoever has made it.

    Raises:
        NotFound: there is none of that id.
    """
    of_group = {"of_conversation": conversation, "invitation": id}
    if transaction.connection.execute(_FIND_OF_GROUP, of_group).first() is None:
        raise NotFound
    _revoke(transaction, id)


def _revoke(transaction: Transaction, id: str) -> None:
    transaction.connection.execute(_REVOKE, {"invitation": id, "now_ms": transaction.now_ms})


def find_good(connection: Connection, hashed: bytes, now_ms: int) -> Any:
    """The invitation with a code of that hash, of any kind, beside the columns of its maker.

    It may be used up: see `has_room`.

    Raises:
        NotFound: there is none, or it opens nothing any more.
    """
    row = connection.execute(_GOOD, {"hashed": hashed, "now_ms": now_ms}).first()
    if row is None:
        raise NotFound
    return row


def has_room(connection: Connection, good: Any, user: str) -> bool:
    """Whether somebody may use what `find_good` found: they did before, or it is not used up."""
    return good.uses is None or good.used < good.uses or _has_used(connection, good, user)


def use_invitation(transaction: Transaction, good: Any, user: str) -> None:
    """Count somebody who uses what `find_good` found, if they did not before.

    Raises:
        NotFound: it is used up.
    """
    connection = transaction.connection
    if _has_used(connection, good, user):
        return
    if good.uses is not None and good.used >= good.uses:
        raise NotFound
    connection.execute(
        insert(invitation_uses),
        {"invitation_id": good.invitation, "user_id": user, "at_ms": transaction.now_ms},
    )
    connection.execute(_COUNT, {"invitation": good.invitation})


def _has_used(connection: Connection, good: Any, user: str) -> bool:
    asked = {"invitation": good.invitation, "user": user}
    return connection.execute(_USED_BY, asked).first() is not None
