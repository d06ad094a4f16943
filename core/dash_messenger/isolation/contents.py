"""Where message types' code meets what people wrote: on the loop, or in a child that is killed.

Owns which of the two, and what it means for whoever asked that the code fails, or costs too much.
Must not know what becomes of the result. Invariants: the code of a type that is not ``inline`` runs
in a child process, never here; what was killed for its cost is refused from then on without being
tried; a failure costs the one who asked, never the type's other users.
"""

from __future__ import annotations

import contextlib
import time
from collections.abc import Callable
from functools import partial
from hashlib import blake2b
from typing import ParamSpec, Protocol, TypeAlias, TypeVar

import msgspec
import structlog
from msgspec import Raw, Struct
from msgspec.structs import replace

from dash_messenger.errors import (
    ANYTHING,
    Busy,
    ContentTooCostly,
    Failure,
    PluginFailed,
    TimedOut,
)
from dash_messenger.isolation.content_work import (
    ActWork,
    ChangeWork,
    ContentWork,
    DrawWork,
    Outcome,
    act,
    change,
)
from dash_messenger.isolation.jobs import JobFailed, JobKilled, JobResult
from dash_messenger.plugin_api.message_types import Prepared, TypeFailed
from dash_messenger.plugin_api.type_registry import MessageTypes
from dash_messenger.protocol.models import Message

__all__ = ["MAX_INLINE_CPU_S", "Contents", "Costly", "Pool"]

# What is linear and trivial takes a hundredth of it; the loop's lag under load stays below 50 ms.
MAX_INLINE_CPU_S = 0.02
# The second time tells whether it was the content, the collector or a busy machine; what takes
# longer by the clock is not tried twice.
MAX_TRIED_TWICE_S = 2.0

T = TypeVar("T")
Work = ParamSpec("Work")

# Hears of a type's content that went well, who sent it, and the processor time that it took.
Worked: TypeAlias = Callable[[str, bytes, str, float], None]

log = structlog.get_logger(__name__)
_encode = msgspec.msgpack.Encoder().encode
_decode_prepared = msgspec.msgpack.Decoder(Prepared).decode
_decode_outcome = msgspec.msgpack.Decoder(Outcome).decode
_decode_bytes: Callable[[bytes], bytes | None] = msgspec.msgpack.Decoder(bytes | None).decode


class Pool(Protocol):
    """Children that work can be given."""

    async def run(self, job: str, payload: bytes, *, charged_to: str, label: str = "") -> JobResult:
        """What a job came to."""


class Costly(Protocol):
    """What was killed for its cost, by its key."""

    def __contains__(self, key: bytes, /) -> bool:
        """Whether it was."""

    def add(self, key: bytes, job: str, type: str, reason: str) -> None:
        """Remember that it was."""


