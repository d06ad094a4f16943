"""Reactions: an emoji that somebody puts on a message.

Owns ``message.react``. Invariants: an emoji is one reaction however it is spelt; how many put each
stands on the message's own row, and each event says the count itself, so that a reader who missed
some is right after any one of them.
"""

from __future__ import annotations

from typing import Annotated

import msgspec
from msgspec import Meta, Struct
from sqlalchemy import BindParameter, bindparam, insert, select, update

from dash_messenger.characters import canonical_emoji
from dash_messenger.conversations.access import Right
from dash_messenger.errors import InvalidParams, Refused
from dash_messenger.ids import id_param
from dash_messenger.messages.revisions import find
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.events import ReactionChanged
from dash_messenger.store import Store, Transaction
from dash_messenger.store.tables import marks, messages

__all__ = ["MAX_EMOJI_CHARACTERS", "MessageReactions", "Reaction", "put_by"]

MAX_DISTINCT = 20
MAX_OWN = 5
# Families of four with skin tones are this long.
MAX_EMOJI_CHARACTERS = 32

# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_MESSAGE: BindParameter[str] = bindparam("for_message")
_WHOSE = (marks.c.message_id == _MESSAGE, marks.c.user_id == bindparam("for_user"))
_FIND_OWN = select(marks.c.reactions).where(*_WHOSE)
_CHANGE_OWN = update(marks).where(*_WHOSE)
_CHANGE_COUNTS = update(messages).where(messages.c.id == _MESSAGE)

Id = Annotated[str, Meta(max_length=64)]


class MessageReact(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``message.react``: whether this emoji of the caller's shall be there."""

    message: Id
    emoji: Annotated[str, Meta(min_length=1, max_length=MAX_EMOJI_CHARACTERS)]
    on: bool = True


class Reaction(Struct, frozen=True):
    """An emoji, and how many have put it."""

    emoji: str
    count: int


class Reacted(Struct, frozen=True):
    """Result of ``message.react``: all reactions, and the caller's own."""

    reactions: list[Reaction]
    own: list[str]


class MessageReactions:
    """The command ``message.react``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "message.react",
                MessageReact,
                Reacted,
                self.react,
                "Put an emoji on a message, or take it away.",
                rate="write",
            )
        ]

    async def react(self, caller: Caller, params: MessageReact) -> Reacted:
        """The reactions after the change.

        Raises:
            NotFound: no such message, deleted, or not for the caller.
            InvalidParams: this is no emoji.
            Refused: too many different ones already.
            MessagesNotAccepted, RequestPending, BlockedByYou: as for `message.send`; taking one
                away is always possible.
            RateLimited: try again later.
        """
        user = caller.user_id
        message, emoji = id_param(params.message, "message"), canonical_emoji(params.emoji)
        if not emoji:
            raise InvalidParams(field="emoji", reason="is no emoji")

        def work(transaction: Transaction) -> Reacted:
            connection = transaction.connection
            acted_on = find(connection, message, user)
            acted_on.require(user, Right.REACT)
            if params.on:
                acted_on.require_taken()
            found = acted_on.message
            counts = _counts(found.reactions)
            whose = {"for_message": message, "for_user": user}
            row = connection.execute(_FIND_OWN, whose).first()
            own = put_by(row[0]) if row and row[0] else []
            if (emoji in own) == params.on:
                return _reacted(counts, own)
            if params.on:
                if len(own) >= MAX_OWN or (emoji not in counts and len(counts) >= MAX_DISTINCT):
                    raise Refused(reason="There are enough reactions on this message.")
                own.append(emoji)
            else:
                own.remove(emoji)
            counts[emoji] = counts.get(emoji, 0) + (1 if params.on else -1)
            count = counts[emoji]
            if not count:
                del counts[emoji]
            kept = msgspec.json.encode(own) if own else None
            if row is None:
                new = {"message_id": message, "user_id": user, "reactions": kept}
                connection.execute(insert(marks), new)
            else:
                connection.execute(_CHANGE_OWN, whose | {"reactions": kept})
            stored = msgspec.json.encode(_reacted(counts, own).reactions) if counts else None
            connection.execute(_CHANGE_COUNTS, {"for_message": message, "reactions": stored})
            transaction.append(
                found.conversation,
                user,
                ReactionChanged(message, found.number, emoji, count, params.on),
            )
            return _reacted(counts, own)

        return await self._store.write(work)


def _counts(stored: object) -> dict[str, int]:
    if not isinstance(stored, msgspec.Raw):
        return {}
    counts: dict[str, int] = {}
    for one in msgspec.json.decode(stored, type=list[Reaction]):
        emoji = canonical_emoji(one.emoji) or one.emoji
        counts[emoji] = counts.get(emoji, 0) + one.count
    return counts


def put_by(stored: bytes) -> list[str]:
    """The emoji that one person put, from their mark on the message."""
    put = msgspec.json.decode(stored, type=list[str])
    return list(dict.fromkeys(canonical_emoji(one) or one for one in put))


def _reacted(counts: dict[str, int], own: list[str]) -> Reacted:
    return Reacted([Reaction(emoji, count) for emoji, count in counts.items()], own)
