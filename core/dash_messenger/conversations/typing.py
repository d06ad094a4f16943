"""Who is typing: told to those who hear the conversation, and soon forgotten.

Owns ``typing.set`` and who hears of it. Nothing is stored and nothing repeated: whoever was told
forgets it after `LIVES_S`, unless it is told again. Invariants: of one person in a conversation
that they type is told at most once in `EVERY_S`; in a direct conversation as the policy says, in
groups by the general setting alone, as one frame for all but those of whom one has blocked the
other; nothing is told that was asked before somebody changed their privacy, nor after the message.
"""

from __future__ import annotations

from collections.abc import Callable, Collection
from typing import Annotated, NamedTuple, Protocol, TypeAlias

from msgspec import Meta, Struct
from sqlalchemy import Connection, bindparam, func, literal_column, or_, select

from dash_messenger.accounts.policy import Wish, is_allowed, require_taken
from dash_messenger.accounts.privacy_watch import PrivacyWatch
from dash_messenger.clock import Clock
from dash_messenger.conversations.access import Right, require
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.events import Event, MessageCreated
from dash_messenger.realtime.throttle import Throttle
from dash_messenger.store import Store
from dash_messenger.store.consent import has_blocked
from dash_messenger.store.tables import members

__all__ = ["EVERY_S", "LIVES_S", "MAX_MEMBERS", "Typing"]

EVERY_S = 3.0
LIVES_S = 6.0
# In larger groups somebody always types, and nobody knows them all.
MAX_MEMBERS = 200

Id = Annotated[str, Meta(max_length=64)]
# The conversation and who types there.
Key: TypeAlias = tuple[str, str]

# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_USER = bindparam("user", type_=members.c.user_id.type)
_CONVERSATION = bindparam("conversation", type_=members.c.conversation_id.type)
_OTHERS = (members.c.conversation_id == _CONVERSATION) & members.c.to_seq.is_(None)
_PEER = select(members.c.user_id).where(_OTHERS, members.c.user_id != _USER)
_COUNT = select(func.count()).select_from(
    select(literal_column("1")).where(_OTHERS).limit(MAX_MEMBERS + 1).subquery()
)
_KEPT_OUT = select(members.c.user_id).where(
    _OTHERS,
    or_(has_blocked(members.c.user_id, _USER), has_blocked(_USER, members.c.user_id)),
)


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


