"""Starting conversations and changing who is in them.

Owns who is in which, and as what: a direct conversation exists once for two people. Who may change
it is `access`'s. Invariants: a membership changes in the same transaction as the event that says
so; a group always has an owner, its creator while they are in it.
"""

from __future__ import annotations

from typing import Annotated, Literal

from msgspec import Meta, Struct
from sqlalchemy import Connection, select, update

from dash_messenger.accounts.directory import Name, Names, resolve_users
from dash_messenger.accounts.policy import Wish, as_shown_to, require_consent
from dash_messenger.characters import is_visible, without_hidden
from dash_messenger.conversations.access import Right, in_order, require
from dash_messenger.conversations.memberships import (
    join,
    keep_owned,
    present,
    start_direct,
    start_group,
)
from dash_messenger.conversations.summaries import Summary, names_in, summaries
from dash_messenger.errors import InvalidParams, NotFound
from dash_messenger.ids import IdMaker, id_param
from dash_messenger.protocol import events
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import User
from dash_messenger.store import Store, Transaction
from dash_messenger.store.access import IS_PRESENT
from dash_messenger.store.rows import USER_COLUMNS, user_of
from dash_messenger.store.tables import members, users

__all__ = ["ConversationCreated", "Conversations", "clean_title"]

MAX_TITLE_CHARACTERS = 128
MAX_MEMBERS_PAGE = 200

Id = Annotated[str, Meta(max_length=64)]


