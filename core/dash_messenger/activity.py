"""Whose code runs now, written where another process can read it.

Owns a small shared map: the beats of the event loop, how far the server is, and for each thread the
plugin, user and command that it works for. Must not know who reads it; it imports nothing but the
standard library, so that the parent process stays small.

Invariant: writing takes no lock and makes no system call, and reading needs nothing of the writer:
the map says what runs while the server's interpreter is held and none of its threads can answer.
"""

from __future__ import annotations

import mmap
import threading
from collections.abc import Coroutine, Iterator
from struct import Struct
from types import TracebackType
from typing import Any, NamedTuple, TypeAlias, TypeVar

__all__ = [
    "MAP_BYTES",
    "SERVING",
    "STARTING",
    "STOPPING",
    "Activity",
    "Now",
    "Token",
    "follow",
]

T = TypeVar("T")

# The loop's beats, how far the server is, and the seconds it takes to stop.
_HEAD = Struct("=QQd")
# A thread's number for the kernel, then what it does between two equal counts: where they differ,
# the reader came in between. A first count of 0 says that it works for nobody.
_THREAD = Struct("=Q")
_NOW = Struct("=Q48s40s64sQ")
_write = _NOW.pack_into
_write_count = Struct("=Q").pack_into
_HEAD_BYTES = 64
_SLOT_BYTES = 192
# The loop, the drawing threads and those that plugins are given. More share the last one.
_SLOTS = 32
MAP_BYTES = _HEAD_BYTES + _SLOTS * _SLOT_BYTES

STARTING, SERVING, STOPPING = range(3)


class Now(NamedTuple):
    """What a thread works for; what is not known is empty."""

    plugin: str = ""
    user: str = ""
    command: str = ""


# What was so before: plugin, user and command.
Token: TypeAlias = tuple[bytes, bytes, bytes]
_NOBODY: Token = (b"", b"", b"")
_NOTHING = Now()


class Activity:
    """The map in a file of `MAP_BYTES`, or one that this process alone can see."""

    def __init__(self, descriptor: int = -1) -> None:
        self._map = mmap.mmap(descriptor, MAP_BYTES)
        self._local = threading.local()
        self._free = [*reversed(range(_SLOTS))]

    # What the server writes.

    def begin(
        self, plugin: str | None = None, user: str | None = None, command: str | None = None
    ) -> Token:
        """Note what this thread works for from now on; what is None stays as it was.

        Give the token to `end`, on the same thread, before anything else runs there: a coroutine
        does so by `follow`.
        """
        try:
            slot: _Slot = self._local.slot
        except AttributeError:
            slot = self._enter()
        before = slot.now
        slot.now = now = (
            before[0] if plugin is None else plugin.encode(),
            before[1] if user is None else user.encode(),
            before[2] if command is None else command.encode(),
        )
        slot.count = count = slot.count + 1
        _write(self._map, slot.offset, count, *now, count)
        return before

    def end(self, token: Token) -> None:
        """It works for what it did before `begin`."""
        slot: _Slot = self._local.slot
        slot.now = token
        if token is _NOBODY:
            # After every command; half of what writing all of it takes.
            _write_count(self._map, slot.offset, 0)
            return
        slot.count = count = slot.count + 1
        _write(self._map, slot.offset, count, *token, count)

    def beat(self) -> None:
        """The event loop turns."""
        beats, stage, shutdown_s = _HEAD.unpack_from(self._map)
        _HEAD.pack_into(self._map, 0, beats + 1, stage, shutdown_s)

    def set_stage(self, stage: int, shutdown_s: float) -> None:
        """The server is at `STARTING`, `SERVING` or `STOPPING`; it takes so long to stop."""
        _HEAD.pack_into(self._map, 0, self.beats, stage, shutdown_s)

    def _enter(self) -> _Slot:
        """Give this thread a slot, which its end gives back."""
        slot = self._local.slot = _Slot(self._free)
        _THREAD.pack_into(self._map, slot.offset - _THREAD.size, threading.get_native_id())
        return slot

    # What its parent reads.

    @property
    def beats(self) -> int:
        """How often the loop has turned."""
        beats: int = _HEAD.unpack_from(self._map)[0]
        return beats

    @property
    def stage(self) -> int:
        """`STARTING`, `SERVING` or `STOPPING`."""
        stage: int = _HEAD.unpack_from(self._map)[1]
        return stage

    @property
    def shutdown_s(self) -> float:
        """How long the server takes to stop, or 0.0 before it has read its settings."""
        seconds: float = _HEAD.unpack_from(self._map)[2]
        return seconds

    def threads(self) -> Iterator[tuple[int, Now]]:
        """Each thread that works for somebody, by its number for the kernel.

        The first that began comes first: the server sees to it that this is the loop's.
        """
        for slot in range(_SLOTS):
            offset = _HEAD_BYTES + slot * _SLOT_BYTES
            (thread,) = _THREAD.unpack_from(self._map, offset)
            if thread and (now := self._read(offset + _THREAD.size)) != _NOTHING:
                yield thread, now

    def clear(self) -> None:
        """Forget everything, before another server writes here."""
        self._map[:] = bytes(MAP_BYTES)

    def _read(self, offset: int) -> Now:
        for _ in range(1_000):
            first, plugin, user, command, last = _NOW.unpack_from(self._map, offset)
            if first == 0:
                break
            if first == last:
                return Now(_text(plugin), _text(user), _text(command))
        return _NOTHING