class Contents:
    """The code of all types on content.

    Without a ``pool`` everything runs where it is asked for, as for ``dash-messenger plugins``.
    ``failed(type, error)`` hears of code that raised, ``worked(type, content, by, cpu_s)`` of
    content that a child took well.
    """

    def __init__(
        self,
        types: MessageTypes,
        pool: Pool | None = None,
        *,
        costly: Costly | None = None,
        failed: TypeFailed = lambda type, error: None,
        worked: Worked = lambda type, content, by, cpu_s: None,
    ) -> None:
        self.types = types
        self._worked = worked
        self._pool = pool
        self._costly: Costly = _CostlyInMemory() if costly is None else costly
        self._failed = failed

    def is_inline(self, type: str) -> bool:
        """Whether a type's code runs on the loop."""
        return self._pool is None or self.types.is_inline(type)

    def is_quick(self, type: str) -> bool:
        """Whether a new message of a type needs no step, and its code runs on the loop."""
        return self.types.is_quick(type) or (self._pool is None and not self.types.prepares(type))

    def at_once(self, type: str, content: Raw | bytes) -> Prepared:
        """A new message's parts, for a type that is inline.

        Raises:
            UnknownType, ContentInvalid: the content is not acceptable.
            PluginFailed: the type's code failed.
        """
        return self._here(type, "new", self.types.prepare, type, content)

    async def new(self, type: str, content: Raw | bytes, by: str) -> Prepared:
        """A new message's parts, of content as ``by`` sent it.

        Raises:
            UnknownType, ContentInvalid: the content is not acceptable.
            ContentTooCostly, TimedOut: it takes too much.
            PluginFailed: the type's code failed.
            Busy: try again later.
        """
        if self.is_inline(type) or type not in self.types:
            return self.at_once(type, content)
        work = ContentWork(type, bytes(content))
        key = self._key("new", type, work.content)
        return _decode_prepared(await self._there("new", type, key, work, by))

    async def read(self, type: str, content: Raw | bytes, by: str) -> Struct:
        """What an author sent, validated.

        Raises:
            Failure: as `new`.
        """
        if self.is_inline(type) or type not in self.types:
            return self._here(type, "read", self.types.read, type, content)
        work = ContentWork(type, bytes(content))
        key = self._key("new", type, work.content)
        read = _decode_bytes(await self._there("read", type, key, work, by))
        # It has just been decoded, and quickly: doing it again here is cheap.
        return self.types.read(type, read or b"null")

    async def finish(self, type: str, content: Struct, by: str) -> Prepared:
        """A new message's parts, of content that has been read and prepared.

        Raises:
            Failure: as `new`.
        """
        if self.is_inline(type):
            return self._here(type, "new", self.types.finish, type, content)
        encoded = self._here(type, "encode", self.types.encode, content)
        return await self.new(type, encoded, by)

    async def change(
        self,
        type: str,
        content: Struct | bytes,
        before: tuple[bytes, int],
        state: bytes | None,
        by: str,
    ) -> Prepared:
        """The parts of a message that holds ``before``, a content and its version, and a state,
        after it was edited.

        Raises:
            Failure: as `new`.
        """
        types = self.types
        encoded = content if isinstance(content, bytes) else types.encode(content)
        if not types.has_state(type):
            # What it held before makes no difference.
            return await self.new(type, encoded, by)
        work = ChangeWork(type, encoded, *before, state)
        if self.is_inline(type):
            return self._here(type, "change", change, types, work, MessageTypes.read)
        if self._key("new", type, encoded) in self._costly:
            raise ContentTooCostly
        key = self._key("change", type, *_encoded(work))
        return _decode_prepared(await self._there("change", type, key, work, by))

    async def act(self, work: ActWork) -> Outcome:
        """What an action comes to.

        Raises:
            InvalidParams: there is no such action, or its parameters do not fit.
            ActionRefused: it is not possible now.
            Failure: as `new`.
        """
        if self.is_inline(work.type):
            return self._here(work.type, "act", act, self.types, work)
        parts = (work.action.encode(), work.params, work.content, work.state, work.mark)
        key = self._key("act", work.type, str(work.version).encode(), *parts)
        return _decode_outcome(await self._there("act", work.type, key, work, work.by))

    async def decode(self, message: Message) -> Struct | None:
        """A stored message's content, or None where it can be read no longer.

        Raises:
            ContentTooCostly, TimedOut, PluginFailed, Busy: it was to be upgraded, as `new`.
        """
        renewed = await self._renewed(message)
        return self._here(message.type, "decode", self.decode_renewed, renewed)

    async def renew(self, message: Message) -> Message:
        """The message with content of its type's version; as it is where that cannot be had."""
        try:
            return await self._renewed(message)
        except (ContentTooCostly, TimedOut, PluginFailed, Busy):
            return message

    async def _renewed(self, message: Message) -> Message:
        type, version = message.type, _version_of(message)
        if message.content is None or type not in self.types or self._is_current(message):
            return message
        work = ContentWork(type, bytes(message.content), version)
        key = self._key("upgrade", type, str(version).encode(), work.content)
        answer = await self._there("upgrade", type, key, work, message.sender)
        renewed = _decode_bytes(answer)
        if renewed is None:
            return message
        return replace(message, content=Raw(renewed), type_version=self.types.version(type))

    def decode_renewed(self, message: Message) -> Struct | None:
        """The content of a message that `renew` has seen, or that has just been written.

        Decoded here: what this version accepted was cheap to decode.
        """
        if message.content is None or not self._is_current(message):
            return None
        return self.types.decode(message.type, message.content, _version_of(message))

    def _is_current(self, message: Message) -> bool:
        """Whether no upgrade stands between the message and its content."""
        type = message.type
        if type not in self.types:
            return False
        return self.is_inline(type) or _version_of(message) >= self.types.version(type)

    async def draw(
        self, view: str, language: str, message: Message, failed: Callable[[JobFailed], None]
    ) -> bytes | None:
        """A message's drawing, made in a child; None where there is none.

        ``failed(error)`` hears of it when the view's code raised.

        Raises:
            ContentTooCostly, TimedOut, PluginFailed, Busy: as `new`.
        """
        type, work = message.type, DrawWork.of(message, view, language)
        key = self._key(f"draw {view}", type, str(work.version).encode(), work.content, work.state)
        return _decode_bytes(await self._there("draw", type, key, work, message.sender, failed))

    def _here(
        self,
        type: str,
        doing: str,
        work: Callable[Work, T],
        *args: Work.args,
        **kwargs: Work.kwargs,
    ) -> T:
        """What ``work`` returns, run now."""
        began_s = time.perf_counter()
        try:
            done = work(*args, **kwargs)
        except Failure:
            raise
        # The edge to a stranger's code. `PluginRunner.call` would add 1.4 µs to each text message,
        # whose code takes 2.4 here; the runner counts what failed all the same.
        except ANYTHING as error:
            log.error("message_type_failed", type=type, doing=doing, exc_info=error)
            self._failed(type, error)
            raise PluginFailed from error
        took_s = time.perf_counter() - began_s
        if took_s > MAX_INLINE_CPU_S and self._pool is not None:
            self._took_long(type, took_s, partial(work, *args, **kwargs))
        return done

    def _took_long(self, type: str, took_s: float, work: Callable[[], object]) -> None:
        """Find out whether it was the code, and have it run in children if so."""
        if took_s <= MAX_TRIED_TWICE_S:
            # Reading a thread's processor time costs as much as a small message: only here.
            started_s = time.thread_time()
            # It is pure, and has just gone well.
            with contextlib.suppress(*ANYTHING):
                work()
            took_s = time.thread_time() - started_s
        if took_s > MAX_INLINE_CPU_S:
            log.warning("message_type_no_longer_inline", type=type, took_ms=round(took_s * 1000))
            self.types.never_inline(type)

    async def _there(
        self,
        job: str,
        type: str,
        key: bytes,
        work: Struct,
        by: str,
        failed: Callable[[JobFailed], None] | None = None,
    ) -> bytes:
        """What a job in a child returns."""
        if key in self._costly:
            raise ContentTooCostly
        assert self._pool is not None
        try:
            result = await self._pool.run(job, _encode(work), charged_to=by, label=type)
        except JobKilled as error:
            log.warning("content_killed", job=job, type=type, reason=error.reason, user=by)
            if not error.certain:
                # It says more about the machine, or what else it did, than about the content.
                raise TimedOut from None
            self._costly.add(key, job, type, error.reason)
            raise ContentTooCostly from None
        except JobFailed as error:
            log.error("message_type_failed", type=type, doing=job, trace=error.trace)
            if failed is None:
                self._failed(type, error)
            else:
                failed(error)
            raise PluginFailed from None
        if isinstance(work, ContentWork) and job == "new":
            self._worked(type, work.content, by, result.cpu_s)
        return result.value

    def _key(self, job: str, type: str, *parts: bytes | None) -> bytes:
        version = self.types.version(type) if type in self.types else 0
        digest = blake2b(f"{job}\0{type}\0{version}".encode(), digest_size=16)
        for part in parts:
            digest.update(b"\0-" if part is None else b"\0+%d:" % len(part) + part)
        return digest.digest()


class _CostlyInMemory:
    def __init__(self) -> None:
        self._keys: set[bytes] = set()

    def __contains__(self, key: bytes) -> bool:
        return key in self._keys

    def add(self, key: bytes, job: str, type: str, reason: str) -> None:
        self._keys.add(key)


def _version_of(message: Message) -> int:
    version = message.type_version
    return 1 if isinstance(version, msgspec.UnsetType) else version


def _encoded(work: ChangeWork) -> tuple[bytes | None, ...]:
    return work.content, work.before, str(work.before_version).encode(), work.state
