"""Events: entries of the logs, one struct for each kind, and how they are encoded.

Owns every kind, and what a reader learns of events about messages from before their history
begins: `is_hidden` says which, `hide` says what is left. The table in docs/protocol.md and the
browser's types are generated from the kinds. Must not know who hears a log, nor where anybody's
history begins. Does no I/O. Invariants: each kind is of `MessageData`, `AboutMessage` or
`AboutNoMessage`, so that none is shown because nobody thought of it; no field of an event's data
comes after its message, since a drawing is put into the encoded frame. One file, however many
kinds: whoever adds one reads the others.
"""

from __future__ import annotations

from typing import Any, ClassVar, Literal, TypeAlias, get_args

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import replace

from dash_messenger.protocol.jsonrpc import encode_notification
from dash_messenger.protocol.models import (
    Audience,
    Contact,
    ConversationKind,
    Exceptions,
    Message,
    Preferences,
    Role,
    User,
)

__all__ = [
    "KINDS",
    "TIMELINE_KINDS",
    "AboutMessage",
    "AboutNoMessage",
    "AccountUpdated",
    "BlockUpdated",
    "ContactUpdated",
    "ConversationAdded",
    "ConversationCreated",
    "ConversationRemoved",
    "ConversationUpdated",
    "Event",
    "EventData",
    "ExceptionsUpdated",
    "Hidden",
    "JoinRequestUpdated",
    "LogEntry",
    "MarkChanged",
    "MemberBanned",
    "MemberJoined",
    "MemberRemoved",
    "MemberUpdated",
    "MessageCreated",
    "MessageData",
    "MessageDeleted",
    "MessageUpdated",
    "PreferencesUpdated",
    "PrivacyUpdated",
    "ReactionChanged",
    "RequestUpdated",
    "Via",
    "encode_event",
    "event_body",
    "hide",
    "is_hidden",
    "number_in",
    "restore",
    "row_of",
]

# How somebody came into a group whom nobody added.
Via: TypeAlias = Literal["link", "request"]
LogOf: TypeAlias = Literal["a conversation", "a user", "either"]


class _Data(Struct, frozen=True):
    """What has no message: looking for one need not know the kind."""

    message: ClassVar[None] = None


class AboutNoMessage(_Data, frozen=True):
    """What tells of no message of its log, so that every reader of the log may have it."""

    number: ClassVar[None] = None


class AboutMessage(_Data, frozen=True):
    """What tells of a message without having it: it is hidden from whom the message is."""

    message_id: str
    number: int


class MessageData(Struct, frozen=True):
    """What tells of a message has it as it was then; `log.read` has it as it is now."""

    kind: ClassVar[str]
    log_of: ClassVar[LogOf] = "a conversation"

    message: Message

    @property
    def number(self) -> int:
        """Its message's."""
        return self.message.number


class MessageCreated(MessageData, frozen=True):
    """Somebody sent a message."""

    kind: ClassVar = "message.created"


class MessageUpdated(MessageData, frozen=True):
    """It was edited, or somebody acted on it: the message as it is now, with a higher ``rev``."""

    kind: ClassVar = "message.updated"


class MessageDeleted(MessageData, frozen=True):
    """What is left of a message: its number, author and ``deleted_at_ms``."""

    kind: ClassVar = "message.deleted"


class ReactionChanged(AboutMessage, frozen=True):
    """``by`` has put ``emoji`` on a message (``on``) or taken it away; ``count`` have it there."""

    kind: ClassVar = "reaction.changed"
    log_of: ClassVar[LogOf] = "a conversation"

    emoji: str
    count: int
    on: bool


class ConversationCreated(AboutNoMessage, frozen=True):
    """The conversation began."""

    kind: ClassVar = "conversation.created"
    log_of: ClassVar[LogOf] = "a conversation"

    # On the wire ``kind``, which is the event's here.
    conversation_kind: ConversationKind = msgspec.field(name="kind")
    title: str | None


class ConversationUpdated(AboutNoMessage, frozen=True):
    """A group has another title, photo, description or rules; what did not change is left out."""

    kind: ClassVar = "conversation.updated"
    log_of: ClassVar[LogOf] = "a conversation"

    title: str | UnsetType | None = UNSET
    photo: str | UnsetType | None = UNSET
    description: str | UnsetType | None = UNSET
    rules: str | UnsetType | None = UNSET


class MemberJoined(AboutNoMessage, frozen=True):
    """Somebody is a member now, and may read messages from ``from_number`` on.

    ``user`` comes without the photo, which changes while the log does not. Who made a group begins
    as its owner, whoever joins it as a ``member``. ``via`` is left out where ``by`` has added them;
    by a ``link`` they came in themselves, and ``by`` has made it; on a ``request``, ``by`` let
    them in.
    """

    kind: ClassVar = "member.joined"
    log_of: ClassVar[LogOf] = "a conversation"

    user: User
    from_number: int
    via: Via | UnsetType = UNSET


class MemberRemoved(AboutNoMessage, frozen=True):
    """Somebody left or was removed: ``user`` is their id."""

    kind: ClassVar = "member.removed"
    log_of: ClassVar[LogOf] = "a conversation"

    user: str


