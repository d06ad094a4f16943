"""Conversations as one reader sees them: the rows of the list, the last message, unread counts.

Owns the queries behind `Summary`. Must not know commands.
Invariant: nothing of a conversation is shown to anybody who is not its member at that moment, and
everything in one answer comes from one snapshot.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, Sequence
from functools import cache
from typing import Any, NamedTuple

from msgspec import UNSET, Struct, UnsetType
from sqlalchemy import (
    Connection,
    Select,
    and_,
    bindparam,
    case,
    func,
    literal_column,
    or_,
    select,
    tuple_,
)

from dash_messenger.accounts.directory import Name, users_by_id
from dash_messenger.accounts.policy import Wish, shows_receipts_in_groups, who_allow
from dash_messenger.conversations.access import (
    DEFAULT_RIGHTS,
    STANDING,
    Right,
    in_order,
    rights_of,
)
from dash_messenger.conversations.unread import deleted_beyond, unread
from dash_messenger.protocol.models import ConversationKind, Preferences
from dash_messenger.store import PendingPositions
from dash_messenger.store.access import FIRST_NUMBER, IS_PRESENT
from dash_messenger.store.consent import shows_in_groups
from dash_messenger.store.rows import PREFERENCE_COLUMNS, preferences_of
from dash_messenger.store.tables import (
    conversations,
    events,
    members,
    messages,
    read_positions,
    users,
)

__all__ = [
    "LastMessage",
    "Summary",
    "names_in",
    "summaries",
]

MAX_PREVIEW_CHARACTERS = 200
# In larger groups somebody has always read it, and looking would cost a row for each member.
MAX_RECEIPT_MEMBERS = 200


class LastMessage(Struct, frozen=True):
    """The line under a conversation's name; of a deleted message, ``text`` is null."""

    id: str
    number: int
    sender: str
    type: str
    text: str | None
    sent_at_ms: int
    deleted_at_ms: int | UnsetType = UNSET


class Summary(Struct, frozen=True):
    """A conversation in the list of one of its members.

    ``peer`` is the other one of a direct conversation, whose name and photo are its own; a group
    has ``title`` and the blob ``photo``, left out where there is none. ``read_no`` is the reader's
    position, ``unread`` counts the messages beyond it without the deleted ones (of those at most a
    hundred), ``others_read_no`` the furthest of anybody else, ``first_number`` the first message
    that the reader may see. In groups of more than `MAX_RECEIPT_MEMBERS`, and where it is not
    shown, ``others_read_no`` is 0. ``rights`` are the reader's, where they are not those that
    ``sync`` says for its kind; ``preferences`` too, where they have set some. ``request`` is true
    while the peer has not accepted what one writes there, and takes one message alone. The list
    is shown by ``order_no``, the highest on top: it grows with what was said, or, where that was
    before the reader's time, with their joining, whatever the clock says.
    """

    id: str
    kind: ConversationKind
    title: str | None
    peer: str | None
    seq: int
    message_no: int
    read_no: int
    unread: int
    others_read_no: int
    last: LastMessage | None
    created_at_ms: int
    created_by: str
    member_count: int
    first_number: int
    change_no: int
    order_no: int
    rights: list[Right] | UnsetType = UNSET
    photo: str | UnsetType = UNSET
    preferences: Preferences | UnsetType = UNSET
    request: bool | UnsetType = UNSET


