"""Events: entries of the logs, one struct for each kind, and how they are encoded.

Owns every kind: the table in docs/protocol.md and the browser's types are generated from it. Must
not know who hears a log. Does no I/O. Invariant: no field of an event's data comes after its
message, since a drawing is put into the encoded frame.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias, get_args

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

from dash_messenger.protocol.jsonrpc import encode_notification
from dash_messenger.protocol.models import Message, User

__all__ = [
    "KINDS",
    "TIMELINE_KINDS",
    "AccountUpdated",
    "ConversationAdded",
    "ConversationCreated",
    "ConversationRemoved",
    "ConversationUpdated",
    "Event",
    "EventData",
    "Hidden",
    "LogEntry",
    "MarkChanged",
    "MemberJoined",
    "MemberRemoved",
    "MessageCreated",
    "MessageData",
    "MessageDeleted",
    "MessageUpdated",
    "ReactionChanged",
    "encode_event",
    "event_body",
    "hide",
    "number_in",
    "restore",
    "row_of",
]

LogOf: TypeAlias = Literal["a conversation", "a user", "either"]


class _Data(Struct, frozen=True):
    """What has no message: looking for one need not know the kind."""

    message: ClassVar[None] = None


class MessageData(Struct, frozen=True):
    """What tells of a message has it as it was then; `log.read` has it as it is now."""

    kind: ClassVar[str]
    log_of: ClassVar[LogOf] = "a conversation"

    message: Message


class MessageCreated(MessageData, frozen=True):
    """Somebody sent a message."""

    kind: ClassVar = "message.created"


class MessageUpdated(MessageData, frozen=True):
    """It was edited, or somebody acted on it: the message as it is now, with a higher ``rev``."""

    kind: ClassVar = "message.updated"


class MessageDeleted(MessageData, frozen=True):
    """What is left of a message: its number, author and ``deleted_at_ms``."""

    kind: ClassVar = "message.deleted"


class ReactionChanged(_Data, frozen=True):
    """``by`` has put ``emoji`` on a message (``on``) or taken it away; ``count`` have it there."""

    kind: ClassVar = "reaction.changed"
    log_of: ClassVar[LogOf] = "a conversation"

    message_id: str
    number: int
    emoji: str
    count: int
    on: bool


class ConversationCreated(_Data, frozen=True):
    """The conversation began."""

    kind: ClassVar = "conversation.created"
    log_of: ClassVar[LogOf] = "a conversation"

    # On the wire ``kind``, which is the event's here.
    conversation_kind: Literal["direct", "group"] = msgspec.field(name="kind")
    title: str | None


class ConversationUpdated(_Data, frozen=True):
    """A group has another title or photo; what did not change is left out."""

    kind: ClassVar = "conversation.updated"
    log_of: ClassVar[LogOf] = "a conversation"

    title: str | UnsetType | None = UNSET
    photo: str | UnsetType | None = UNSET


class MemberJoined(_Data, frozen=True):
    """Somebody is a member now, and may read messages from ``from_number`` on.

    ``user`` comes without the photo, which changes while the log does not.
    """

    kind: ClassVar = "member.joined"
    log_of: ClassVar[LogOf] = "a conversation"

    user: User
    from_number: int


class MemberRemoved(_Data, frozen=True):
    """Somebody left or was removed: ``user`` is their id."""

    kind: ClassVar = "member.removed"
    log_of: ClassVar[LogOf] = "a conversation"

    user: str


class ConversationAdded(_Data, frozen=True):
    """The user is a member of a conversation now."""

    kind: ClassVar = "conversation.added"
    log_of: ClassVar[LogOf] = "a user"

    conversation: str


class ConversationRemoved(_Data, frozen=True):
    """The user is a member of a conversation no longer."""

    kind: ClassVar = "conversation.removed"
    log_of: ClassVar[LogOf] = "a user"

    conversation: str


class MarkChanged(_Data, frozen=True):
    """What the user has put on a message, null for nothing."""

    kind: ClassVar = "mark.changed"
    log_of: ClassVar[LogOf] = "a user"

    conversation: str
    message_id: str
    mark: Raw


class AccountUpdated(_Data, frozen=True):
    """What is shown of the account now."""

    kind: ClassVar = "account.updated"
    log_of: ClassVar[LogOf] = "a user"

    display_name: str
    language: str | None
    theme: str | None
    photo: str | None


class Hidden(_Data, frozen=True):
    """Something that the reader may not know, as what happens to messages from before their time.

    It covers its interval, since leaving it out would make a gap, and says nothing else.
    """

    kind: ClassVar = "hidden"
    log_of: ClassVar[LogOf] = "either"


EventData: TypeAlias = (
    MessageCreated
    | MessageUpdated
    | MessageDeleted
    | ReactionChanged
    | ConversationCreated
    | ConversationUpdated
    | MemberJoined
    | MemberRemoved
    | ConversationAdded
    | ConversationRemoved
    | MarkChanged
    | AccountUpdated
    | Hidden
)
# What stands in a time line beside the messages.
TIMELINE_KINDS: tuple[str, ...] = (
    ConversationCreated.kind,
    ConversationUpdated.kind,
    MemberJoined.kind,
    MemberRemoved.kind,
)
KINDS: dict[str, type[EventData]] = {one.kind: one for one in get_args(EventData)}

_decoders = {
    kind: msgspec.json.Decoder(one)
    for kind, one in KINDS.items()
    if not issubclass(one, MessageData)
}


class Event(Struct, frozen=True):
    """One entry of a log: it covers ``(after, seq]``. ``by`` is empty where nobody did it."""

    log: str
    after: int
    seq: int
    by: str
    at_ms: int
    data: EventData

    @property
    def kind(self) -> str:
        """What happened."""
        return self.data.kind


class _Params(Struct):
    """The parameters of an event's notification."""

    log: str
    after: int
    seq: int
    kind: str
    by: str | UnsetType
    at_ms: int
    data: EventData


