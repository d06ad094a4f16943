"""What members may do in their conversations: the table of rights, and the one check of them.

Must not know commands. Invariants: a right is looked up here and nowhere else, by role and kind of
conversation; somebody who is not a member now learns not even that there is a conversation. Only
the hot path of ``message.send`` asks by SQL of its own who is a member, which a test compares.
"""

from __future__ import annotations

from collections.abc import Mapping
from enum import StrEnum
from typing import Any, NamedTuple, TypeAlias

from sqlalchemy import Connection, bindparam, select

from dash_messenger.errors import Failure, Forbidden, NotFound, Refused
from dash_messenger.protocol.models import Role
from dash_messenger.store.access import FIRST_NUMBER, FIRST_SEQ, is_member
from dash_messenger.store.tables import conversations, members, users

__all__ = [
    "DEFAULT_RIGHTS",
    "STANDING",
    "Membership",
    "Right",
    "Rights",
    "Role",
    "in_order",
    "require",
    "require_over",
    "rights",
    "rights_of",
    "rights_over",
]


class Right(StrEnum):
    """Something that a member may do in a conversation."""

    READ = "read"
    SEND = "send"
    # Put an emoji on a message, or do what its type offers to members.
    REACT = "react"
    # Nobody has it: what somebody wrote is theirs.
    EDIT_OTHERS = "edit_others"
    DELETE_OTHERS = "delete_others"
    # On others' messages too, the actions that their type keeps for authors and admins.
    ACT_AS_ADMIN = "act_as_admin"
    ADD = "add"
    REMOVE = "remove"
    LEAVE = "leave"
    # Name, photo, description and rules.
    RENAME = "rename"
    SET_ROLE = "set_role"
    # And lift bans, and see who is banned.
    BAN = "ban"
    # Make and revoke links by which people join, and let in who asks to.
    INVITE = "invite"


Rights: TypeAlias = frozenset[Right]

_TALKING: Rights = frozenset({Right.READ, Right.SEND, Right.REACT})
_IN_GROUP: Rights = _TALKING | {Right.ADD, Right.LEAVE}
_OVER_GROUP: Rights = _IN_GROUP | {
    Right.DELETE_OTHERS,
    Right.ACT_AS_ADMIN,
    Right.REMOVE,
    Right.RENAME,
    Right.BAN,
    Right.INVITE,
}
_OWNING_GROUP: Rights = _OVER_GROUP | {Right.SET_ROLE}
# In a direct conversation nobody is above the other, and nobody comes or goes; nor where one is
# alone.
_TABLE: Mapping[tuple[str, str], Rights] = {
    ("direct", "owner"): _TALKING,
    ("direct", "admin"): _TALKING,
    ("direct", "member"): _TALKING,
    ("group", "owner"): _OWNING_GROUP,
    ("group", "admin"): _OVER_GROUP,
    ("group", "member"): _IN_GROUP,
    ("saved", "owner"): _TALKING,
    ("saved", "admin"): _TALKING,
    ("saved", "member"): _TALKING,
}
# What the server's admins may besides, where they are members.
_OF_SERVER_ADMINS: Mapping[str, Rights] = {
    "direct": frozenset(),
    "group": frozenset({Right.REMOVE, Right.RENAME, Right.BAN}),
    "saved": frozenset(),
}

# Who stands above whom: what is done to somebody is done by who is above them, so that an owner is
# changed by no other owner. The server's admins are above everybody.
_RANKS: Mapping[str, int] = {"member": 1, "admin": 2, "owner": 3}
_RANK_OF_SERVER_ADMINS = 4
# What is done to another member.
_TO_OTHERS: Rights = frozenset({Right.REMOVE, Right.BAN, Right.SET_ROLE})

