"""How far people have read.

Owns ``read.advance`` and who hears of it. Positions are no events: they only grow, are stored a
little later and may be lost in a crash. Invariant: others hear of a conversation's positions at
most once in `RECEIPT_EVERY_S`.
"""

from __future__ import annotations

from typing import Annotated, Any, Protocol

from msgspec import Meta, Struct
from sqlalchemy import Connection, select

from dash_messenger.conversations.access import Right, require
from dash_messenger.conversations.unread import unread
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.realtime.throttle import Throttle
from dash_messenger.store import Store
from dash_messenger.store.tables import read_positions

__all__ = ["Notifier", "Reading", "Receipts"]

RECEIPT_EVERY_S = 2.0

Id = Annotated[str, Meta(max_length=64)]


class Notifier(Protocol):
    """Reaches people who are connected: the hub."""

    def notify_user(self, user: str, method: str, params: object) -> None:
        """Tell all connections of a user."""

    def notify_conversation(
        self, conversation: str, method: str, params: object, *, but: str | None = None
    ) -> None:
        """Tell all connections of a conversation's members, but those of user ``but``."""


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
    hears the second's.
    """

    def __init__(self, notifier: Notifier, every_s: float = RECEIPT_EVERY_S) -> None:
        self._notifier = notifier
        self._waiting: dict[str, dict[str, int]] = {}
        self._throttle = Throttle(self._tell, every_s)

    def advance(self, conversation: str, user: str, read_no: int) -> None:
        """Note that ``user`` has read further."""
        self._waiting.setdefault(conversation, {})[user] = read_no
        self._throttle.ask(conversation)

    def _tell(self, conversation: str) -> bool:
        waiting = self._waiting.pop(conversation, None)
        if waiting is None:
            return False
        furthest = sorted(waiting.items(), key=lambda entry: entry[1], reverse=True)[:2]
        first, read_no = furthest[0]
        self._notifier.notify_conversation(
            conversation,
            "receipt",
            {"conversation": conversation, "others_read_no": read_no},
            but=first,
        )
        if len(furthest) == 2:
            self._notifier.notify_user(
                first,
                "receipt",
                {"conversation": conversation, "others_read_no": furthest[1][1]},
            )
        return True

    def close(self) -> None:
        """What waits is not told."""
        self._throttle.close()
        self._waiting.clear()


class Reading:
    """The command ``read.advance``."""

    def __init__(self, store: Store, notifier: Notifier, receipts: Receipts) -> None:
        self._store = store
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

        def work(connection: Connection) -> tuple[int, ReadAdvanced]:
            own = require(connection, user, conversation, Right.READ)
            stored: Any = connection.execute(
                select(read_positions.c.read_no).where(
                    read_positions.c.conversation_id == conversation,
                    read_positions.c.user_id == user,
                )
            ).scalar()
            pending = self._store.read_no(conversation, user)
            before = max(stored or 0, own.first_number - 1, pending)
            read_no = max(before, min(params.message_no, own.message_no))
            left = unread(connection, conversation, own.message_no, read_no)
            return before, ReadAdvanced(read_no, left)

        before, answer = await self._store.read(work)
        read_no = answer.read_no
        if read_no <= before:
            return answer
        self._store.advance_read(conversation, user, read_no)
        self._notifier.notify_user(
            user,
            "read",
            {"conversation": conversation, "read_no": read_no, "unread": answer.unread},
        )
        self._receipts.advance(conversation, user, read_no)
        return answer
