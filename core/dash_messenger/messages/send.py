"""Sending messages: the hottest path of the server.

Owns ``message.send``. Invariant: where a message needs no preparation, it makes no task and reads
no database before the writer, which checks membership, numbers the message and answers once it is
on disk.
"""

from __future__ import annotations

import asyncio
from typing import Annotated

from msgspec import Meta, Raw, Struct
from sqlalchemy import Connection, select

from dash_messenger.accounts.policy import require_taken
from dash_messenger.conversations.access import Right, require
from dash_messenger.errors import Busy, InvalidParams, Unauthenticated
from dash_messenger.ids import id_param
from dash_messenger.locks import Locks
from dash_messenger.messages.pipeline import Preparation
from dash_messenger.plugin_api.message_types import Prepared
from dash_messenger.protocol.commands import Answer, Caller, Command
from dash_messenger.rate_limits import Buckets
from dash_messenger.realtime.hub import Hub
from dash_messenger.store import Draft, Sent, Store
from dash_messenger.store.tables import messages

__all__ = ["MessageSend", "MessageSender"]

# A person types 1 a second; a script may empty its backlog, then goes on at a pace that the
# others' screens can follow.
BURST = 1_000
PER_S = 50
# Events that are stored and not yet on their way to their readers: several seconds of fan-out.
MAX_BACKLOG = 50_000

Id = Annotated[str, Meta(max_length=64)]


class MessageSend(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``message.send``.

    ``client_id`` is any UUID that this sender uses once, so that a retry is recognised: it gets
    the first answer. ``content`` is what the message type says. ``thread`` must be null: there are
    no threads yet.
    """

    conversation: Id
    client_id: Id
    type: Annotated[str, Meta(max_length=64)]
    content: Raw
    thread: Id | None = None
    reply_to: Id | None = None


class MessageSender:
    """The command ``message.send``. ``backlog`` says how many events wait for their readers."""

    def __init__(
        self,
        store: Store,
        preparation: Preparation,
        hub: Hub,
        *,
        rate_limits: bool,
    ) -> None:
        self._store = store
        self._preparation = preparation
        self._types = preparation.contents.types
        # What one person sends to one conversation keeps its order.
        self._turns: Locks[tuple[str, str]] = Locks()
        self._hub = hub
        self._buckets = Buckets(burst=BURST, per_s=PER_S, enabled=rate_limits)

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "message.send",
                MessageSend,
                Sent,
                self.send,
                "Send a message; answered when it is on disk.",
                rate="own",
            )
        ]

    def send(self, caller: Caller, params: MessageSend) -> asyncio.Future[Sent] | Answer:
        """The stored message's id and numbers, on their way.

        Raises:
            InvalidParams: it names a thread; there are none yet.
            UnknownType, ContentInvalid: the content is not acceptable.
            ContentTooCostly: working on it takes too much.
            Refused: the type, or a plugin that checks messages, declines it.
            RateLimited, Busy: try again later.
            NotFound (by the future): no such conversation, or not a member; or ``reply_to`` is no
                message of it that the sender may read.
            MessagesNotAccepted (by the future): the other one of a direct conversation has blocked
                the sender, or takes no messages from them.
            RequestPending (by the future): they have not accepted the one message that they take.
            TooManyMessageRequests (by the future): nor have others.
            BlockedByYou (by the future): the sender has blocked them.
            Conflict (by the future): ``client_id`` was used with other parameters.
        """
        user = caller.user
        if user is None:
            raise Unauthenticated
        if params.thread is not None:
            raise InvalidParams(field="thread", reason="there are no threads yet")
        if self._hub.backlog > MAX_BACKLOG:
            raise Busy
        self._buckets.take(user)
        conversation = id_param(params.conversation)
        if not self._preparation.is_quick(params.type) or (user, conversation) in self._turns:
            return self._send_in_turn(user, caller.session, conversation, params)
        prepared = self._preparation.at_once(params.type, params.content)
        return self._store.send(_draft(user, caller.session, conversation, params, prepared))

    async def _send_in_turn(
        self,
        user: str,
        session: str | None,
        conversation: str,
        params: MessageSend,
        *,
        by_bot: bool = False,
    ) -> Sent:
        """Take what needs time; what the sender sends there meanwhile waits for it."""
        async with self._turns((user, conversation)):
            if self._preparation.has_steps(params.type):
                stored = await self._in_steps(user, session, conversation, params, by_bot)
            else:
                contents = self._preparation.contents
                prepared = await contents.new(params.type, params.content, user)
                stored = self._store.send(
                    _draft(user, session, conversation, params, prepared, by_bot=by_bot)
                )
        return await stored

    async def _in_steps(
        self, user: str, session: str | None, conversation: str, params: MessageSend, by_bot: bool
    ) -> asyncio.Future[Sent]:
        """Prepare and check first."""
        contents = self._preparation.contents
        content = await contents.read(params.type, params.content, user)
        sent = self._types.encode(content)
        if not by_bot:
            client_id = id_param(params.client_id, "client_id")
            again = await self._store.read(
                lambda connection: _may_send(connection, conversation, user, client_id)
            )
            if again is not None:
                # A retry must not be prepared twice: only its parameters matter now.
                known = Prepared(sent, "", 1)
                draft = _draft(user, session, conversation, params, known, sent=sent)
                return self._store.send(draft)
        content = await self._preparation.steps(
            params.type, content, user, conversation, reply_to=params.reply_to
        )
        prepared = await contents.finish(params.type, content, user)
        return self._store.send(
            _draft(user, session, conversation, params, prepared, sent=sent, by_bot=by_bot)
        )

    async def send_as(self, bot: str, params: MessageSend) -> Sent:
        """A message of a plugin's bot, who need not be a member.

        Raises:
            UnknownType, ContentInvalid, Refused, NotFound, Conflict: as `send`.
        """
        conversation = id_param(params.conversation)
        return await self._send_in_turn(bot, None, conversation, params, by_bot=True)


def _draft(
    user: str,
    session: str | None,
    conversation: str,
    params: MessageSend,
    prepared: Prepared,
    *,
    sent: bytes | None = None,
    by_bot: bool = False,
) -> Draft:
    reply_to = params.reply_to
    return Draft(
        conversation=conversation,
        sender=user,
        session=session,
        client_id=id_param(params.client_id, "client_id"),
        type=params.type,
        type_version=prepared.version,
        content=prepared.content,
        text=prepared.text,
        thread=None,
        state=prepared.state,
        reply_to=None if reply_to is None else id_param(reply_to, "reply_to"),
        blobs=prepared.blobs,
        sent=sent,
        by_bot=by_bot,
    )


def _may_send(connection: Connection, conversation: str, user: str, client_id: str) -> str | None:
    """The id of the message that this sender named so before, or None.

    Raises:
        NotFound: no such conversation, or not a member: nothing is prepared for strangers.
        MessagesNotAccepted, RequestPending, BlockedByYou: nor for whose messages are not taken.
    """
    found: str | None = connection.execute(
        select(messages.c.id).where(messages.c.client_id == client_id, messages.c.sender_id == user)
    ).scalar()
    if found is None:
        require(connection, user, conversation, Right.SEND)
        require_taken(connection, user, conversation)
    return found
