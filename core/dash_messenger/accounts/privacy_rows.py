"""What people set about who may do what: the rows, and the events that tell of them.

Owns the rows of settings, their exceptions and blocks. Must not know commands, nor what follows
from any of it: that is `policy`'s. Invariants: only what differs from the server's default is
stored; whoever changes something is told in their own log in the transaction that changes it, and
nobody else is.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from itertools import groupby
from typing import Any

from sqlalchemy import (
    BindParameter,
    Connection,
    bindparam,
    delete,
    func,
    insert,
    select,
)

from dash_messenger.accounts.request_rows import open_for
from dash_messenger.protocol.events import BlockUpdated, ExceptionsUpdated, PrivacyUpdated
from dash_messenger.protocol.models import (
    Audience,
    Exceptions,
    Exempt,
    Privacy,
    User,
)
from dash_messenger.store import Transaction
from dash_messenger.store.consent import mark_refusals
from dash_messenger.store.tables import (
    blocks,
    privacy_defaults,
    privacy_exceptions,
    privacy_settings,
    users,
)

__all__ = [
    "SETTINGS",
    "block",
    "blocked_page",
    "blocked_since",
    "count_blocked",
    "count_excepted",
    "defaults_of",
    "except_person",
    "exceptions_for",
    "exceptions_page",
    "log_end",
    "privacy_of",
    "put_defaults",
    "put_privacy",
    "unblock",
]

SETTINGS: tuple[str, ...] = Privacy.__struct_fields__
ALLOWED: Mapping[int, Exempt] = {1: "allow", 0: "deny"}

# All statements are made once: SQLAlchemy takes longer to build one than SQLite to run it.
_USER: BindParameter[str] = bindparam("user")
_OTHER: BindParameter[str] = bindparam("other")
_AFTER: BindParameter[str] = bindparam("after")
_LIMIT: BindParameter[int] = bindparam("limit")
_s, _x, _b = privacy_settings.c, privacy_exceptions.c, blocks.c
_DEFAULTS = select(privacy_defaults.c.setting, privacy_defaults.c.value)
_OWN = select(_s.setting, _s.value).where(_s.user_id == _USER, _s.setting.in_(SETTINGS))
_FORGET = delete(privacy_settings).where(_s.user_id == _USER, _s.setting == bindparam("which"))
_EXCEPTIONS = select(_x.person_id, _x.setting, _x.allowed).where(_x.user_id == _USER)
_ONE_EXCEPTION = _EXCEPTIONS.where(_x.person_id == _OTHER)
_EXCEPTIONS_PAGE = (
    _EXCEPTIONS.where(_x.person_id > _AFTER).order_by(_x.person_id, _x.setting).limit(_LIMIT)
)
_FORGET_EXCEPTION = delete(privacy_exceptions).where(
    _x.user_id == _USER, _x.person_id == _OTHER, _x.setting == bindparam("which")
)
_COUNT_EXCEPTED = select(func.count()).select_from(
    select(_x.person_id).distinct().where(_x.user_id == _USER).limit(_LIMIT).subquery()
)
_SINCE = select(_b.since_ms).where(_b.user_id == _USER, _b.blocked_id == _OTHER)
_BLOCKED_PAGE = (
    select(_b.blocked_id, _b.since_ms)
    .where(_b.user_id == _USER, _b.blocked_id > _AFTER)
    .order_by(_b.blocked_id)
    .limit(_LIMIT)
)
_UNBLOCK = delete(blocks).where(_b.user_id == _USER, _b.blocked_id == _OTHER)
_COUNT_BLOCKED = select(func.count()).select_from(
    select(_b.blocked_id).where(_b.user_id == _USER).limit(_LIMIT).subquery()
)
_SEQ = select(users.c.seq).where(users.c.id == _USER)


def defaults_of(connection: Connection) -> Privacy:
    """What holds for people who chose nothing else."""
    return Privacy(**_pairs(connection.execute(_DEFAULTS)))


def put_defaults(connection: Connection, defaults: Privacy) -> None:
    """Have this hold for people who chose nothing else."""
    connection.execute(delete(privacy_defaults))
    connection.execute(
        insert(privacy_defaults),
        [{"setting": name, "value": getattr(defaults, name)} for name in SETTINGS],
    )


def _pairs(rows: Iterable[Any]) -> dict[str, Any]:
    return {name: value for name, value in rows}  # noqa: C416 - rows are no pairs to mypy


def privacy_of(connection: Connection, user: str) -> Privacy:
    """What holds for ``user``."""
    values = _pairs(connection.execute(_DEFAULTS))
    values |= _pairs(connection.execute(_OWN, {"user": user}))
    return Privacy(**values)


def put_privacy(transaction: Transaction, user: str, wanted: Mapping[str, Audience]) -> set[str]:
    """Set these for ``user``; the names of those that are others now."""
    connection = transaction.connection
    before = privacy_of(connection, user)
    changed = {name: to for name, to in wanted.items() if getattr(before, name) != to}
    if not changed:
        return set()
    defaults = _pairs(connection.execute(_DEFAULTS))
    for name, to in changed.items():
        connection.execute(_FORGET, {"user": user, "which": name})
        if to != defaults[name]:
            connection.execute(
                insert(privacy_settings), {"user_id": user, "setting": name, "value": to}
            )
    transaction.append(user, user, _event(changed))
    return changed.keys() & SETTINGS


def _event(changed: Mapping[str, Audience]) -> PrivacyUpdated:
    values = dict(changed)
    if "message" in values:
        values["first_message"] = values.pop("message")
    return PrivacyUpdated(**values)


def exceptions_for(connection: Connection, user: str, other: str) -> Exceptions | None:
    """Where ``other`` is an exception of ``user``'s settings, None where they are none."""
    rows = connection.execute(_ONE_EXCEPTION, {"user": user, "other": other}).all()
    return _exceptions(other, rows) if rows else None