# What is so for everybody in direct conversations needs a reason of its own.
_NOT_IN_DIRECT: Mapping[Right, str] = {
    Right.ADD: "Nobody can be added to a direct conversation.",
    Right.REMOVE: "Nobody leaves a direct conversation.",
    Right.LEAVE: "Nobody leaves a direct conversation.",
    Right.RENAME: "A direct conversation has no name and photo of its own.",
    Right.SET_ROLE: "A direct conversation has no roles.",
    Right.BAN: "Nobody is banned from a direct conversation.",
    Right.INVITE: "Nobody is invited to a direct conversation.",
}
_NOT_IN_SAVED = "Saved messages are for oneself alone."

# Of a row of `members` joined with its conversation and user: what `rights_of` looks at.
STANDING = (
    conversations.c.kind,
    members.c.role.label("member_role"),
    users.c.role.label("server_role"),
)


class Membership(NamedTuple):
    """What a member may do and read: events from ``from_seq`` on, messages from ``first_number``.

    ``seq`` and ``message_no`` are where the conversation's log and messages end.
    """

    kind: str
    rights: Rights
    rank: int
    seq: int
    message_no: int
    from_seq: int
    first_number: int


def rights(role: str, kind: str, *, server_admin: bool = False) -> Rights:
    """What a member of this role may do in a conversation of this kind."""
    own = _TABLE[kind, role]
    return own | _OF_SERVER_ADMINS[kind] if server_admin else own


def rights_of(row: Any) -> Rights:
    """The same of a row that has `STANDING`; nothing for who is no member, whose role is null."""
    if row.member_role is None:
        return frozenset()
    return rights(row.member_role, row.kind, server_admin=row.server_role == "admin")


def rights_over(own: Membership, role: str) -> Rights:
    """What a member may do to another one of this role."""
    return own.rights & _TO_OTHERS if own.rank > _RANKS[role] else frozenset()


def in_order(some: Rights) -> list[Right]:
    """The rights as they are told to clients."""
    return [right for right in Right if right in some]


DEFAULT_RIGHTS: Mapping[str, Rights] = {
    kind: rights("member", kind) for kind, role in _TABLE if role == "member"
}


# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_MEMBERSHIP = (
    select(*STANDING, conversations.c.seq, conversations.c.message_no, FIRST_SEQ, FIRST_NUMBER)
    .join(members, is_member(bindparam("of_user")))
    .join(users, users.c.id == members.c.user_id)
    .where(conversations.c.id == bindparam("in_conversation"))
)


def require(connection: Connection, user: str, conversation: str, right: Right) -> Membership:
    """What ``user`` may do and read in a conversation, if they have this right.

    Raises:
        NotFound: no such conversation, or not a member of it now.
        Refused: nobody has it in a conversation of this kind.
        Forbidden: others have it.
    """
    row = connection.execute(
        _MEMBERSHIP, {"of_user": user, "in_conversation": conversation}
    ).first()
    if row is None:
        raise NotFound
    own = Membership(row.kind, rights_of(row), _rank_of(row), *row[len(STANDING) :])
    if right not in own.rights:
        raise _refusal(own.kind, right)
    return own


_ROLE = select(members.c.role).where(is_member(bindparam("of_user"), bindparam("in_conversation")))


def require_over(
    connection: Connection, user: str, conversation: str, right: Right, other: str
) -> str:
    """The role of another member, if ``user`` may do this to them; to oneself one may.

    Raises:
        NotFound: no such conversation, or one of the two is not a member of it now.
        Refused: nobody has the right in a conversation of this kind.
        Forbidden: the user does not have it, or does not stand above the other.
    """
    own = require(connection, user, conversation, right)
    role = connection.execute(_ROLE, {"of_user": other, "in_conversation": conversation}).scalar()
    if role is None:
        raise NotFound
    if other != user and right not in rights_over(own, role):
        raise Forbidden
    return str(role)


def _rank_of(row: Any) -> int:
    return _RANK_OF_SERVER_ADMINS if row.server_role == "admin" else _RANKS[row.member_role]


def _refusal(kind: str, right: Right) -> Failure:
    if kind != "group" and right in _NOT_IN_DIRECT:
        return Refused(reason=_NOT_IN_DIRECT[right] if kind == "direct" else _NOT_IN_SAVED)
    return Forbidden()
