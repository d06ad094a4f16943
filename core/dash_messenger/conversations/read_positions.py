"""How far people have read.

Owns ``read.advance`` and who hears of it. Positions are no events: they only grow, are stored a
little later and may be lost in a crash. Invariant: others hear of a conversation's positions at
most once in `RECEIPT_EVERY_S`, and only where both show how far they have read (`policy`).
"""

from __future__ import annotations

from collections.abc import Callable
from typing import Annotated, Any, Protocol

from msgspec import Meta, Struct
from sqlalchemy import Connection, select

from dash_messenger.accounts.policy import Wish, is_allowed
from dash_messenger.accounts.privacy_watch import PrivacyWatch
from dash_messenger.conversations.access import Right, require
from dash_messenger.conversations.unread import unread
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.events import (
    BlockUpdated,
    Event,
    ExceptionsUpdated,
    PrivacyUpdated,
)
from dash_messenger.realtime.throttle import Throttle
from dash_messenger.store import Store
from dash_messenger.store.tables import members, read_positions

__all__ = ["Notifier", "Reading", "Receipts"]

RECEIPT_EVERY_S = 2.0

Id = Annotated[str, Meta(max_length=64)]


class Notifier(Protocol):
    """Reaches people who are connected: the hub."""

    def notify_user(self, user: str, method: str, params: object) -> None:
        """Tell all connections of a user."""

    def notify_conversation(
        self,
        conversation: str,
        method: str,
        params: object,
        *,
        but: str | None = None,
        only: Callable[[str], bool] | None = None,
    ) -> None:
        """Tell all connections of a conversation's members whom ``only`` allows, but ``but``'s."""


class ReadAdvance(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``read.advance``: everything up to this message was seen."""

    conversation: Id
    message_no: Annotated[int, Meta(ge=0, le=2**53)]


class ReadAdvanced(Struct, frozen=True):
    """Result of ``read.advance``: where the reader stands now."""

    read_no: int
    unread: int


class Receipts:
    """Tells members how far the others have read, coalesced.

    The first is told at once; what follows within `RECEIPT_EVERY_S` is told together. Only the two
    readers who are furthest matter: everybody but the first hears the first's position, the first
    hears the second's. In groups who hides receipts is left out both ways.
    """

    def __init__(
        self, notifier: Notifier, watch: PrivacyWatch, every_s: float = RECEIPT_EVERY_S
    ) -> None:
        self._notifier = notifier
        self._watch = watch
        self._waiting: dict[str, dict[str, int]] = {}
        # Of direct conversations that wait: the other one, who hears it.
        self._peers: dict[str, tuple[str, str]] = {}
        self._throttle = Throttle(self._tell, every_s)

    def advance(self, conversation: str, user: str, read_no: int, peer: str | None = None) -> None:
        """Note that ``user`` has read further; in a direct conversation ``peer`` may know it."""
        self._waiting.setdefault(conversation, {})[user] = read_no
        if peer is not None:
            self._peers[conversation] = (user, peer)
        self._throttle.ask(conversation)

    def hear(self, events: list[Event]) -> None:
        """Forget what waits of direct conversations whose people may not show it any more."""
        if not self._peers:
            return
        for event in events:
            if isinstance(event.data, PrivacyUpdated | ExceptionsUpdated | BlockUpdated):
                for conversation, pair in [*self._peers.items()]:
                    if event.log in pair:
                        del self._peers[conversation], self._waiting[conversation]

    def _tell(self, conversation: str) -> bool:
        waiting = self._waiting.pop(conversation, None)
        if waiting is None:
            return False
        peers = self._peers.pop(conversation, None)
        if peers is not None:
            for user, read_no in waiting.items():
                for peer in peers:
                    if peer != user:
                        self._tell_one(conversation, peer, read_no)
            return True
        shows = self._watch.shows_receipts_in_groups
        furthest = sorted(
            (entry for entry in waiting.items() if shows(entry[0])),
            key=lambda entry: entry[1],
            reverse=True,
        )[:2]
        if not furthest:
            return True
        first, read_no = furthest[0]
        self._notifier.notify_conversation(
            conversation,
            "receipt",
            {"conversation": conversation, "others_read_no": read_no},
            but=first,
            only=shows,
        )
        if len(furthest) == 2:
            self._tell_one(conversation, first, furthest[1][1])
        return True

    def _tell_one(self, conversation: str, user: str, read_no: int) -> None:
        params = {"conversation": conversation, "others_read_no": read_no}
        self._notifier.notify_user(user, "receipt", params)

    def close(self) -> None:
        """What waits is not told."""
        self._throttle.close()
        self._waiting.clear()
        self._peers.clear()


class Reading:
    """The command ``read.advance``."""

    def __init__(
        self, store: Store, notifier: Notifier, receipts: Receipts, watch: PrivacyWatch
    ) -> None:
        self._store = store
        self._watch = watch
        self._notifier = notifier
        self._receipts = receipts

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "read.advance",
                ReadAdvance,
                ReadAdvanced,
                self.advance,
                "Say how far one has read; at most once in 2 s for a conversation.",
                rate="cheap read",
            )
        ]

    async def advance(self, caller: Caller, params: ReadAdvance) -> ReadAdvanced:
        """Where the reader stands, which is never less than before.

        Raises:
            NotFound: not a member.
        """
        user, conversation = caller.user_id, id_param(params.conversation)
        pending = self._store.pending_positions()

        def work(connection: Connection) -> tuple[int, ReadAdvanced, str | None, bool]:
            own = require(connection, user, conversation, Right.READ)
            stored: Any = connection.execute(
                select(read_positions.c.read_no).where(
                    read_positions.c.conversation_id == conversation,
                    read_positions.c.user_id == user,
                )
            ).scalar()
            unstored = min(own.message_no, pending(conversation, user))
            before = max(stored or 0, own.first_number - 1, unstored)
            read_no = max(before, min(params.message_no, own.message_no))
            left = unread(connection, conversation, own.message_no, read_no)
            peer = _peer(connection, conversation, user) if own.kind == "direct" else None
            told = peer is None or is_allowed(connection, Wish.SEE_RECEIPTS, peer, user)
            return before, ReadAdvanced(read_no, left), peer, told

        changes = self._watch.changes
        before, answer, peer, told = await self._store.read(work)
        read_no = answer.read_no
        if read_no <= before:
            return answer
        self._store.advance_read(conversation, user, read_no)
        self._notifier.notify_user(
            user,
            "read",
            {"conversation": conversation, "read_no": read_no, "unread": answer.unread},
        )
        # What was asked before somebody changed their privacy must not be told after it: the next
        # position is.
        if told and self._watch.changes == changes:
            self._receipts.advance(conversation, user, read_no, peer)
        return answer


def _peer(connection: Connection, conversation: str, user: str) -> str | None:
    """The other one of a direct conversation."""
    peer: str | None = connection.execute(
        select(members.c.user_id).where(
            members.c.conversation_id == conversation, members.c.user_id != user
        )
    ).scalar()
    return peer