class LogEntry(Struct, frozen=True):
    """An event as a page of `log.read` has it; what its ``data`` is, its kind says."""

    log: str
    after: int
    seq: int
    kind: str
    at_ms: int
    data: Any
    by: str | UnsetType = UNSET


def encode_event(event: Event, view: Raw | UnsetType = UNSET) -> bytes:
    """An event's notification; its message carries ``view``, drawn for the readers who want it."""
    data = event.data
    if view is not UNSET and (data.message is None or data.message.view is not UNSET):
        data, view = _viewed(data, view), UNSET
    by, at_ms = event.by or UNSET, event.at_ms
    frame = encode_notification(
        "event", _Params(event.log, event.after, event.seq, data.kind, by, at_ms, data)
    )
    if view is UNSET:
        return frame
    # The view is the last field of what comes last, so it goes before the closing braces of
    # message, data, params and notification: a copy of the message would cost three times as much.
    return b"".join((frame[:-4], b',"view":', view, b"}}}}"))


def event_body(event: Event, view: Raw | UnsetType = UNSET) -> LogEntry:
    """An event as it stands in a page of `log.read`."""
    data = event.data if view is UNSET else _viewed(event.data, view)
    return LogEntry(
        event.log, event.after, event.seq, data.kind, event.at_ms, data, event.by or UNSET
    )


def _viewed(data: EventData, view: Raw) -> EventData:
    if not isinstance(data, MessageData):
        return data
    return replace(data, message=replace(data.message, view=view))


def number_in(event: Event) -> int | None:
    """The number of the message that an event tells of, or None."""
    message = event.data.message
    if message is not None:
        return message.number
    number: int | None = getattr(event.data, "number", None)
    return number


def hide(event: Event) -> Event:
    """The event for a reader whose history begins after the message that it tells of."""
    return Event(event.log, event.after, event.seq, "", event.at_ms, Hidden())


def row_of(data: EventData) -> bytes | None:
    """What is stored of an event's data, or None: a message is stored once, beside it."""
    if isinstance(data, MessageData):
        return None
    row = msgspec.json.encode(data)
    return None if row == b"{}" else row


def restore(kind: str, data: bytes | None, message: Message | None) -> EventData:
    """An event's data by what `row_of` said; ``message`` is the one that its row refers to.

    Raises:
        ValueError: this version knows no such kind, or another shape of it.
    """
    if message is not None and issubclass(found := KINDS.get(kind, Hidden), MessageData):
        return found(message)
    if kind not in _decoders:
        raise ValueError(f"no kind of event: {kind}")
    return _decoders[kind].decode(b"{}" if data is None else data)
