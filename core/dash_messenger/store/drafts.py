"""A message on its way into the store: as its sender wants it, and where it ends up.

Owns how a retry is known from another message of the same name.
"""

from __future__ import annotations

import hashlib
from collections.abc import Callable

from msgspec import Struct

from dash_messenger.protocol.models import Reply

__all__ = ["Draft", "NewMessage", "Sent", "params_hasher"]


class Draft(Struct, frozen=True):
    """A message as its sender wants it; ``content`` and ``state`` are validated JSON.

    ``sent`` is the content as it came, where it was prepared since: a retry is known by it.
    ``blobs`` are the ids of those that the content refers to; the message is refused unless the
    sender may use them all. ``by_bot``: the sender need not be a member.
    """

    conversation: str
    sender: str
    session: str | None
    client_id: str
    type: str
    type_version: int
    content: bytes
    text: str | None
    thread: str | None = None
    state: bytes | None = None
    reply_to: str | None = None
    blobs: tuple[str, ...] = ()
    sent: bytes | None = None
    by_bot: bool = False


class Sent(Struct, frozen=True):
    """Where a message stands in its log."""

    id: str
    seq: int
    number: int
    sent_at_ms: int


class NewMessage(Struct, frozen=True):
    """A draft that becomes a message, with all that its rows say."""

    draft: Draft
    params_hash: bytes
    sent: Sent
    reply: Reply | None


def params_hasher(secret: bytes) -> Callable[[Draft], bytes]:
    """A keyed hash of what makes a draft the same as its retry (16 bytes)."""
    keyed = hashlib.blake2b(key=secret, digest_size=16)

    def digest(draft: Draft) -> bytes:
        state = keyed.copy()
        named = f"{draft.conversation}\0{draft.type}\0{draft.thread or ''}\0"
        if draft.reply_to is not None:
            named += f"{draft.reply_to}\0"
        state.update(named.encode())
        state.update(draft.content if draft.sent is None else draft.sent)
        return state.digest()

    return digest