class ConversationCreate(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.create``.

    ``members`` are the others, by id or user name: exactly one for a direct conversation. A group
    needs a ``title``. A retry with the same ``client_id`` finds the first one.
    """

    kind: Literal["direct", "group"]
    members: Names
    title: Annotated[str, Meta(max_length=1024)] | None = None
    client_id: Id | None = None


class ConversationCreated(Struct, frozen=True):
    """Result of ``conversation.create``; ``created`` is false where it existed already."""

    id: str
    created: bool
    conversation: Summary
    users: dict[str, Name]


class ConversationGet(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.get``."""

    conversation: Id


class ConversationFound(Struct, frozen=True):
    """Result of ``conversation.get``; ``rights`` are all that the caller has in it."""

    conversation: Summary
    users: dict[str, Name]
    rights: list[Right]


class ConversationMembers(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.members``; ``after`` is the last id of the page before."""

    conversation: Id
    after: Id | None = None
    limit: Annotated[int, Meta(ge=1, le=MAX_MEMBERS_PAGE)] = MAX_MEMBERS_PAGE


class MembersFound(Struct, frozen=True):
    """Result of ``conversation.members``, in the order of ids."""

    members: list[User]
    more: bool


class ConversationAdd(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.add``: ids or user names."""

    conversation: Id
    members: Names


class MembersAdded(Struct, frozen=True):
    """Result of ``conversation.add``; who was a member before is left out."""

    added: list[User]


class ConversationRemove(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.remove``; removing oneself is leaving."""

    conversation: Id
    user: Id


class MemberRemoved(Struct, frozen=True):
    """Result of ``conversation.remove``."""

    user: str


class Conversations:
    """The commands of family ``conversation``."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._new_id = IdMaker()

    def commands(self) -> list[Command]:
        """What a client may ask about conversations."""
        return [
            Command(
                "conversation.create",
                ConversationCreate,
                ConversationCreated,
                self.create,
                "Start a group, or find or start a direct conversation.",
                rate="change",
            ),
            Command(
                "conversation.get",
                ConversationGet,
                ConversationFound,
                self.get,
                "One conversation as it stands in one's list.",
                rate="cheap read",
            ),
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
                "Leave a group, or remove somebody from one's own.",
                rate="change",
            ),
        ]

    async def create(self, caller: Caller, params: ConversationCreate) -> ConversationCreated:
        """The conversation, new or found.

        Raises:
            UnknownUser: naming the first that does not exist.
            InvalidParams: no title, or not exactly one other for a direct one.
            Forbidden: somebody does not want it.
        """
        user = caller.user_id
        client_id = id_param(params.client_id, "client_id") if params.client_id else None
        title = clean_title(params.title)
        if params.kind == "group" and not title:
            raise InvalidParams(field="title", reason="a group needs a title", rule="required")
        named = await self._store.read(
            lambda connection: resolve_users(connection, user, params.members)
        )
        others = [other for other in named if other.id != user]
        if params.kind == "direct" and len(others) != 1:
            raise InvalidParams(
                field="members", reason="a direct conversation has exactly one other member"
            )
        new = self._new_id()

        def work(transaction: Transaction) -> tuple[str, bool]:
            if params.kind == "direct":
                return start_direct(transaction, new, user, others[0])
            return start_group(transaction, new, user, others, title, client_id)

        conversation, created = await self._store.write(work)
        found = await self.get(caller, ConversationGet(conversation))
        return ConversationCreated(conversation, created, found.conversation, found.users)

    async def get(self, caller: Caller, params: ConversationGet) -> ConversationFound:
        """The conversation as the caller sees it.

        Raises:
            NotFound: not a member.
        """
        user = caller.user_id
        conversation = id_param(params.conversation)
        pending = self._store.read_no

        def work(connection: Connection) -> ConversationFound:
            own = require(connection, user, conversation, Right.READ)
            found = summaries(connection, user, only=[conversation], pending=pending)
            return ConversationFound(
                found[0], names_in(connection, user, found), in_order(own.rights)
            )

        return await self._store.read(work)

    async def members(self, caller: Caller, params: ConversationMembers) -> MembersFound:
        """Who is a member now.

        Raises:
            NotFound: not a member oneself.
        """
        user = caller.user_id
        conversation = id_param(params.conversation)
        after = id_param(params.after, "after") if params.after else None

        def work(connection: Connection) -> MembersFound:
            require(connection, user, conversation, Right.READ)
            query = (
                select(*USER_COLUMNS)
                .join(members, members.c.user_id == users.c.id)
                .where(members.c.conversation_id == conversation, IS_PRESENT)
                .order_by(members.c.user_id)
                .limit(params.limit + 1)
            )
            if after is not None:
                query = query.where(members.c.user_id > after)
            found = as_shown_to(connection, user, map(user_of, connection.execute(query)))
            return MembersFound(found[: params.limit], len(found) > params.limit)

        return await self._store.read(work)

    async def add(self, caller: Caller, params: ConversationAdd) -> MembersAdded:
        """Those who were not members before.

        Raises:
            NotFound: not a member oneself.
            Refused: a direct conversation.
            UnknownUser: naming the first that does not exist.
            Forbidden: somebody does not want it.
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
            require_consent(transaction.connection, Wish.ADD, user, [one.id for one in added])
            join(transaction, conversation, user, added)
            return added

        return MembersAdded(await self._store.write(work))

    async def remove(self, caller: Caller, params: ConversationRemove) -> MemberRemoved:
        """Once this returns, nothing later of the conversation reaches the user.

        Raises:
            NotFound: not a member oneself, or the other is none.
            Forbidden: somebody else, and the caller may not remove others.
            Refused: a direct conversation.
        """
        user = caller.user_id
        conversation, gone = id_param(params.conversation), id_param(params.user, "user")

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            right = Right.LEAVE if gone == user else Right.REMOVE
            require(connection, user, conversation, right)
            if not present(connection, conversation, [gone]):
                raise NotFound
            seq = transaction.append(conversation, user, events.MemberRemoved(gone))
            role = connection.execute(
                update(members)
                .where(members.c.conversation_id == conversation, members.c.user_id == gone)
                .values(to_seq=seq)
                .returning(members.c.role)
            ).scalar()
            if role == "owner":
                keep_owned(connection, conversation)
            transaction.append(gone, user, events.ConversationRemoved(conversation))

        await self._store.write(work)
        return MemberRemoved(gone)


def clean_title(title: str | None) -> str:
    """A group's name without needless space and what hides; empty where nothing can be seen.

    Raises:
        InvalidParams: it is too long.
    """
    cleaned = without_hidden(title or "")
    if len(cleaned) > MAX_TITLE_CHARACTERS:
        raise InvalidParams(field="title", reason=f"at most {MAX_TITLE_CHARACTERS} characters")
    return cleaned if is_visible(cleaned) else ""