def exceptions_page(
    connection: Connection, user: str, after: str, limit: int
) -> tuple[list[Exceptions], bool]:
    """A page of them in the order of people's ids, and whether there are more."""
    most = (limit + 1) * len(SETTINGS)
    rows = connection.execute(_EXCEPTIONS_PAGE, {"user": user, "after": after, "limit": most}).all()
    found = [
        _exceptions(person, list(some)) for person, some in groupby(rows, lambda row: row.person_id)
    ]
    return found[:limit], len(found) > limit


def _exceptions(person: str, rows: list[Any] | Any) -> Exceptions:
    return Exceptions(person, **{row.setting: ALLOWED[row.allowed] for row in rows})


def count_excepted(connection: Connection, user: str, most: int) -> int:
    """How many people are exceptions of ``user``'s settings, counted up to ``most``."""
    return int(connection.execute(_COUNT_EXCEPTED, {"user": user, "limit": most}).scalar_one())


def except_person(
    transaction: Transaction, user: str, other: User, wanted: Mapping[str, Exempt | None]
) -> set[str]:
    """Make ``other`` an exception, or none, of these; the names of those that are others now.

    Whoever is allowed to write has been accepted.
    """
    connection = transaction.connection
    before = exceptions_for(connection, user, other.id) or Exceptions(other.id)
    known = {name: _or_none(getattr(before, name)) for name in wanted}
    changed = {name: to for name, to in wanted.items() if known[name] != to}
    if not changed:
        return set()
    for name, to in changed.items():
        connection.execute(_FORGET_EXCEPTION, {"user": user, "other": other.id, "which": name})
        if to is not None:
            row = {"user_id": user, "person_id": other.id, "setting": name}
            connection.execute(insert(privacy_exceptions), {**row, "allowed": int(to == "allow")})
    mark_refusals(connection, user, other.id)
    if changed.get("message") == "allow":
        open_for(transaction, user, other.id, by=user)
    now = exceptions_for(connection, user, other.id)
    transaction.append(user, user, ExceptionsUpdated(_without_photo(other), now))
    return {*changed}


def _or_none(value: Any) -> Exempt | None:
    return value if isinstance(value, str) else None  # type: ignore[return-value]


def blocked_since(connection: Connection, user: str, other: str) -> int | None:
    """When ``user`` blocked ``other``, or None."""
    since: int | None = connection.execute(_SINCE, {"user": user, "other": other}).scalar()
    return since


def blocked_page(
    connection: Connection, user: str, after: str, limit: int
) -> tuple[list[tuple[str, int]], bool]:
    """A page of (id, since) in the order of ids, and whether there are more."""
    asked = {"user": user, "after": after, "limit": limit + 1}
    rows = connection.execute(_BLOCKED_PAGE, asked).all()
    return [(row.blocked_id, row.since_ms) for row in rows[:limit]], len(rows) > limit


def count_blocked(connection: Connection, user: str, most: int) -> int:
    """How many people ``user`` has blocked, counted up to ``most``."""
    return int(connection.execute(_COUNT_BLOCKED, {"user": user, "limit": most}).scalar_one())


def block(transaction: Transaction, user: str, other: User) -> None:
    """Have ``user`` block somebody whom they have not blocked."""
    now_ms = transaction.now_ms
    transaction.connection.execute(
        insert(blocks), {"user_id": user, "blocked_id": other.id, "since_ms": now_ms}
    )
    mark_refusals(transaction.connection, user, other.id)
    transaction.append(user, user, BlockUpdated(_without_photo(other), now_ms))


def unblock(transaction: Transaction, user: str, other: User) -> None:
    """Have ``user`` block somebody no longer, whom they have blocked."""
    transaction.connection.execute(_UNBLOCK, {"user": user, "other": other.id})
    mark_refusals(transaction.connection, user, other.id)
    transaction.append(user, user, BlockUpdated(_without_photo(other), None))


def log_end(connection: Connection, user: str) -> int:
    """Where ``user``'s own log ends."""
    return int(connection.execute(_SEQ, {"user": user}).scalar_one())


def _without_photo(user: User) -> User:
    return User(user.id, user.username, user.display_name)
