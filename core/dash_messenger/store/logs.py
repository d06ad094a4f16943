"""Reading a log: the events after a cursor, and messages in their current state.

Owns how rows become `Event` and `Message`. Must not know who may read: callers check membership
and give the bounds. Invariants: a page covers its interval without a gap, or `Resync` is raised;
rows are fetched one by one, and no more of them than the page has room for.
"""

from __future__ import annotations

import contextlib
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

import structlog
from sqlalchemy import BindParameter, Connection, CursorResult, Row, Select, bindparam, func, select

from dash_messenger.errors import NotFound, Resync
from dash_messenger.protocol.events import Event, Hidden, hide, is_hidden, number_in, restore
from dash_messenger.protocol.jsonrpc import MAX_PAGE_BYTES, size_of
from dash_messenger.store.rows import MESSAGE_COLUMNS, message_of
from dash_messenger.store.tables import TIMELINE_EVENTS, conversations, events, messages, users

__all__ = [
    "MAX_BEHIND",
    "LogPage",
    "RowPage",
    "newest_row",
    "read_all_logs",
    "read_log",
    "timeline_events",
]

# Beyond this a fresh snapshot is quicker for both sides.
MAX_BEHIND = 2_000

logger = structlog.get_logger("store")

# Made once: SQLAlchemy takes longer to build a statement than SQLite to run it.
_LOG: BindParameter[str] = bindparam("log")
_LIMIT: BindParameter[int] = bindparam("limit")
_IN_LOG = (
    events.c.log_id == _LOG,
    events.c.seq > bindparam("after"),
    events.c.seq <= bindparam("until"),
)
_EVENTS: Select[Any] = select(
    events.c.row_id,
    events.c.log_id,
    events.c.seq.label("event_seq"),
    events.c.kind,
    events.c.by_id,
    events.c.at_ms,
    events.c.data,
    *MESSAGE_COLUMNS,
).select_from(events.outerjoin(messages, messages.c.id == events.c.message_id))
_READ_LOG = _EVENTS.where(*_IN_LOG).order_by(events.c.seq).limit(_LIMIT)
_READ_ALL = (
    _EVENTS.where(events.c.row_id > bindparam("after_row")).order_by(events.c.row_id).limit(_LIMIT)
)
_ENDS = [
    select(table.c.seq, table.c.floor).where(table.c.id == _LOG) for table in (conversations, users)
]
_TIMELINE = (
    select(events.c.seq, events.c.kind, events.c.by_id, events.c.at_ms, events.c.data)
    .where(*_IN_LOG, TIMELINE_EVENTS)
    .order_by(events.c.seq.desc())
    .limit(_LIMIT)
)


@dataclass(frozen=True, slots=True)
class LogPage:
    """The events in ``(after, seq]`` of a log; ``newest`` is where the log ends now."""

    events: list[Event]
    after: int
    seq: int
    newest: int


@dataclass(frozen=True, slots=True)
class RowPage:
    """Events of all logs in the order in which they were stored, up to the one in ``row``."""

    events: list[Event]
    row: int
    is_last: bool


def read_log(
    connection: Connection,
    log: str,
    after: int,
    limit: int,
    *,
    until: int | None = None,
    first_number: int = 1,
    max_behind: int = MAX_BEHIND,
    max_bytes: int = MAX_PAGE_BYTES,
) -> LogPage:
    """At most ``limit`` events in ``(after, until]`` of a conversation's or user's log.

    There is at least one, if there are any, and no more than have room in ``max_bytes``. What
    tells of messages before ``first_number`` is hidden.

    Raises:
        NotFound: there is no such log.
        Resync: the cursor is more than ``max_behind`` behind, below the log's floor, or beyond its
            end (it is of another epoch).
    """
    ends = (connection.execute(query, {"log": log}).first() for query in _ENDS)
    row = next((found for found in ends if found is not None), None)
    if row is None:
        raise NotFound
    newest = row.seq if until is None else min(row.seq, until)
    if after > newest or after < row.floor or newest - after > max_behind:
        raise Resync
    rows = connection.execute(
        _READ_LOG, {"log": log, "after": after, "until": newest, "limit": limit}
    )
    unreadable: list[str] = []

    def event_of(entry: Row[Any], before: Event | None) -> Event:
        event = _event_of(entry, after if before is None else before.seq, unreadable)
        return hide(event) if is_hidden(number_in(event), first_number) else event

    found, _, all_fit = _fitting(rows, event_of, max_bytes)
    _tell(unreadable)
    is_whole = all_fit and len(found) < limit
    return LogPage(found, after, newest if is_whole else found[-1].seq, newest)


def read_all_logs(
    connection: Connection, after_row: int, limit: int, *, max_bytes: int = MAX_PAGE_BYTES
) -> RowPage:
    """At most ``limit`` events of all logs that were stored after the one in ``after_row``.

    There is at least one, if there are any, and no more than have room in ``max_bytes``. Nothing is
    hidden: this is for the server itself.
    """
    rows = connection.execute(_READ_ALL, {"after_row": after_row, "limit": limit})
    unreadable: list[str] = []

    def event_of(entry: Row[Any], _before: Event | None) -> Event:
        return _event_of(entry, entry.event_seq - 1, unreadable)

    found, row, all_fit = _fitting(rows, event_of, max_bytes)
    _tell(unreadable)
    return RowPage(found, row or after_row, all_fit and len(found) < limit)


def newest_row(connection: Connection) -> int:
    """The row of the event that was stored last, 0 where there is none."""
    newest: int | None = connection.execute(select(func.max(events.c.row_id))).scalar()
    return newest or 0


def timeline_events(
    connection: Connection, log: str, after: int, until: int, limit: int
) -> list[Event]:
    """Of what stands beside the messages in ``(after, until]`` of a log, the last ``limit``.

    They come in their order; what another version wrote and this one cannot read is left out.
    """
    rows = connection.execute(
        _TIMELINE, {"log": log, "after": after, "until": until, "limit": limit}
    )
    found: list[Event] = []
    for row in rows:
        with contextlib.suppress(ValueError):
            data = restore(row.kind, row.data, None)
            found.append(Event(log, row.seq - 1, row.seq, row.by_id, row.at_ms, data))
    return found[::-1]


def _fitting(
    rows: CursorResult[Any],
    event_of: Callable[[Row[Any], Event | None], Event],
    max_bytes: int,
) -> tuple[list[Event], int, bool]:
    """The events that there is room for, the row of the last, or 0; and whether that is all.

    There is at least one, if there are any. ``event_of`` is given the event before, too.
    """
    found: list[Event] = []
    row = size = 0
    for entry in rows:
        event = event_of(entry, found[-1] if found else None)
        size += size_of(event)
        if found and size > max_bytes:
            rows.close()
            return found, row, False
        found.append(event)
        row = entry.row_id
    return found, row, True


def _event_of(entry: Row[Any], after: int, unreadable: list[str]) -> Event:
    """The event in a row of `_EVENTS`; what this version cannot read is hidden, and noted."""
    message = None if entry.id is None else message_of(entry)
    try:
        data = restore(entry.kind, entry.data, message)
    except ValueError as error:
        # Written by another version: the log stays readable.
        unreadable.append(f"{entry.log_id}/{entry.event_seq}: {error}")
        data = Hidden()
    return Event(entry.log_id, after, entry.event_seq, entry.by_id, entry.at_ms, data)


def _tell(unreadable: list[str]) -> None:
    if unreadable:
        logger.warning("events_unreadable", count=len(unreadable), first=unreadable[0])
