"""Who is in a conversation, and as what: listing and adding, removing and leaving, roles.

Owns these commands; how a membership changes is `memberships`', who may change it `access`'s.
Invariants: a membership changes in the same transaction as the event that says so; a group always
has an owner.
"""

from __future__ import annotations

from typing import Annotated, get_args

from msgspec import Meta, Struct
from sqlalchemy import Connection, select

from dash_messenger.accounts.directory import Names, resolve_users
from dash_messenger.accounts.policy import Wish, as_shown_to, require_consent
from dash_messenger.conversations.access import (
    Right,
    in_order,
    require,
    require_over,
    rights_over,
)
from dash_messenger.conversations.memberships import (
    end_membership,
    give_role,
    is_last_owner,
    join,
    present,
)
from dash_messenger.errors import InvalidParams, LastOwner
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import Role, User
from dash_messenger.store import Store, Transaction
from dash_messenger.store.access import IS_PRESENT
from dash_messenger.store.rows import USER_COLUMNS, user_of
from dash_messenger.store.tables import IS_ABOVE_MEMBERS, members, users

__all__ = ["Members"]

MAX_MEMBERS_PAGE = 200

Id = Annotated[str, Meta(max_length=64)]


class ConversationMembers(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.members``; ``after`` is the last id of the page before.

    ``role`` asks for those who have it alone.
    """

    conversation: Id
    after: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_MEMBERS_PAGE)] = MAX_MEMBERS_PAGE
    role: Role | None = None


class MembersFound(Struct, frozen=True):
    """Result of ``conversation.members``, in the order of ids.

    ``roles`` are, by id, those of who is more than a ``member``; ``rights`` says what the caller
    may do to other members, by what those are.
    """

    members: list[User]
    more: bool
    roles: dict[str, Role]
    rights: dict[Role, list[Right]]


class ConversationAdd(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.add``: ids or user names."""

    conversation: Id
    members: Names


class MembersAdded(Struct, frozen=True):
    """Result of ``conversation.add``; who was a member before is left out."""

    added: list[User]


class ConversationRemove(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.remove``: ``user`` is somebody else."""

    conversation: Id
    user: Id


class MemberRemoved(Struct, frozen=True):
    """Result of ``conversation.remove``."""

    user: str


class ConversationLeave(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.leave``.

    Where nobody else who can act owns the group, its longest-serving admin, or, where there is
    none, member becomes an owner.
    """

    conversation: Id


class ConversationLeft(Struct, frozen=True):
    """Result of ``conversation.leave``."""

    conversation: str


class ConversationSetRole(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.set_role``: what a member, ``user``, is from now on.

    A group may have several owners. Giving the ownership up is setting one's own role, once
    somebody else is an owner.
    """

    conversation: Id
    user: Id
    role: Role


class RoleSet(Struct, frozen=True):
    """Result of ``conversation.set_role``: as it is now."""

    user: str
    role: Role


class Members:
    """The commands about who is in a conversation."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def commands(self) -> list[Command]:
        """What a client may ask about members."""
        return [
            Command(
                "conversation.members",
                ConversationMembers,
                MembersFound,
                self.members,
                "Who is in a conversation, a page at a time.",
                rate="cheap read",
            ),
            Command(
                "conversation.add",
                ConversationAdd,
                MembersAdded,
                self.add,
                "Add members to a group.",
                rate="change",
            ),
            Command(
                "conversation.remove",
                ConversationRemove,
                MemberRemoved,
                self.remove,
                "Remove somebody else from a group.",
                rate="change",
            ),
            Command(
                "conversation.leave",
                ConversationLeave,
                ConversationLeft,
                self.leave,
                "Be a member of a group no longer.",
                rate="change",
            ),
            Command(
                "conversation.set_role",
                ConversationSetRole,
                RoleSet,
                self.set_role,
                "Make a member of a group its owner or admin, or a member again.",
                rate="change",
            ),
        ]

    async def members(self, caller: Caller, params: ConversationMembers) -> MembersFound:
        """Who is a member now.

        Raises:
            NotFound: not a member oneself.
        """
        user = caller.user_id
        conversation = id_param(params.conversation)
        after = id_param(params.after, "after") if params.after else None

        def work(connection: Connection) -> MembersFound:
            own = require(connection, user, conversation, Right.READ)
            query = (
                select(*USER_COLUMNS, members.c.role.label("member_role"))
                .join(members, members.c.user_id == users.c.id)
                .where(members.c.conversation_id == conversation, IS_PRESENT)
                .order_by(members.c.user_id)
                .limit(params.limit + 1)
            )
            if after is not None:
                query = query.where(members.c.user_id > after)
            if params.role is not None:
                query = query.where(members.c.role == params.role)
                if params.role != "member":
                    query = query.where(IS_ABOVE_MEMBERS)
            rows = connection.execute(query).all()
            page = rows[: params.limit]
            return MembersFound(
                as_shown_to(connection, user, map(user_of, page)),
                len(rows) > params.limit,
                {row.id: row.member_role for row in page if row.member_role != "member"},
                {role: in_order(rights_over(own, role)) for role in get_args(Role)},
            )

        return await self._store.read(work)

    async def add(self, caller: Caller, params: ConversationAdd) -> MembersAdded:
        """Those who were not members before.

        Raises:
            NotFound: not a member oneself.
            Refused: a direct conversation.
            UnknownUser: naming the first that does not exist, or may not be found.
            UserBanned: naming the first who is.
            AddingNotAllowed: somebody does not want it.
            BlockedByYou: one of them is blocked.
        """
        user = caller.user_id
        conversation = id_param(params.conversation)

        def prepare(connection: Connection) -> list[User]:
            require(connection, user, conversation, Right.ADD)
            return resolve_users(connection, user, params.members)

        named = await self._store.read(prepare)

        def work(transaction: Transaction) -> list[User]:
            # Again, now that nobody else changes it.
            require(transaction.connection, user, conversation, Right.ADD)
            already = present(transaction.connection, conversation, [one.id for one in named])
            added = [one for one in named if one.id not in already]
            require_consent(transaction.connection, Wish.ADD, user, added)
            join(transaction, conversation, user, added)
            return added

        return MembersAdded(await self._store.write(work))

    async def remove(self, caller: Caller, params: ConversationRemove) -> MemberRemoved:
        """Once this returns, nothing later of the conversation reaches the user.

        Raises:
            InvalidParams: oneself, who leaves instead.
            NotFound: not a member oneself, or the other is none.
            Forbidden: the caller may not remove them.
            Refused: a direct conversation.
        """
        user = caller.user_id
        conversation, gone = id_param(params.conversation), id_param(params.user, "user")
        if gone == user:
            raise InvalidParams(field="user", reason="conversation.leave is for oneself")

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            require_over(connection, user, conversation, Right.REMOVE, gone)
            end_membership(transaction, conversation, user, gone)

        await self._store.write(work)
        return MemberRemoved(gone)

    async def leave(self, caller: Caller, params: ConversationLeave) -> ConversationLeft:
        """Once this returns, nothing later of the conversation reaches the caller.

        Raises:
            NotFound: not a member.
            Refused: a direct conversation.
        """
        user, conversation = caller.user_id, id_param(params.conversation)

        def work(transaction: Transaction) -> None:
            require(transaction.connection, user, conversation, Right.LEAVE)
            end_membership(transaction, conversation, user, user)

        await self._store.write(work)
        return ConversationLeft(conversation)

    async def set_role(self, caller: Caller, params: ConversationSetRole) -> RoleSet:
        """The member's role, which they may have had before.

        Raises:
            NotFound: one of the two is not a member.
            Forbidden: the caller may not give them a role.
            Refused: a direct conversation.
            LastOwner: oneself, and nobody else who can act owns the group.
        """
        user, role = caller.user_id, params.role
        conversation, other = id_param(params.conversation), id_param(params.user, "user")

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            was = require_over(connection, user, conversation, Right.SET_ROLE, other)
            if was == role:
                return
            if was == "owner" and is_last_owner(connection, conversation, other):
                raise LastOwner
            give_role(transaction, conversation, user, other, role)

        await self._store.write(work)
        return RoleSet(other, role)
