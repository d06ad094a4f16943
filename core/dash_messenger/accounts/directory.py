"""Finding users and showing them to each other.

Owns the queries that turn ids and exact user names into `User`. Whom one may find is `policy`'s;
of people who stand in an answer, everybody may see id, user name and display name, the photo as
`policy` says, and nothing else.
"""

from __future__ import annotations

from collections.abc import Collection, Iterable, Sequence
from typing import Annotated, Any

from msgspec import Meta, Struct
from sqlalchemy import ColumnElement, Connection, select

from dash_messenger.accounts.names import username_key
from dash_messenger.accounts.policy import MAY_FIND, MAY_FIND_BY_ID, as_shown_to
from dash_messenger.errors import InvalidParams, UnknownUser
from dash_messenger.ids import parse_id
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import User
from dash_messenger.rate_limits import Buckets
from dash_messenger.store import Store
from dash_messenger.store.rows import USER_COLUMNS, user_of
from dash_messenger.store.tables import users

__all__ = [
    "Name",
    "Names",
    "Users",
    "find_other",
    "find_users",
    "own_user",
    "resolve_users",
    "users_by_id",
]

# Long enough for any user name and any text form of an id.
MAX_NAME_CHARACTERS = 64
MAX_NAMES = 200


class Name(Struct, frozen=True, omit_defaults=True):
    """How somebody is called and pictured, beside their id; ``photo`` as in `User`."""

    username: str
    display_name: str
    photo: str | None = None


Names = Annotated[
    list[Annotated[str, Meta(min_length=1, max_length=MAX_NAME_CHARACTERS)]],
    Meta(min_length=1, max_length=MAX_NAMES),
]


class UserGet(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``user.get``: ids or exact user names."""

    users: Names


class UsersFound(Struct, frozen=True):
    """Result of ``user.get``; who does not exist, or may not be found, is left out."""

    users: list[User]


class Users:
    """The commands of family ``user``."""

    def __init__(self, store: Store, *, rate_limits: bool) -> None:
        self._store = store
        # Enough for a dialog that looks up while one types, too little to list the user names.
        self._lookups = Buckets(burst=200, per_s=10, enabled=rate_limits)

    def commands(self) -> list[Command]:
        """What a client may ask about users."""
        return [
            Command(
                "user.get",
                UserGet,
                UsersFound,
                self.get,
                "Look up users by id or user name.",
                rate="cheap read",
            )
        ]

    async def get(self, caller: Caller, params: UserGet) -> UsersFound:
        """The users with these ids or exact names."""
        self._lookups.take(caller.user_id)
        found = await self._store.read(
            lambda connection: find_users(connection, caller.user_id, params.users)
        )
        return UsersFound(list(dict.fromkeys(found.values())))


def find_users(connection: Connection, viewer: str, names: Iterable[str]) -> dict[str, User]:
    """Those of ``names`` (ids, or user names however they were typed) that exist, by name given.

    Who may not be found by ``viewer`` is left out as if they did not exist. An id also finds whom
    one has met: it stands beside what they said.
    """
    wanted: dict[str, str] = {}
    keys: list[str] = []
    ids: list[str] = []
    for name in names:
        try:
            # User names may look like ids only where their length differs: 32 is the longest.
            wanted[name] = parse_id(name)
            ids.append(wanted[name])
        except ValueError:
            wanted[name] = username_key(name)
        keys.append(username_key(name))
    by_id = _select(connection, viewer, users.c.id.in_(ids) & MAY_FIND_BY_ID) if ids else []
    by_key = _select(connection, viewer, users.c.username_key.in_(keys) & MAY_FIND) if keys else []
    found = {user.username.lower(): user for user in by_key} | {user.id: user for user in by_id}
    return {name: found[key] for name, key in wanted.items() if key in found}


def resolve_users(connection: Connection, viewer: str, names: Sequence[str]) -> list[User]:
    """The users with these ids or user names, each once, in the order given.

    Raises:
        UnknownUser: naming the first that does not exist.
    """
    found = find_users(connection, viewer, names)
    for name in names:
        if name not in found:
            raise UnknownUser(username=name, field="members")
    return list(dict.fromkeys(found[name] for name in names))


def find_other(connection: Connection, user: str, name: str) -> User:
    """Somebody else, by id or user name.

    Raises:
        UnknownUser: nobody is called so, or they may not be found.
        InvalidParams: it is oneself.
    """
    found = find_users(connection, user, [name])
    if name not in found:
        raise UnknownUser(username=name, field="user")
    if found[name].id == user:
        raise InvalidParams(field="user", reason="is oneself")
    return found[name]


def own_user(connection: Connection, user: str) -> User:
    """A user as they see themselves."""
    return user_of(connection.execute(select(*USER_COLUMNS).where(users.c.id == user)).one())


def users_by_id(connection: Connection, viewer: str, ids: Collection[str]) -> dict[str, Name]:
    """The names of users as ``viewer`` sees them, by id."""
    if not ids:
        return {}
    return {
        user.id: Name(user.username, user.display_name, user.photo)
        for user in _select(connection, viewer, users.c.id.in_(set(ids)))
    }


def _select(connection: Connection, viewer: str, condition: ColumnElement[bool]) -> list[User]:
    rows: Any = connection.execute(select(*USER_COLUMNS).where(condition), {"viewer": viewer})
    return as_shown_to(connection, viewer, map(user_of, rows))
