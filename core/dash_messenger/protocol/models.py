"""People, messages and files, as every reader gets them.

Must not know how they are stored or sent. Does no I/O.
"""

from __future__ import annotations

from msgspec import UNSET, Raw, Struct, UnsetType

__all__ = ["Blob", "Message", "Reply", "User"]


class User(Struct, frozen=True, omit_defaults=True):
    """Somebody, as everybody may see them; ``photo`` is a blob, left out where there is none."""

    id: str
    username: str
    display_name: str
    photo: str | None = None


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
