"""Editing and deleting messages.

Owns ``message.edit`` and ``message.delete``. Invariant: what was deleted is gone from every table;
the tombstone keeps number and author, so that nothing else moves.
"""

from __future__ import annotations

from collections.abc import Callable
from functools import partial
from typing import Annotated

import msgspec
from msgspec import UNSET, Meta, Raw, Struct
from sqlalchemy import insert

from dash_messenger.accounts.request_rows import withdraw_message
from dash_messenger.conversations.access import Right
from dash_messenger.errors import Forbidden, InvalidParams
from dash_messenger.ids import id_param
from dash_messenger.locks import Locks
from dash_messenger.messages.erasure import ERASED, erase_around
from dash_messenger.messages.pipeline import Preparation
from dash_messenger.messages.revisions import Answers, Found, find, put_revision
from dash_messenger.plugin_api.message_types import Prepared
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.events import MessageDeleted
from dash_messenger.store import Store, Transaction
from dash_messenger.store.blob_references import (
    CoreBlobRows,
    check_usable,
    forget,
    refer_message,
)
from dash_messenger.store.optimistic import Overtaken, retry
from dash_messenger.store.tables import revisions

__all__ = ["MessageEdits"]

Id = Annotated[str, Meta(max_length=64)]


class MessageEdit(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``message.edit``: the content as it shall be from now on.

    ``client_id`` is any UUID that this user uses once: a retry is answered, not repeated.
    """

    message: Id
    content: Raw
    client_id: Id


class MessageDelete(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``message.delete``."""

    message: Id


class MessageChanged(Struct, frozen=True):
    """Result of ``message.edit`` and ``message.delete``: the message's revision."""

    id: str
    rev: int


class MessageEdits:
    """The commands ``message.edit`` and ``message.delete``."""

    def __init__(
        self,
        store: Store,
        preparation: Preparation,
        *,
        locks: Locks[str],
    ) -> None:
        self._store = store
        self._preparation = preparation
        self._contents = preparation.contents
        self._types = preparation.contents.types
        self._locks = locks

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "message.edit",
                MessageEdit,
                MessageChanged,
                self.edit,
                "Change what one wrote.",
                rate="write",
            ),
            Command(
                "message.delete",
                MessageDelete,
                MessageChanged,
                self.delete,
                "Delete a message for everybody: one's own, or, with that right, any.",
                rate="write",
            ),
        ]

    async def edit(self, caller: Caller, params: MessageEdit) -> MessageChanged:
        """The message after the edit; everybody sees that it was edited.

        Raises:
            NotFound: no such message, deleted, or not for the caller.
            Forbidden: somebody else wrote it, or its type is not for editing.
            MessagesNotAccepted, RequestPending, BlockedByYou: as for `message.send`.
            ContentInvalid, Refused: the content is not acceptable.
            ContentTooCostly: working on it takes too much; nothing changed.
            PluginFailed: the type's code failed; nothing changed.
            TimedOut: it, or preparing, took too long.
            Conflict: ``client_id`` was used for something else.
            RateLimited, Busy: try again later.
        """
        user = caller.user_id
        message = id_param(params.message, "message")
        answers = Answers(
            "message.edit",
            user,
            id_param(params.client_id, "client_id"),
            message.encode(),
            bytes(params.content),
        )
        async with self._locks(message):
            found = await self._store.read(
                lambda connection: answers.known(connection) or find(connection, message, user)
            )
            if isinstance(found, bytes):
                return msgspec.json.decode(found, type=MessageChanged)
            type_name = found.message.type
            found.require(user, Right.EDIT_OTHERS, of_others=True)
            found.require_taken()
            if not self._is_editable(type_name):
                raise Forbidden
            content: Struct | bytes = bytes(params.content)
            if self._preparation.has_steps(type_name):
                read = await self._contents.read(type_name, params.content, user)
                before = None
                if self._types.prepares(type_name):
                    before = await self._contents.decode(found.message)
                content = await self._preparation.steps(
                    type_name,
                    read,
                    user,
                    found.message.conversation,
                    message=message,
                    before=before,
                )
            newest = found

            async def attempt() -> MessageChanged:
                nonlocal newest
                prepared = await self._changed(newest, content)
                try:
                    return await self._store.write(_storing(newest, prepared, user, answers))
                except Overtaken:
                    newest = await self._store.read(partial(find, message=message, user=user))
                    raise

            return await retry(attempt)

    def _is_editable(self, type_name: str) -> bool:
        return type_name in self._types and self._types[type_name].editable

    async def _changed(self, found: Found, content: Struct | bytes) -> Prepared:
        """The message with its new content."""
        message = found.message
        before = bytes(message.content or b"null"), found.type_version
        state = None if message.state is UNSET else bytes(message.state)
        return await self._contents.change(message.type, content, before, state, message.sender)

    async def delete(self, caller: Caller, params: MessageDelete) -> MessageChanged:
        """The tombstone.

        Raises:
            NotFound: no such message, deleted already, or not for the caller.
            Forbidden: somebody else wrote it, and the caller may not delete it.
        """
        user = caller.user_id
        message = id_param(params.message, "message")

        def work(transaction: Transaction) -> MessageChanged:
            found = find(transaction.connection, message, user)
            found.require(user, Right.DELETE_OTHERS, of_others=True)
            erase_around(transaction.connection, [message], transaction.now_ms)
            withdraw_message(transaction, found.message.sender, message)
            after = put_revision(
                transaction,
                found.message,
                user,
                {**ERASED, "deleted_at_ms": transaction.now_ms},
                event=MessageDeleted,
            )
            return MessageChanged(after.id, after.rev)

        async with self._locks(message):
            return await self._store.write(work)


def _storing(
    found: Found, prepared: Prepared, user: str, answers: Answers
) -> Callable[[Transaction], MessageChanged]:
    def work(transaction: Transaction) -> MessageChanged:
        connection = transaction.connection
        known = answers.known(connection)
        if known is not None:
            return msgspec.json.decode(known, type=MessageChanged)
        now = find(connection, found.message.id, user)
        now.require(user, Right.EDIT_OTHERS, of_others=True)
        now.require_taken()
        before = now.message
        if before.content is None:
            raise InvalidParams(field="message", reason="has no content")
        rows = CoreBlobRows(connection)
        check_usable(rows, user, prepared.blobs)
        after = put_revision(
            transaction,
            found.message,
            user,
            {
                "content": prepared.content,
                "text": prepared.text,
                "state": prepared.state,
                "type_version": prepared.version,
                "edited_at_ms": transaction.now_ms,
            },
        )
        connection.execute(
            insert(revisions),
            {
                "message_id": before.id,
                "rev": before.rev,
                "type_version": found.type_version,
                "content": bytes(before.content),
                "text": before.text,
                "at_ms": transaction.now_ms,
            },
        )
        forget(connection, f"message:{before.id}", transaction.now_ms)
        refer_message(rows, before.id, prepared.blobs)
        done = MessageChanged(after.id, after.rev)
        answers.keep(transaction, done)
        return done

    return work
