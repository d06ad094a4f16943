"""Watching who is there: asked by those who show people, told as the policy says.

Owns ``presence.watch``, and asks the policy again when somebody changed what they show. Who is
there, and telling it, is `realtime/presence`'s. Invariants: nothing is told that was asked before a
change of either of the two; somebody who is not shown is left out as somebody who does not exist.
"""

from __future__ import annotations

import asyncio
from collections.abc import Mapping
from itertools import islice
from typing import Annotated, Any

import structlog
from msgspec import Meta, Struct
from sqlalchemy import Connection

from dash_messenger.accounts.policy import Wish, who_allow, whom_allows
from dash_messenger.errors import Failure
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.events import (
    BlockUpdated,
    ContactUpdated,
    Event,
    ExceptionsUpdated,
    MemberJoined,
    MemberRemoved,
    PrivacyUpdated,
)
from dash_messenger.protocol.models import Presence
from dash_messenger.rate_limits import Buckets
from dash_messenger.realtime.presence import Attendance
from dash_messenger.store import Store
from dash_messenger.store.last_uses import last_uses, put_last_uses

__all__ = ["BURST", "MAX_WATCHED", "PER_S", "Presences"]

MAX_WATCHED = 200
# A page asks when it scrolls or opens something, some tenths of a second after it came to rest.
BURST = 120
PER_S = 2
# After a restart thousands come at once: the others wait here, each in its turn, instead of filling
# the readers' queue, which would be busy for everybody.
ASKED_AT_ONCE = 20
# What is lost in a crash of when people were last seen.
STORE_EVERY_S = 30.0
# Sessions a transaction: what is sent meanwhile waits for it.
STORED_AT_ONCE = 200

log = structlog.get_logger(__name__)

Id = Annotated[str, Meta(max_length=64)]

_OF_ONESELF = frozenset({PrivacyUpdated, ExceptionsUpdated, BlockUpdated, ContactUpdated})


class PresenceWatch(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``presence.watch``: ids of those of whom this connection wants to hear."""

    users: Annotated[list[Id], Meta(max_length=MAX_WATCHED)]


class PresenceNow(Struct, frozen=True):
    """Result of ``presence.watch``, by id; who does not show it to the caller is left out."""

    users: dict[str, Presence]


class Presences:
    """One for a process; everything but the queries is on the loop.

    A session that was used ends ``session_ms`` later.
    """

    def __init__(
        self,
        store: Store,
        attendance: Attendance,
        *,
        session_ms: int,
        rate_limits: bool,
    ) -> None:
        self._store = store
        self._attendance = attendance
        self._session_ms = session_ms
        self._buckets = Buckets(burst=BURST, per_s=PER_S, enabled=rate_limits)
        self._places = asyncio.Semaphore(ASKED_AT_ONCE)
        self._changed: dict[str, None] = {}
        self._asking: asyncio.Task[None] | None = None
        self._storing: asyncio.Task[None] | None = None

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "presence.watch",
                PresenceWatch,
                PresenceNow,
                self.watch,
                "How some people are, and hear it when it changes; instead of those before.",
                rate="cheap read",
            )
        ]

    async def watch(self, caller: Caller, params: PresenceWatch) -> PresenceNow:
        """How they are; what changes is told to the connection that asked, if there is one.

        Raises:
            InvalidParams: something is no id.
            RateLimited: too many lists in a short time.
        """
        user = caller.user_id
        # A connection that requests come by hears notifications, too.
        connection: Any = caller.connection
        self._buckets.take(user)
        wanted = list(dict.fromkeys(id_param(one, "users") for one in params.users))
        attendance = self._attendance
        if connection is not None:
            attendance.watch(connection, wanted)
        if not wanted:
            return PresenceNow({})

        def work(reader: Connection) -> tuple[set[str], dict[str, int]]:
            shown = {*who_allow(reader, Wish.SEE_LAST_SEEN, user, wanted)}
            return shown, last_uses(reader, wanted)

        question = attendance.ask()
        try:
            async with self._places:
                shown, seen = await self._store.read(work)
            if connection is None:
                if attendance.is_late(question, user):
                    return PresenceNow({})
                told = {
                    one: attendance.of(one, seen.get(one))
                    for one in shown
                    if not attendance.is_late(question, one)
                }
            else:
                known = {one: one in shown for one in wanted}
                attendance.answer(question, user, known, answered=connection, seen_at_ms=seen)
                # Where a later list replaced this one, those of it who are known by now.
                told = attendance.told(connection)
            return PresenceNow(told)
        finally:
            attendance.asked()

    # What changes.

    def hear(self, events: list[Event]) -> None:
        """Note who changed what they show, before the one who did is answered."""
        for event in events:
            data = event.data
            # Not `isinstance`, which is slow where it is false of a struct.
            if type(data) in _OF_ONESELF:
                self._ask_about(event.log)
            elif type(data) is MemberRemoved:
                self._ask_about(data.user)
            elif type(data) is MemberJoined:
                self._ask_about(data.user.id)

    def _ask_about(self, user: str) -> None:
        if self._attendance.changed(user):
            self._changed[user] = None
            if self._asking is None:
                self._asking = asyncio.get_running_loop().create_task(self._ask_again())

    async def _ask_again(self) -> None:
        try:
            while self._changed:
                user = next(iter(self._changed))
                del self._changed[user]
                try:
                    await self._ask_again_about(user)
                except Failure as failure:
                    # Nothing is told of them until they are watched again.
                    log.warning("presence_not_asked", error=failure.key)
        finally:
            self._asking = None

    async def _ask_again_about(self, user: str) -> None:
        attendance = self._attendance
        viewers, others = attendance.watchers_of(user), attendance.watched_by(user)
        question = attendance.ask()
        try:

            def work(reader: Connection) -> tuple[set[str], set[str]]:
                return (
                    {*whom_allows(reader, Wish.SEE_LAST_SEEN, user, viewers)},
                    {*who_allow(reader, Wish.SEE_LAST_SEEN, user, others)},
                )

            shown_to, shown = await self._store.read(work)
            attendance.answer(question, user, {other: other in shown for other in others})
            for viewer in viewers:
                attendance.answer(question, viewer, {user: viewer in shown_to})
        finally:
            attendance.asked()

    # When people were last seen, over a restart.

    def start(self) -> None:
        """Store, every `STORE_EVERY_S`, when sessions were used whose connections are gone."""
        self._storing = asyncio.get_running_loop().create_task(self._store_periodically())

    async def aclose(self) -> None:
        """Ask and store no more; who is still connected was seen now."""
        if self._storing is None:
            return
        for task in (self._asking, self._storing):
            if task is not None:
                task.cancel()
                await asyncio.wait([task])
        self._storing = None
        await self._put(self._attendance.take_last_uses(of_all=True))

    async def _store_periodically(self) -> None:
        while True:
            await asyncio.sleep(STORE_EVERY_S)
            await self._put(self._attendance.take_last_uses())

    async def _put(self, uses: Mapping[str, int]) -> None:
        left = iter(uses.items())
        while some := dict(islice(left, STORED_AT_ONCE)):
            try:
                await self._store.write(
                    lambda transaction, some=some: put_last_uses(  # type: ignore[misc]
                        transaction, some, self._session_ms
                    )
                )
            except Failure as failure:
                log.warning("last_uses_not_stored", error=failure.key)
                return
