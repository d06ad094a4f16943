"""Starting conversations, and showing one as it stands in somebody's list.

Owns ``conversation.create`` and ``conversation.get``, and what a title may be. How members come in
is `memberships`'. Invariant: a direct conversation exists once for two people, saved messages once
for each.
"""

from __future__ import annotations

from typing import Annotated

from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import Connection

from dash_messenger.accounts.directory import Name, Names, resolve_users
from dash_messenger.characters import is_visible, without_hidden
from dash_messenger.conversations.about import about
from dash_messenger.conversations.access import Right, in_order, require
from dash_messenger.conversations.memberships import start_direct, start_group, start_saved
from dash_messenger.conversations.summaries import Summary, names_in, summaries
from dash_messenger.errors import InvalidParams
from dash_messenger.ids import IdMaker, id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import ConversationKind
from dash_messenger.store import Store, Transaction

__all__ = ["Conversations", "clean_title"]

MAX_TITLE_CHARACTERS = 128

Id = Annotated[str, Meta(max_length=64)]


class ConversationCreate(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.create``.

    ``members`` are the others, by id or user name: exactly one for a direct conversation, nobody
    for ``saved``, of which everybody has one. A group needs a ``title``. A retry with the same
    ``client_id`` finds the first one.
    """

    kind: ConversationKind
    members: Names = []
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
    """Result of ``conversation.get``; ``rights`` are all that the caller has in it.

    ``description`` and ``rules`` are left out where there are none.
    """

    conversation: Summary
    users: dict[str, Name]
    rights: list[Right]
    description: str | UnsetType = UNSET
    rules: str | UnsetType = UNSET


class Conversations:
    """The commands that start and show a conversation."""

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
        ]

    async def create(self, caller: Caller, params: ConversationCreate) -> ConversationCreated:
        """The conversation, new or found.

        Raises:
            UnknownUser: naming the first that does not exist, or may not be found.
            InvalidParams: no title, not exactly one other for a direct one, or others for `saved`.
            MessagesNotAccepted, AddingNotAllowed: somebody does not want it.
            BlockedByYou: one of them is blocked.
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
        if params.kind == "saved" and others:
            raise InvalidParams(field="members", reason="saved messages are for oneself alone")
        new = self._new_id()

        def work(transaction: Transaction) -> tuple[str, bool]:
            if params.kind == "direct":
                return start_direct(transaction, new, user, others[0])
            if params.kind == "saved":
                return start_saved(transaction, new, user)
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
        pending = self._store.pending_positions()

        def work(connection: Connection) -> ConversationFound:
            own = require(connection, user, conversation, Right.READ)
            found = summaries(connection, user, only=[conversation], pending=pending)
            return ConversationFound(
                found[0],
                names_in(connection, user, found),
                in_order(own.rights),
                *about(connection, conversation),
            )

        return await self._store.read(work)


def clean_title(title: str | None) -> str:
    """A group's name without needless space and what hides; empty where nothing can be seen.

    Raises:
        InvalidParams: it is too long.
    """
    cleaned = without_hidden(title or "")
    if len(cleaned) > MAX_TITLE_CHARACTERS:
        raise InvalidParams(field="title", reason=f"at most {MAX_TITLE_CHARACTERS} characters")
    return cleaned if is_visible(cleaned) else ""