class MemberUpdated(AboutNoMessage, frozen=True):
    """A member has another role: ``user`` is their id.

    ``by`` is missing where it came to them because no other owner is left.
    """

    kind: ClassVar = "member.updated"
    log_of: ClassVar[LogOf] = "a conversation"

    user: str
    role: Role


class MemberBanned(AboutNoMessage, frozen=True):
    """Somebody, ``user`` by their id, cannot be added any more, or can be again (not ``on``).

    Who was a member is removed first, which ``member.removed`` says.
    """

    kind: ClassVar = "member.banned"
    log_of: ClassVar[LogOf] = "a conversation"

    user: str
    on: bool


class ConversationAdded(AboutNoMessage, frozen=True):
    """The user is a member of a conversation now."""

    kind: ClassVar = "conversation.added"
    log_of: ClassVar[LogOf] = "a user"

    conversation: str


class ConversationRemoved(AboutNoMessage, frozen=True):
    """The user is a member of a conversation no longer."""

    kind: ClassVar = "conversation.removed"
    log_of: ClassVar[LogOf] = "a user"

    conversation: str


class MarkChanged(AboutNoMessage, frozen=True):
    """What the user has put on a message, null for nothing."""

    kind: ClassVar = "mark.changed"
    log_of: ClassVar[LogOf] = "a user"

    conversation: str
    message_id: str
    mark: Raw


class AccountUpdated(AboutNoMessage, frozen=True):
    """What is shown of the account now."""

    kind: ClassVar = "account.updated"
    log_of: ClassVar[LogOf] = "a user"

    display_name: str
    language: str | None
    theme: str | None
    photo: str | None


class ContactUpdated(AboutNoMessage, frozen=True):
    """What somebody is to the user now, null where it is nothing.

    ``user`` is that somebody, as in ``member.joined`` without the photo.
    """

    kind: ClassVar = "contact.updated"
    log_of: ClassVar[LogOf] = "a user"

    user: User
    contact: Contact | None


class PreferencesUpdated(AboutNoMessage, frozen=True):
    """How the user wants a conversation in their list now."""

    kind: ClassVar = "preferences.updated"
    log_of: ClassVar[LogOf] = "a user"

    conversation: str
    preferences: Preferences


class PrivacyUpdated(AboutNoMessage, frozen=True):
    """Who may do what is another now, as in `Privacy`; what did not change is left out."""

    kind: ClassVar = "privacy.updated"
    log_of: ClassVar[LogOf] = "a user"

    find: Audience | UnsetType = UNSET
    # A message it is not about, but who may write one first.
    first_message: Audience | UnsetType = msgspec.field(default=UNSET, name="message")
    requests: Audience | UnsetType = UNSET
    add: Audience | UnsetType = UNSET
    email: Audience | UnsetType = UNSET
    photo: Audience | UnsetType = UNSET
    last_seen: Audience | UnsetType = UNSET
    receipts: Audience | UnsetType = UNSET
    typing: Audience | UnsetType = UNSET


class ExceptionsUpdated(AboutNoMessage, frozen=True):
    """In which of the user's settings somebody is an exception now, null where in none.

    ``user`` is that somebody, as in ``member.joined`` without the photo.
    """

    kind: ClassVar = "privacy.exceptions_updated"
    log_of: ClassVar[LogOf] = "a user"

    user: User
    exceptions: Exceptions | None


class BlockUpdated(AboutNoMessage, frozen=True):
    """Whether the user has blocked somebody now: since when, or null.

    ``user`` is that somebody, as in ``member.joined`` without the photo.
    """

    kind: ClassVar = "block.updated"
    log_of: ClassVar[LogOf] = "a user"

    user: User
    since_ms: int | None


class RequestUpdated(AboutNoMessage, frozen=True):
    """Whether a message of somebody waits to be accepted by the user: since when, or null.

    ``user`` is that somebody, as in ``member.joined`` without the photo.
    """

    kind: ClassVar = "request.updated"
    log_of: ClassVar[LogOf] = "a user"

    user: User
    since_ms: int | None


class JoinRequestUpdated(AboutNoMessage, frozen=True):
    """Somebody asks to join a group whose members the user may let in, or not any more.

    ``user`` is that somebody, as in ``member.joined`` without the photo. Who asks is never told.
    """

    kind: ClassVar = "join_request.updated"
    log_of: ClassVar[LogOf] = "a user"

    conversation: str
    user: User
    waiting: bool


class Hidden(AboutNoMessage, frozen=True):
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
    | MemberUpdated
    | MemberBanned
    | ConversationAdded
    | ConversationRemoved
    | MarkChanged
    | AccountUpdated
    | ContactUpdated
    | PreferencesUpdated
    | PrivacyUpdated
    | ExceptionsUpdated
    | BlockUpdated
    | RequestUpdated
    | JoinRequestUpdated
    | Hidden
)
# What stands in a time line beside the messages.
TIMELINE_KINDS: tuple[str, ...] = (
    ConversationCreated.kind,
    ConversationUpdated.kind,
    MemberJoined.kind,
    MemberRemoved.kind,
    MemberUpdated.kind,
    MemberBanned.kind,
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
    return event.data.number


def is_hidden(number: int | None, first_number: int) -> bool:
    """Whether what tells of message ``number`` is hidden from who may read from ``first_number``.

    What tells of no message (None) is hidden from nobody.
    """
    return number is not None and number < first_number


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