def summaries(
    connection: Connection,
    user: str,
    *,
    only: Sequence[str] | None = None,
    changed_since: int = 0,
    before: tuple[int, str] | None = None,
    limit: int = 100,
    pending: PendingPositions,
) -> list[Summary]:
    """The conversations of ``user``, newest activity first.

    ``only`` names some of them; ``changed_since`` leaves out those where nothing changed since,
    neither in them nor in one's position or preferences; ``before`` continues a page that ended
    with (change_no, id). ``pending`` gives read positions that are not in the database yet
    (`Store.pending_positions`).
    """
    values: dict[str, object] = {"user": user, "limit": limit}
    if only is not None:
        values["only"] = only
    if changed_since:
        values["changed_since"] = changed_since
    if before is not None:
        values["before_change"], values["before_id"] = before
    query = _query(some=only is not None, changed=bool(changed_since), continued=before is not None)
    rows = connection.execute(query, values).all()
    ids = [row.id for row in rows]
    looks = _look(connection, user, ids)
    peers, awaited = _peers(connection, user, [row.id for row in rows if row.kind == "direct"])
    shown = _shown_receipts(connection, user, set(peers.values()))
    small = [
        id
        for id in ids
        if looks[id].member_count <= MAX_RECEIPT_MEMBERS and (id not in peers or peers[id] in shown)
    ]
    furthest = _others_read_no(connection, user, small, peers)
    return [
        Summary(
            id=row.id,
            kind=row.kind,
            title=row.title,
            photo=UNSET if row.photo is None else row.photo,
            peer=peers.get(row.id),
            seq=row.seq,
            message_no=row.message_no,
            read_no=(read_no := _read_no(row, user, pending)),
            unread=_unread(connection, row, read_no, looks[row.id].deleted),
            others_read_no=max(
                furthest.get(row.id, 0),
                # Of a group, what is not stored yet is told by receipts.
                _pending(row, peers[row.id], pending) if peers.get(row.id) in shown else 0,
            ),
            last=_last(row),
            created_at_ms=row.created_at_ms,
            created_by=row.created_by,
            member_count=looks[row.id].member_count,
            first_number=row.first_number,
            change_no=row.change_no,
            order_no=looks[row.id].order_no,
            rights=_unusual_rights(row),
            preferences=UNSET if row.preferences_change_no is None else preferences_of(row),
            request=True if row.id in awaited else UNSET,
        )
        for row in rows
    ]


def names_in(connection: Connection, user: str, found: Iterable[Summary]) -> dict[str, Name]:
    """The names of everybody whom these summaries of ``user`` mention by id."""
    ids = {summary.peer for summary in found if summary.peer}
    ids.update(summary.last.sender for summary in found if summary.last)
    return users_by_id(connection, user, ids)


def _unusual_rights(row: Any) -> list[Right] | UnsetType:
    own = rights_of(row)
    return UNSET if own == DEFAULT_RIGHTS[row.kind] else in_order(own)


def _read_no(row: Any, user: str, pending: PendingPositions) -> int:
    stored: int = row.position
    return max(stored, _pending(row, user, pending))


def _pending(row: Any, user: str, pending: PendingPositions) -> int:
    """The position that is not stored, of messages that this snapshot has."""
    newest: int = row.message_no
    return min(newest, pending(row.id, user))


def _unread(connection: Connection, row: Any, read_no: int, deleted: int) -> int:
    if deleted and read_no > row.position:
        # They were counted beyond the position that is stored.
        return unread(connection, row.id, row.message_no, read_no)
    left: int = row.message_no - read_no - deleted
    return max(0, left)


def _last(row: Any) -> LastMessage | None:
    if row.last_id is None or row.number < row.first_number:
        return None
    return LastMessage(
        row.last_id,
        row.number,
        row.sender_id,
        row.type,
        row.text,
        row.sent_at_ms,
        UNSET if row.deleted_at_ms is None else row.deleted_at_ms,
    )


class _Look(NamedTuple):
    """What is looked up for each conversation of a page."""

    member_count: int
    order_no: int
    deleted: int


def _look(connection: Connection, user: str, ids: Sequence[str]) -> dict[str, _Look]:
    if not ids:
        return {}
    rows = connection.execute(_LOOKS, {"ids": ids, "user": user})
    return {id: _Look(count, order_no or 0, deleted) for id, count, order_no, deleted in rows}


def _peers(
    connection: Connection, user: str, ids: Sequence[str]
) -> tuple[dict[str, str], set[str]]:
    """The other one of each direct conversation, and where they have yet to accept it."""
    if not ids:
        return {}, set()
    rows = connection.execute(_PEERS, {"ids": ids, "user": user}).all()
    return {row[0]: row[1] for row in rows}, {row[0] for row in rows if row[2] is not None}


def _shown_receipts(connection: Connection, user: str, peers: set[str]) -> set[str]:
    if not peers:
        return set()
    return set(who_allow(connection, Wish.SEE_RECEIPTS, user, peers))


def _others_read_no(
    connection: Connection, user: str, ids: Sequence[str], peers: Mapping[str, str]
) -> dict[str, int]:
    groups = [id for id in ids if id not in peers]
    if groups and not shows_receipts_in_groups(connection, user):
        groups = []
    direct = [id for id in ids if id in peers]
    return {
        row[0]: row[1]
        for query, some in ((_PEERS_READ_NO, direct), (_OTHERS_READ_NO, groups))
        if some
        for row in connection.execute(query, {"ids": some, "user": user})
    }


