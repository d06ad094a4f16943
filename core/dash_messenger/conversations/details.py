"""What a group is called, its photo, description and rules, for everybody in it.

Owns ``conversation.update``. Invariant: what is shown changes in the transaction of the event that
says so.
"""

from __future__ import annotations

from typing import Annotated, Any

from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import select, update

from dash_messenger.accounts.avatars import MakePhoto
from dash_messenger.accounts.directory import Name
from dash_messenger.blobs.referrers import refer_instead
from dash_messenger.conversations.about import about, clean_paragraphs
from dash_messenger.conversations.access import Right, require
from dash_messenger.conversations.starting import clean_title
from dash_messenger.conversations.summaries import Summary, names_in, summaries
from dash_messenger.errors import InvalidParams
from dash_messenger.ids import id_param
from dash_messenger.protocol import events
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.store import Store, Transaction
from dash_messenger.store.tables import conversations

__all__ = ["ConversationDetails"]

Id = Annotated[str, Meta(max_length=64)]
# Longer than any limit: what is needless in it is not counted.
Paragraphs = Annotated[str, Meta(max_length=16_000)]


class ConversationUpdate(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.update``: what is left out stays as it is.

    ``photo`` is an upload of one's own, from which what others see is made; null removes it, and
    the description and the rules, too. The group's owners and admins may, and the server's
    admins who are in it; members hear
    ``conversation.updated`` with what changed.
    """

    conversation: Id
    title: Annotated[str, Meta(max_length=1024)] | UnsetType = UNSET
    photo: Id | UnsetType | None = UNSET
    description: Paragraphs | UnsetType | None = UNSET
    rules: Paragraphs | UnsetType | None = UNSET


class ConversationUpdated(Struct, frozen=True):
    """Result of ``conversation.update``: as it stands now, as ``conversation.get`` says it."""

    conversation: Summary
    users: dict[str, Name]
    description: str | UnsetType = UNSET
    rules: str | UnsetType = UNSET


class ConversationDetails:
    """The command ``conversation.update``."""

    def __init__(self, store: Store, make_photo: MakePhoto) -> None:
        self._store = store
        self._make_photo = make_photo

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "conversation.update",
                ConversationUpdate,
                ConversationUpdated,
                self.update,
                "Change a group's name, photo, description or rules.",
                rate="change",
            )
        ]

    async def update(self, caller: Caller, params: ConversationUpdate) -> ConversationUpdated:
        """The conversation after the change.

        Raises:
            NotFound: not a member.
            Forbidden: the caller may not rename it.
            InvalidParams: the title is empty, or something is too long.
            Refused: a direct conversation; or the photo, as ``account.update`` does.
        """
        user = caller.user_id
        conversation = id_param(params.conversation)
        changes: dict[str, str | None] = {}
        if params.title is not UNSET:
            changes["title"] = clean_title(params.title)
            if not changes["title"]:
                raise InvalidParams(field="title", reason="a group needs a title", rule="required")
        for field, text in (("description", params.description), ("rules", params.rules)):
            if text is not UNSET:
                changes[field] = clean_paragraphs(text, field)
        await self._store.read(
            lambda connection: require(connection, user, conversation, Right.RENAME)
        )
        if params.photo is not UNSET:
            made = None if params.photo is None else await self._make_photo(user, params.photo)
            changes["photo"] = made
        pending = self._store.pending_positions()

        def work(transaction: Transaction) -> ConversationUpdated:
            connection = transaction.connection
            # Again, now that nobody else changes it.
            require(connection, user, conversation, Right.RENAME)
            _change(transaction, conversation, user, changes)
            found = summaries(connection, user, only=[conversation], pending=pending)
            return ConversationUpdated(
                found[0], names_in(connection, user, found), *about(connection, conversation)
            )

        return await self._store.write(work)


def _change(
    transaction: Transaction, conversation: str, user: str, changes: dict[str, str | None]
) -> None:
    connection = transaction.connection
    row: Any = connection.execute(
        select(
            conversations.c.title,
            conversations.c.photo,
            conversations.c.description,
            conversations.c.rules,
        ).where(conversations.c.id == conversation)
    ).one()
    changed = {name: value for name, value in changes.items() if value != getattr(row, name)}
    if not changed:
        return
    if "photo" in changed:
        refer_instead(transaction, f"conversation:{conversation}", row.photo, changed["photo"])
    connection.execute(
        update(conversations).where(conversations.c.id == conversation).values(changed)
    )
    transaction.append(conversation, user, events.ConversationUpdated(**changed))