class TypingSet(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``typing.set``: one types there, or does no longer."""

    conversation: Id
    on: bool


class TypingNow(Struct, frozen=True):
    """Result of ``typing.set``, whether or not it is told to anybody."""

    on: bool


class TypingTold(Struct, frozen=True):
    """Parameters of the notification ``typing``."""

    conversation: str
    user: str
    on: bool


class _Hearers(NamedTuple):
    """Who is told: the other one of a direct conversation, or a group but for some."""

    peer: str | None
    kept_out: Collection[str]
    changes: int


class _State:
    """Somebody who types: who is to be told at the next time, who was told last, and when."""

    __slots__ = ("asked_at_ms", "told", "told_at_ms", "waiting")

    def __init__(self) -> None:
        self.asked_at_ms = 0
        self.waiting: _Hearers | None = None
        self.told: _Hearers | None = None
        self.told_at_ms = 0


class Typing:
    """One for a process; everything but the query is on the loop."""

    def __init__(
        self,
        store: Store,
        notifier: Notifier,
        watch: PrivacyWatch,
        clock: Clock,
        every_s: float = EVERY_S,
    ) -> None:
        self._store = store
        self._notifier = notifier
        self._watch = watch
        self._clock = clock
        self._states: dict[Key, _State] = {}
        # The order of what one client asks: an answer of the database may overtake another.
        self._asked: dict[Key, int] = {}
        self._throttle: Throttle[Key] = Throttle(self._tell, every_s)

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "typing.set",
                TypingSet,
                TypingNow,
                self.set,
                "Say that one types, at most once in 3 s while one does; or that one stopped.",
                rate="cheap read",
            )
        ]

    async def set(self, caller: Caller, params: TypingSet) -> TypingNow:
        """The same to whoever asks, told or not; that one stopped is refused to nobody.

        Raises:
            NotFound: no such conversation, or not a member.
            MessagesNotAccepted: the other one of a direct conversation takes no messages.
            BlockedByYou: the caller has blocked them.
        """
        user, conversation = caller.user_id, id_param(params.conversation)
        key, changes = (conversation, user), self._watch.changes
        if not params.on:
            # It is told to those alone who were told that they began.
            self._stop(key)
            return TypingNow(on=False)
        turn = self._asked[key] = self._asked.get(key, 0) + 1
        is_newest = False
        try:
            found = await self._store.read(lambda connection: _hearers(connection, *key, changes))
        finally:
            if self._asked.get(key) == turn:
                del self._asked[key]
                is_newest = True
        if found is not None and is_newest:
            self._begin(key, found)
        return TypingNow(on=True)

    def hear(self, events: list[Event]) -> None:
        """Whoever has sent a message types no longer, which the message says."""
        if self._states or self._asked:
            for event in events:
                if type(event.data) is MessageCreated:
                    key = (event.log, event.by)
                    self._asked.pop(key, None)
                    self._states.pop(key, None)

    def close(self) -> None:
        """Nothing more is told."""
        self._throttle.close()
        self._states.clear()

    def _begin(self, key: Key, hearers: _Hearers) -> None:
        state = self._states.pop(key, None) or _State()
        # The one that was asked for last stands last.
        self._states[key] = state
        state.waiting, state.asked_at_ms = hearers, self._clock()
        while not self._lives(next(iter(self._states.values())).asked_at_ms):
            del self._states[next(iter(self._states))]
        self._throttle.ask(key)

    def _stop(self, key: Key) -> None:
        self._asked.pop(key, None)
        state = self._states.pop(key, None)
        if state is not None and state.told is not None and self._lives(state.told_at_ms):
            self._notify(key, state.told, on=False)

    def _lives(self, at_ms: int) -> bool:
        return self._clock() - at_ms < LIVES_S * 1_000

    def _tell(self, key: Key) -> bool:
        state = self._states.get(key)
        if state is None or state.waiting is None:
            return False
        hearers, state.waiting = state.waiting, None
        if not self._notify(key, hearers, on=True):
            return False
        state.told, state.told_at_ms = hearers, self._clock()
        return True

    def _notify(self, key: Key, to: _Hearers, *, on: bool) -> bool:
        """Tell it, unless somebody changed their privacy since it was asked to whom."""
        conversation, user = key
        if self._watch.changes != to.changes:
            return False
        said = TypingTold(conversation, user, on)
        if to.peer is not None:
            self._notifier.notify_user(to.peer, "typing", said)
        else:
            if not self._watch.shows_typing_in_groups(user):
                return False
            self._notifier.notify_conversation(
                conversation, "typing", said, but=user, only=lambda one: one not in to.kept_out
            )
        return True


def _require(connection: Connection, user: str, conversation: str) -> str:
    """The kind of a conversation into which ``user`` may send now.

    Raises:
        NotFound, MessagesNotAccepted, BlockedByYou: as ``message.send``.
    """
    own = require(connection, user, conversation, Right.SEND)
    require_taken(connection, user, conversation)
    return own.kind


def _hearers(connection: Connection, conversation: str, user: str, changes: int) -> _Hearers | None:
    """Who may hear that ``user`` types, if anybody may."""
    kind = _require(connection, user, conversation)
    values = {"user": user, "conversation": conversation}
    if kind == "direct":
        peer = connection.execute(_PEER, values).scalar()
        if peer is None or not is_allowed(connection, Wish.SEE_TYPING, peer, user):
            return None
        return _Hearers(peer, (), changes)
    if kind != "group" or connection.execute(_COUNT, values).scalar_one() > MAX_MEMBERS:
        return None
    return _Hearers(None, {*connection.execute(_KEPT_OUT, values).scalars()}, changes)