@cache
def _query(*, some: bool, changed: bool, continued: bool) -> Select[Any]:
    """The statement of `summaries` with these conditions, made once: making it costs as much."""
    query = _SUMMARIES.where(members.c.user_id == bindparam("user"))
    if some:
        query = query.where(conversations.c.id.in_(bindparam("only", expanding=True)))
    if changed:
        since = bindparam("changed_since", type_=conversations.c.change_no.type)
        query = query.where(
            or_(
                conversations.c.change_no > since,
                read_positions.c.change_no > since,
                members.c.preferences_change_no > since,
            )
        )
    if continued:
        query = query.where(
            tuple_(conversations.c.change_no, conversations.c.id)
            < tuple_(
                bindparam("before_change", type_=conversations.c.change_no.type),
                bindparam("before_id", type_=conversations.c.id.type),
            )
        )
    return query.order_by(conversations.c.change_no.desc(), conversations.c.id.desc()).limit(
        bindparam("limit", type_=conversations.c.change_no.type)
    )


_PEERS = select(members.c.conversation_id, members.c.user_id, members.c.to_seq).where(
    members.c.conversation_id.in_(bindparam("ids", expanding=True)),
    members.c.user_id != bindparam("user"),
)
_PEERS_READ_NO = (
    select(read_positions.c.conversation_id, func.max(read_positions.c.read_no))
    .where(
        read_positions.c.conversation_id.in_(bindparam("ids", expanding=True)),
        read_positions.c.user_id != bindparam("user"),
    )
    .group_by(read_positions.c.conversation_id)
)
_OTHERS_READ_NO = _PEERS_READ_NO.where(shows_in_groups("receipts", read_positions.c.user_id))
_OF_READER = (
    members.join(conversations, conversations.c.id == members.c.conversation_id)
    .outerjoin(
        read_positions,
        and_(
            read_positions.c.conversation_id == conversations.c.id,
            read_positions.c.user_id == members.c.user_id,
        ),
    )
    .outerjoin(messages, messages.c.id == conversations.c.last_message_id)
)
# What was said before one joined counts as read.
_POSITION = case(
    (read_positions.c.read_no >= FIRST_NUMBER, read_positions.c.read_no),
    else_=FIRST_NUMBER - literal_column("1"),
)
# Events have row ids in the order in which they were stored, over all conversations.
_ORDER_NO = (
    select(events.c.row_id)
    .where(
        events.c.log_id == conversations.c.id,
        events.c.seq
        >= case((messages.c.seq > members.c.from_seq, messages.c.seq), else_=members.c.from_seq),
    )
    .order_by(events.c.seq)
    .limit(literal_column("1"))
    .correlate_except(events)
    .scalar_subquery()
)
_PRESENT = members.alias()
_MEMBER_COUNT = (
    select(func.count())
    .where(_PRESENT.c.conversation_id == conversations.c.id, _PRESENT.c.to_seq.is_(None))
    .correlate_except(_PRESENT)
    .scalar_subquery()
)
# What needs a look of its own for each conversation: only for those that are in the page.
_LOOKS = (
    select(
        conversations.c.id,
        _MEMBER_COUNT.label("member_count"),
        _ORDER_NO.label("order_no"),
        case(
            (conversations.c.message_no > _POSITION, deleted_beyond(_POSITION)),
            else_=literal_column("0"),
        ).label("deleted"),
    )
    .select_from(_OF_READER)
    .where(
        members.c.user_id == bindparam("user"),
        members.c.conversation_id.in_(bindparam("ids", expanding=True)),
    )
)
_SUMMARIES = (
    select(
        conversations.c.id,
        *STANDING,
        conversations.c.title,
        conversations.c.photo,
        conversations.c.seq,
        conversations.c.message_no,
        conversations.c.change_no,
        conversations.c.created_at_ms,
        conversations.c.created_by,
        *PREFERENCE_COLUMNS,
        FIRST_NUMBER.label("first_number"),
        _POSITION.label("position"),
        messages.c.id.label("last_id"),
        messages.c.number,
        messages.c.sender_id,
        messages.c.type,
        func.substr(
            messages.c.text, literal_column("1"), literal_column(str(MAX_PREVIEW_CHARACTERS))
        ).label("text"),
        messages.c.sent_at_ms,
        messages.c.deleted_at_ms,
    )
    .select_from(_OF_READER.join(users, users.c.id == members.c.user_id))
    .where(IS_PRESENT)
)
