"""How each member wants a conversation in their list: muted, pinned, archived, marked unread.

Owns ``conversation.set`` and what it does; the rows are in `members`, and what they mean to who
sees them is said by `Preferences`. Invariants: a wish may be repeated, and what is so already is
answered as it is; its user hears of each change in the transaction that makes it, and nobody else
does; what is pinned is not archived.
"""

from __future__ import annotations

from typing import Annotated, Any, Literal, NamedTuple

from msgspec import UNSET, Meta, Struct, UnsetType
from sqlalchemy import BindParameter, Connection, bindparam, select, update

from dash_messenger.conversations.access import Right, require
from dash_messenger.errors import InvalidParams, TooManyPins
from dash_messenger.ids import id_param
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.events import PreferencesUpdated
from dash_messenger.protocol.models import Preferences
from dash_messenger.store import Store, Transaction
from dash_messenger.store.access import IS_PRESENT
from dash_messenger.store.rows import PREFERENCE_COLUMNS, preferences_of
from dash_messenger.store.tables import members

__all__ = ["MAX_PINNED", "ConversationPreferences", "PreferencesNow"]

# What still is quicker to look through than to search; moving one changes no more rows than these.
MAX_PINNED = 20

Id = Annotated[str, Meta(max_length=64)]


class ConversationSet(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``conversation.set``: what is left out stays as it is.

    It is muted until ``muted_until_ms``; null, and what is past, unmutes, and 2^53 - 1 is for
    always. A pinned one stands ``above`` another pinned one, on top of all where nothing is said.
    Archiving unpins, and pinning takes out of the archive.
    """

    conversation: Id
    muted_until_ms: Annotated[int, Meta(ge=0, lt=2**53)] | UnsetType | None = UNSET
    notify: Literal["all", "mentions"] | UnsetType = UNSET
    pinned: bool | UnsetType = UNSET
    above: Id | UnsetType = UNSET
    archived: bool | UnsetType = UNSET
    marked_unread: bool | UnsetType = UNSET


class PreferencesNow(Struct, frozen=True):
    """Result of ``conversation.set``: how the caller wants it now."""

    conversation: str
    preferences: Preferences


class ConversationPreferences:
    """The command ``conversation.set``."""

    def __init__(self, store: Store) -> None:
        self._store = store

    def commands(self) -> list[Command]:
        """What a client may ask."""
        return [
            Command(
                "conversation.set",
                ConversationSet,
                PreferencesNow,
                self.set,
                "Mute, pin, archive a conversation or mark it unread, for oneself.",
                rate="change",
            )
        ]

    async def set(self, caller: Caller, params: ConversationSet) -> PreferencesNow:
        """The preferences after the change.

        Raises:
            NotFound: not a member.
            InvalidParams: pinned and archived at once, or ``above`` what is not pinned.
            TooManyPins: as many are pinned as one may.
        """
        user, conversation = caller.user_id, id_param(params.conversation)
        above = None if params.above is UNSET else id_param(params.above, "above")
        pins = params.pinned is True or (above is not None and params.pinned is UNSET)
        if pins and params.archived is True:
            raise InvalidParams(field="archived", reason="what is pinned is not archived")
        if above is not None and not pins:
            raise InvalidParams(field="above", reason="only what is pinned has a place")

        def work(transaction: Transaction) -> PreferencesNow:
            connection = transaction.connection
            own = require(connection, user, conversation, Right.READ)
            before = _kept(connection, user, conversation)
            after = _wished(before, params, own.message_no, transaction.now_ms)
            if pins:
                after = after._replace(archived_no=None)
            changed = {conversation: after}
            if pins and (before.pinned_no is None or above is not None):
                places = _place(connection, user, conversation, above)
                changed[conversation] = after._replace(pinned_no=places.pop(conversation))
                for other, number in places.items():
                    changed[other] = _kept(connection, user, other)._replace(pinned_no=number)
            for id, wanted in changed.items():
                _put(transaction, user, id, wanted)
            now = _row(connection, user, conversation)
            if now.preferences_change_no is None:
                return PreferencesNow(conversation, Preferences(change_no=0))
            return PreferencesNow(conversation, preferences_of(now))

        return await self._store.write(work)


class _Kept(NamedTuple):
    """What is stored of a member's preferences, null for what is as for everybody."""

    muted_until_ms: int | None
    notify: str | None
    pinned_no: int | None
    archived_no: int | None
    marked_unread: int | None
    cleared_no: int | None


def _wished(before: _Kept, params: ConversationSet, message_no: int, now_ms: int) -> _Kept:
    """What is to be stored, but for the place of what is pinned."""
    after = before
    if not _is_archived(before, message_no, now_ms):
        # A message brought it back: muting it now must not take it away again.
        after = after._replace(archived_no=None)
    if params.muted_until_ms is not UNSET:
        until = params.muted_until_ms
        after = after._replace(muted_until_ms=until if until and until > now_ms else None)
    if params.notify is not UNSET:
        after = after._replace(notify=None if params.notify == "all" else params.notify)
    if params.marked_unread is not UNSET:
        after = after._replace(marked_unread=1 if params.marked_unread else None)
    if params.pinned is False:
        after = after._replace(pinned_no=None)
    if params.archived is False:
        after = after._replace(archived_no=None)
    elif params.archived is True:
        stays = _is_archived(after, message_no, now_ms)
        number = after.archived_no if stays else message_no
        after = after._replace(archived_no=number, pinned_no=None)
    return after


def _is_archived(kept: _Kept, message_no: int, now_ms: int) -> bool:
    """Whether it is archived, as `Preferences` says."""
    if kept.archived_no is None:
        return False
    is_muted = kept.notify == "mentions" or (kept.muted_until_ms or 0) > now_ms
    return is_muted or message_no <= kept.archived_no


def _place(
    connection: Connection, user: str, conversation: str, above: str | None
) -> dict[str, int]:
    """The places of a conversation that is to be pinned, and of those that make room for it.

    Raises:
        InvalidParams: ``above`` is not pinned, or the conversation itself.
        TooManyPins: there is no room for another.
    """
    rows = connection.execute(_PINNED, {"u": user})
    pinned: dict[str, int] = {row.conversation_id: row.pinned_no for row in rows}
    numbers = [*pinned.values()]
    order = [id for id in pinned if id != conversation]
    if above is not None and above not in order:
        raise InvalidParams(field="above", reason="is not another that is pinned")
    if conversation not in pinned:
        if len(pinned) >= MAX_PINNED:
            raise TooManyPins(limit=MAX_PINNED)
        numbers = [max(numbers, default=0) + 1, *numbers]
    order.insert(0 if above is None else order.index(above), conversation)
    places = dict(zip(order, numbers, strict=True))
    return {
        id: number
        for id, number in places.items()
        if id == conversation or pinned.get(id) != number
    }


def _put(transaction: Transaction, user: str, conversation: str, wanted: _Kept) -> None:
    connection = transaction.connection
    if wanted == _kept(connection, user, conversation):
        return
    values = {f"new_{name}": value for name, value in wanted._asdict().items()}
    values["new_preferences_change_no"] = transaction.change_no
    connection.execute(_STORE, {"u": user, "c": conversation, **values})
    now = preferences_of(_row(connection, user, conversation))
    transaction.append(user, user, PreferencesUpdated(conversation, now))


def _kept(connection: Connection, user: str, conversation: str) -> _Kept:
    return _Kept(*_row(connection, user, conversation)[1:])


def _row(connection: Connection, user: str, conversation: str) -> Any:
    return connection.execute(_SELECT, {"u": user, "c": conversation}).one()


# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_USER: BindParameter[str] = bindparam("u")
_OWN = (members.c.conversation_id == bindparam("c"), members.c.user_id == _USER)
_SELECT = select(*PREFERENCE_COLUMNS).where(*_OWN)
_STORE = (
    update(members)
    .where(*_OWN)
    .values({column.name: bindparam(f"new_{column.name}") for column in PREFERENCE_COLUMNS})
)
_PINNED = (
    select(members.c.conversation_id, members.c.pinned_no)
    .where(members.c.user_id == _USER, members.c.pinned_no.is_not(None), IS_PRESENT)
    .order_by(members.c.pinned_no.desc())
)
