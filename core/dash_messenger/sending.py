"""Sending messages: the hottest path of the server.

Owns ``message.send``. Invariant: it makes no task and reads no database before the writer, which
checks membership, numbers the message and answers once it is on disk.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from typing import Annotated

from msgspec import Meta, Raw, Struct

from dash_messenger.commands import Caller, Command
from dash_messenger.errors import Busy, Unauthenticated
from dash_messenger.limits import Buckets
from dash_messenger.messages import MessageTypes
from dash_messenger.store import Draft, Sent, Store
from dash_messenger.summaries import id_param

__all__ = ["Sending"]

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
    the first answer. ``content`` is what the message type says.
    """

    conversation: Id
    client_id: Id
    type: Annotated[str, Meta(max_length=64)]
    content: Raw
    thread: Id | None = None


class Sending:
    """The command ``message.send``. ``backlog`` says how many events wait for their readers."""

    def __init__(
        self,
        store: Store,
        types: MessageTypes,
        *,
        rate_limits: bool,
        backlog: Callable[[], int] = lambda: 0,
    ) -> None:
        self._store = store
        self._types = types
        self._backlog = backlog
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
            )
        ]

    def send(self, caller: Caller, params: MessageSend) -> asyncio.Future[Sent]:
        """The stored message's id and numbers, on their way.

        Raises:
            UnknownType, ContentInvalid: the content is not acceptable.
            RateLimited, Busy: try again later.
            NotFound (by the future): no such conversation, or not a member.
            Conflict (by the future): ``client_id`` was used with other parameters.
        """
        user = caller.user
        if user is None:
            raise Unauthenticated
        if self._backlog() > MAX_BACKLOG:
            raise Busy
        self._buckets.take(user)
        prepared = self._types.prepare(params.type, params.content)
        return self._store.send(
            Draft(
                conversation=id_param(params.conversation),
                sender=user,
                session=caller.session,
                client_id=id_param(params.client_id, "client_id"),
                type=params.type,
                type_version=prepared.version,
                content=prepared.content,
                text=prepared.text,
                thread=None if params.thread is None else id_param(params.thread, "thread"),
            )
        )