def _text(field: bytes) -> str:
    return field.rstrip(b"\0").decode(errors="replace")


class _Slot:
    """A thread's place in the map, given back when nobody holds it any more."""

    __slots__ = ("_free", "_place", "count", "now", "offset")

    def __init__(self, free: list[int]) -> None:
        self._free = free
        self._place = free.pop() if free else None
        place = _SLOTS - 1 if self._place is None else self._place
        self.offset = _HEAD_BYTES + place * _SLOT_BYTES + _THREAD.size
        self.now = _NOBODY
        self.count = 0

    def __del__(self) -> None:
        if self._place is not None:
            self._free.append(self._place)


def follow(
    activity: Activity,
    coroutine: Coroutine[Any, Any, T],
    *,
    plugin: str | None = None,
    user: str | None = None,
    command: str | None = None,
) -> Coroutine[Any, Any, T]:
    """The coroutine, with what it works for noted while it runs, and not while it waits."""
    return _Followed(activity, coroutine, plugin, user, command)


class _Followed(Coroutine[Any, Any, T]):
    """Steps a coroutine between `begin` and `end`."""

    __slots__ = ("_activity", "_command", "_coroutine", "_plugin", "_user")

    def __init__(
        self,
        activity: Activity,
        coroutine: Coroutine[Any, Any, T],
        plugin: str | None,
        user: str | None,
        command: str | None,
    ) -> None:
        self._activity = activity
        self._coroutine = coroutine
        self._plugin, self._user, self._command = plugin, user, command

    def send(self, value: Any) -> Any:
        token = self._activity.begin(self._plugin, self._user, self._command)
        try:
            return self._coroutine.send(value)
        finally:
            self._activity.end(token)

    def throw(
        self,
        kind: type[BaseException] | BaseException,
        value: BaseException | object = None,
        trace: TracebackType | None = None,
    ) -> Any:
        error = value if isinstance(value, BaseException) else kind
        token = self._activity.begin(self._plugin, self._user, self._command)
        try:
            return self._coroutine.throw(error)
        finally:
            self._activity.end(token)

    def close(self) -> None:
        self._coroutine.close()

    def __await__(self) -> Any:
        return self

    def __iter__(self) -> Any:
        return self

    def __next__(self) -> Any:
        return self.send(None)
