"""What plugins may look at before it happens: a message, a log-in, an upload.

Owns the values that `check_*` hooks get. Must not know who calls the hooks. Pure.
"""

from __future__ import annotations

from msgspec import Struct

__all__ = ["Login", "Proposed", "Upload"]


class Proposed(Struct, frozen=True):
    """A message that somebody wants to send, or an edit of one.

    ``content`` is the type's own struct, validated and prepared; ``message`` is the id of the
    message that is edited, or None. Return another one (`msgspec.structs.replace`) to have other
    content stored.
    """

    conversation: str
    sender: str
    type: str
    content: Struct
    text: str
    reply_to: str | None = None
    message: str | None = None


class Login(Struct, frozen=True):
    """Somebody who has proved to know a password, before a session is opened."""

    user: str
    username: str
    address: str
    user_agent: str


class Upload(Struct, frozen=True):
    """A file that has arrived, before it is kept; ``media_type`` is what the server found."""

    user: str
    name: str
    media_type: str
    bytes: int
