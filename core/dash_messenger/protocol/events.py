"""Events: entries of the logs, and how they are encoded.

Does no I/O. Must not know who hears a log.
"""

from __future__ import annotations

from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType

from dash_messenger.protocol.jsonrpc import encode_notification
from dash_messenger.protocol.models import Message

__all__ = ["HIDDEN", "Event", "encode_event", "event_body", "hide", "number_in"]

# The kind of an event about a message from before its reader's time.
HIDDEN = "hidden"


class Event(Struct, frozen=True):
    """One entry of a log. ``data`` is JSON; a message travels beside it so as to be stored once.

    What tells of a message has it, or its ``number`` among the data; see `hide`.
    """

    log: str
    after: int
    seq: int
    kind: str
    by: str
    at_ms: int
    data: dict[str, Any]
    message: Message | None = None


class _EventParams(Struct):
    """The parameters of an event's notification, as `event_body` gives them."""

    log: str
    after: int
    seq: int
    kind: str
    by: str | UnsetType
    at_ms: int
    data: dict[str, Any]


def encode_event(event: Event, view: Raw | UnsetType = UNSET) -> bytes:
    """An event's notification; its message carries ``view``, drawn for the readers who want it."""
    message = event.message
    data = event.data if message is None else {**event.data, "message": message}
    frame = encode_notification(
        "event",
        _EventParams(
            event.log, event.after, event.seq, event.kind, event.by or UNSET, event.at_ms, data
        ),
    )
    if message is None or view is UNSET:
        return frame
    # The view is the last field of what comes last, so it goes before the closing braces of
    # message, data, params and notification: a copy of the message would cost three times as much.
    return b"".join((frame[:-4], b',"view":', view, b"}}}}"))


def event_body(event: Event, view: Raw | UnsetType = UNSET) -> dict[str, object]:
    """An event as it stands in a notification and in a page of `log.read`."""
    data: dict[str, object] = dict(event.data)
    if event.message is not None:
        message = event.message
        if view is not UNSET:
            message = msgspec.structs.replace(message, view=view)
        data["message"] = message
    body: dict[str, object] = {
        "log": event.log,
        "after": event.after,
        "seq": event.seq,
        "kind": event.kind,
        "at_ms": event.at_ms,
        "data": data,
    }
    if event.by:
        body["by"] = event.by
    return body


def number_in(event: Event) -> int | None:
    """The number of the message that an event tells of, or None."""
    if event.message is not None:
        return event.message.number
    number = event.data.get("number")
    return number if isinstance(number, int) else None


def hide(event: Event) -> Event:
    """The event for a reader whose history begins after the message that it tells of.

    It covers the same interval, since leaving it out would make a gap, and says nothing else.
    """
    return Event(event.log, event.after, event.seq, HIDDEN, "", event.at_ms, {})
