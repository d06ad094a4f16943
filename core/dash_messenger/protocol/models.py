"""People, contacts, messages and files, as readers get them.

Must not know how they are stored or sent. Does no I/O.
"""

from __future__ import annotations

from typing import Literal, TypeAlias

from msgspec import UNSET, Raw, Struct, UnsetType

__all__ = [
    "Audience",
    "Blob",
    "Contact",
    "ConversationKind",
    "Exceptions",
    "Exempt",
    "Message",
    "Preferences",
    "Presence",
    "Privacy",
    "Reply",
    "Role",
    "User",
]

# `saved` is with oneself alone: messages that one keeps.
ConversationKind: TypeAlias = Literal["direct", "group", "saved"]
# What somebody is in a conversation.
Role: TypeAlias = Literal["owner", "admin", "member"]
# To whom somebody allows something; `known` are contacts and people of a group with them.
Audience: TypeAlias = Literal["everybody", "known", "contacts", "nobody"]
# Whether one person is let, whatever the setting says.
Exempt: TypeAlias = Literal["allow", "deny"]


class User(Struct, frozen=True, omit_defaults=True):
    """Somebody, as everybody may see them; ``photo`` is a blob, left out where there is none."""

    id: str
    username: str
    display_name: str
    photo: str | None = None


class Contact(Struct, frozen=True):
    """What somebody, ``user``, is to the one who asks: nobody else ever gets it.

    A ``contact``, asked to become one (``sent``), or asking (``received``), ``since_ms``. ``label``
    is what the one who asks calls a contact, ``note`` what was said with a request.
    """

    user: str
    state: Literal["contact", "sent", "received"]
    since_ms: int
    label: str | UnsetType = UNSET
    note: str | UnsetType = UNSET


class Preferences(Struct, frozen=True):
    """How somebody wants a conversation in their list: nobody else ever gets it.

    What is left out is as for everybody. It is muted until ``muted_until_ms``, and where ``notify``
    is ``mentions``, for all but those. Of the pinned ones the highest ``pinned_no`` stands on top.
    One with ``archived_no`` is archived while it is muted or has no message beyond that number.
    What came up to ``cleared_no`` they have deleted for themselves, and the conversation with it
    while it has no message beyond. Of two the one with the higher ``change_no`` counts, of the same
    the later.
    """

    change_no: int
    muted_until_ms: int | UnsetType = UNSET
    notify: Literal["mentions"] | UnsetType = UNSET
    pinned_no: int | UnsetType = UNSET
    archived_no: int | UnsetType = UNSET
    marked_unread: bool | UnsetType = UNSET
    cleared_no: int | UnsetType = UNSET


class Privacy(Struct, frozen=True):
    """Who may find somebody, write to them first, send one message as a request where they may not,
    add them to a group, see their e-mail address, photo, when they were there last, how far they
    have read, and that they type."""

    find: Audience
    message: Audience
    requests: Audience
    add: Audience
    email: Audience
    photo: Audience
    last_seen: Audience
    receipts: Audience
    typing: Audience


class Exceptions(Struct, frozen=True):
    """In which of the settings in `Privacy` one person, ``user``, is an exception."""

    user: str
    find: Exempt | UnsetType = UNSET
    message: Exempt | UnsetType = UNSET
    requests: Exempt | UnsetType = UNSET
    add: Exempt | UnsetType = UNSET
    email: Exempt | UnsetType = UNSET
    photo: Exempt | UnsetType = UNSET
    last_seen: Exempt | UnsetType = UNSET
    receipts: Exempt | UnsetType = UNSET
    typing: Exempt | UnsetType = UNSET


class Presence(Struct, frozen=True):
    """Whether somebody is there, or when they were last, as they show it to the one who asks.

    ``last_seen_ms`` is rounded, and left out where it is not known.
    """

    online: bool
    last_seen_ms: int | UnsetType = UNSET


class Reply(Struct, frozen=True):
    """The message that another one answers."""

    id: str
    number: int


class Message(Struct, frozen=True):
    """The current state of a message, as every reader of its conversation gets it.

    ``reactions`` is a list of ``{"emoji": …, "count": …}``; ``type_version`` is there where the
    content was written by another version than the first. ``view`` stands last: see `encode_event`.
    """

    id: str
    conversation: str
    seq: int
    rev: int
    number: int
    sender: str
    client_id: str
    type: str
    content: Raw | None
    text: str | None
    sent_at_ms: int
    edited_at_ms: int | UnsetType | None = UNSET
    deleted_at_ms: int | UnsetType | None = UNSET
    state: Raw | UnsetType = UNSET
    reply_to: Reply | UnsetType = UNSET
    reactions: Raw | UnsetType = UNSET
    type_version: int | UnsetType = UNSET
    view: Raw | UnsetType = UNSET


class Blob(Struct, frozen=True):
    """A stored file: ``media_type`` is what the server found, ``owner`` who uploaded it."""

    id: str
    name: str
    media_type: str
    bytes: int
    owner: str
