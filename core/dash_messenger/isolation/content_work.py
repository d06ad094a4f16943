"""What message types do with content, as work that a child process can be given.

Owns the work's parameters and results. Pure: no asyncio, no server, no database. Content, state and
mark are JSON throughout, so that a type's own structs never leave the process that decoded them.
Invariant: what is accepted here is cheap to decode wherever it is decoded again.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Mapping
from typing import TypeVar

import msgspec
from msgspec import UNSET, Raw, Struct, UnsetType
from msgspec.structs import asdict

from dash_messenger.errors import (
    ActionRefused,
    ContentTooCostly,
    Failure,
    InvalidParams,
)
from dash_messenger.plugin_api.actions import Acted, Action, Change, Refuse
from dash_messenger.plugin_api.message_types import Prepared, has_usual_numbers
from dash_messenger.plugin_api.type_registry import MessageTypes
from dash_messenger.protocol.models import Message, Reply
from dash_messenger.protocol.params import decode_params

__all__ = [
    "MAX_DECODE_CPU_S",
    "ActWork",
    "ChangeWork",
    "ContentWork",
    "DrawWork",
    "Outcome",
    "act",
    "change",
    "jobs",
]

# The server's loop decodes content again, for `prepare` and for plugins that ask for it: one frame
# of an eye at most. Ordinary content takes less than 0.1 ms.
MAX_DECODE_CPU_S = 0.02
MAX_MARK_BYTES = 4_096

T = TypeVar("T")

# Draws a message in a language, or returns None; by the name of the view.
Draws = Mapping[str, Callable[[Message, str], bytes | None]]


class ContentWork(Struct, frozen=True, array_like=True):
    """Content of a type; ``version`` is the one that it was written by, None for what is sent."""

    type: str
    content: bytes
    version: int | None = None


class ChangeWork(Struct, frozen=True, array_like=True):
    """An edit: what a message holds and its state, and what it shall hold."""

    type: str
    content: bytes
    before: bytes
    before_version: int
    state: bytes | None = None


class ActWork(Struct, frozen=True, array_like=True):
    """An action on a message, by somebody who may."""

    type: str
    action: str
    params: bytes
    content: bytes
    version: int
    state: bytes | None
    mark: bytes | None
    id: str
    conversation: str
    sender: str
    by: str
    now_ms: int


class DrawWork(Struct, frozen=True, array_like=True):
    """A message to be drawn, part by part."""

    view: str
    language: str
    id: str
    conversation: str
    seq: int
    rev: int
    number: int
    sender: str
    client_id: str
    type: str
    content: bytes
    version: int
    text: str | None
    sent_at_ms: int
    edited_at_ms: int | None
    state: bytes | None
    reply_to: Reply | None
    reactions: bytes | None

    @classmethod
    def of(cls, message: Message, view: str, language: str) -> DrawWork:
        """The work of drawing a message that has content."""
        state, reactions, reply_to = message.state, message.reactions, message.reply_to
        edited_at_ms, version = message.edited_at_ms, message.type_version
        return cls(
            view,
            language,
            message.id,
            message.conversation,
            message.seq,
            message.rev,
            message.number,
            message.sender,
            message.client_id,
            message.type,
            bytes(message.content or b"null"),
            1 if isinstance(version, UnsetType) else version,
            message.text,
            message.sent_at_ms,
            None if isinstance(edited_at_ms, UnsetType) else edited_at_ms,
            None if isinstance(state, UnsetType) else bytes(state),
            None if isinstance(reply_to, UnsetType) else reply_to,
            None if isinstance(reactions, UnsetType) else bytes(reactions),
        )

    def message(self) -> Message:
        """The message."""
        return Message(
            id=self.id,
            conversation=self.conversation,
            seq=self.seq,
            rev=self.rev,
            number=self.number,
            sender=self.sender,
            client_id=self.client_id,
            type=self.type,
            content=Raw(self.content),
            text=self.text,
            sent_at_ms=self.sent_at_ms,
            edited_at_ms=UNSET if self.edited_at_ms is None else self.edited_at_ms,
            state=UNSET if self.state is None else Raw(self.state),
            reply_to=UNSET if self.reply_to is None else self.reply_to,
            reactions=UNSET if self.reactions is None else Raw(self.reactions),
            type_version=self.version,
        )


class Outcome(Struct, frozen=True, array_like=True):
    """What an action came to; ``mark`` None takes it away."""

    state: bytes | None
    text: str
    state_changes: bool
    mark: bytes | None
    mark_changes: bool


def jobs(types: MessageTypes, draws: Draws) -> dict[str, Callable[[bytes], bytes]]:
    """The work by name; takes and gives bytes."""

    def new(work: ContentWork) -> Prepared:
        return types.finish(work.type, read_cheaply(types, work.type, work.content))

    def read(work: ContentWork) -> bytes:
        return types.encode(read_cheaply(types, work.type, work.content))

    def upgrade(work: ContentWork) -> bytes | None:
        value = types.decode(work.type, work.content, work.version)
        return None if value is None else types.encode(value)

    def draw(work: DrawWork) -> bytes | None:
        return draws[work.view](work.message(), work.language)

    return {
        "new": _packed(ContentWork, new),
        "read": _packed(ContentWork, read),
        "upgrade": _packed(ContentWork, upgrade),
        "change": _packed(ChangeWork, lambda work: change(types, work, read_cheaply)),
        "act": _packed(ActWork, lambda work: act(types, work)),
        "draw": _packed(DrawWork, draw),
    }


def _packed(kind: type[T], do: Callable[[T], object]) -> Callable[[bytes], bytes]:
    decoder, encoder = msgspec.msgpack.Decoder(kind), msgspec.msgpack.Encoder()
    return lambda payload: encoder.encode(do(decoder.decode(payload)))


def read_cheaply(types: MessageTypes, type: str, content: bytes) -> Struct:
    """What an author sent, validated, and encoded again as cheap to decode as it may be.

    Raises:
        ContentInvalid: it does not fit.
        ContentTooCostly: decoding it takes longer than the server's loop can spare.
    """
    for _ in range(2):
        started_s = time.thread_time()
        value = types.read(type, content)
        if time.thread_time() - started_s <= MAX_DECODE_CPU_S:
            return value
        # Once may be the machine, or the collector.
    raise ContentTooCostly


def change(
    types: MessageTypes, work: ChangeWork, read: Callable[[MessageTypes, str, bytes], Struct]
) -> Prepared:
    """The message with its new content.

    Raises:
        ContentInvalid: the new content does not fit.
        Exception: the type's own code failed.
    """
    content = read(types, work.type, work.content)
    before = types.decode(work.type, work.before, work.before_version)
    if before is None:
        return types.finish(work.type, content)
    return types.change(work.type, before, types.decode_state(work.type, work.state), content)


def act(types: MessageTypes, work: ActWork) -> Outcome:
    """What an action decides.

    Raises:
        InvalidParams: there is no such action, or its parameters do not fit.
        ActionRefused: it is not possible now.
        Exception: the type's own code failed.
    """
    declared = types.actions(work.type).get(work.action)
    if declared is None:
        raise InvalidParams(field="action", reason=f"there is no action {work.action!r}")
    given = decode_params(declared.decoder, work.params)
    if not has_usual_numbers(given):
        raise InvalidParams(field="", reason="a number is out of range")
    content = types.decode(work.type, work.content, work.version)
    if content is None:
        raise InvalidParams(field="message", reason="was written by another version")
    state = types.decode_state(work.type, work.state)
    acted = Acted(
        id=work.id,
        conversation=work.conversation,
        sender=work.sender,
        by=work.by,
        content=content,
        state=state,
        mark=types.decode_mark(work.type, work.mark),
        now_ms=work.now_ms,
    )
    outcome = _run(declared, acted, given)
    if isinstance(outcome, Refuse):
        raise ActionRefused(**outcome.told())
    if outcome.state is not UNSET:
        state = outcome.state
    return Outcome(
        None if state is None else types.encode_state(work.type, state),
        types.text(work.type, content, state),
        state_changes=outcome.state is not UNSET,
        mark=None if outcome.mark is None else _mark(types, outcome.mark),
        mark_changes=outcome.mark is not UNSET,
    )


def _run(declared: Action, acted: Acted[Struct, object, object], given: Struct) -> Change | Refuse:
    try:
        outcome = declared.run(acted, **asdict(given))
    except Failure as error:
        raise TypeError(f"action {declared.name} raised {error!r}; it can return Refuse") from error
    if not isinstance(outcome, Change | Refuse):
        raise TypeError(f"action {declared.name} returned {outcome!r}")
    return outcome


def _mark(types: MessageTypes, mark: object) -> bytes:
    if mark is UNSET:
        return b"null"
    encoded = types.encode(mark)
    if len(encoded) > MAX_MARK_BYTES:
        raise ValueError(f"the mark has {len(encoded)} bytes")
    return encoded
