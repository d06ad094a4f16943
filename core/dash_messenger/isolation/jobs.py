"""What a job for a child process is, how it ends, and how both are said in bytes.

Owns the limits, the results and the frames between server and child. Must not know processes,
sockets or asyncio. Invariant: what comes back is plain data, never code; a `Failure` arrives as the
same kind of `Failure`, with parameters that JSON can carry.
"""

from __future__ import annotations

import struct
import sys
import traceback
from collections.abc import Callable, Iterator, Mapping
from importlib import import_module
from types import TracebackType
from typing import Any, Literal

import msgspec

from dash_messenger.errors import Failure, Refused, failures

__all__ = [
    "Answer",
    "Ended",
    "Frames",
    "Job",
    "JobFailed",
    "JobKilled",
    "JobLimits",
    "JobResult",
    "Jobs",
    "Order",
    "Report",
    "Setup",
    "describe",
    "failed",
    "frame",
    "load",
    "pack_failure",
    "unpack_failure",
]

MIB = 1024 * 1024
MAX_ERROR_CHARACTERS = 300
_LENGTH = struct.Struct("<I")

Jobs = Mapping[str, Callable[[bytes], bytes]]
Reason = Literal["cpu", "memory", "wall"]


class JobLimits(msgspec.Struct, frozen=True, kw_only=True):
    """What one job may cost, and how many may wait.

    ``cpu_s``: processor time, by a timer of the kernel. ``wall_s``: a job that sleeps.
    ``memory_bytes``: address space over what the child has at birth. ``demote_after_cpu_s``: from
    then on a job runs at the lowest priority and holds up nobody; at most ``max_demoted`` do.
    ``load_s``: until the plugins are loaded, on a slow machine.
    """

    cpu_s: float = 2.0
    wall_s: float = 10.0
    memory_bytes: int = 256 * MIB
    demote_after_cpu_s: float = 0.1
    max_demoted: int = 2
    # A view has at most 128 KiB; whoever answers more than this is mistaken.
    max_result_bytes: int = 4 * MIB
    # Several readers may wait for a page of 100 messages of one author; ten such authors fill it.
    max_waiting: int = 10_000
    max_waiting_a_user: int = 1_000
    max_waiting_bytes: int = 64 * MIB
    load_s: float = 60.0
    # A fork costs 3 ms; what leaks is gone after so many jobs, or after so much growth.
    jobs_a_child: int = 5_000
    growth_bytes: int = 64 * MIB


class JobResult(msgspec.Struct, frozen=True):
    """What a job returned, and the processor time that it took."""

    value: bytes
    cpu_s: float


class JobKilled(Exception):
    """The job went over a limit and was ended; it costs the same when it is tried again.

    ``reason``: ``"cpu"``, ``"memory"`` (also when it raised MemoryError), or ``"wall"``, which says
    more about the machine than about the job. ``certain``: it would end so again. A job of 100 ms
    is killed too where all places for costly ones are taken, but another time it may run.
    """

    def __init__(self, reason: Reason, cpu_s: float = 0.0, *, certain: bool = True) -> None:
        self.reason: Reason = reason
        self.cpu_s = cpu_s
        self.certain = certain and reason != "wall"
        super().__init__(f"a job was over its limit of {reason}")


class JobFailed(Exception):
    """The job raised, its process crashed, or the plugins could not be loaded.

    ``error`` is one line and may hold what people wrote; ``trace`` says where, without any values.
    """

    def __init__(self, error: str, trace: str = "") -> None:
        self.error = error
        self.trace = trace
        super().__init__(error)


class Setup(msgspec.Struct, frozen=True):
    """What a process is told when it starts: what to load, with what, under which limits."""

    entry: str
    setup: bytes
    limits: JobLimits


class Job(msgspec.Struct, frozen=True, array_like=True):
    """One call, as a child reads it."""

    name: str
    payload: bytes


class Answer(msgspec.Struct, frozen=True, array_like=True):
    """What became of one call. ``last``: the child takes no more.

    ``total_cpu_s`` is what the child has used since it was born, by which the server knows what the
    next job uses.
    """

    kind: Literal["result", "failure", "memory", "failed"]
    value: bytes = b""
    error: str = ""
    trace: str = ""
    cpu_s: float = 0.0
    total_cpu_s: float = 0.0
    last: bool = False


class Order(msgspec.Struct, frozen=True, array_like=True):
    """What the server asks of a fork server. With ``fork`` comes the child's end of a socket."""

    what: Literal["fork", "end"]
    number: int


class Report(msgspec.Struct, frozen=True, array_like=True):
    """What a fork server tells.

    ``ready``: jobs can be run; ``number`` is how many threads the plugins started. ``failed``: they
    could not be loaded. ``born``: child ``number`` has process id ``pid``. ``unborn``: it could not
    be made. ``ended``: it ended by ``signal`` or with ``status``.
    """

    what: Literal["ready", "failed", "born", "unborn", "ended"]
    number: int = 0
    pid: int = 0
    signal: int = 0
    status: int = 0
    error: str = ""
    trace: str = ""


class Ended(msgspec.Struct, frozen=True, array_like=True):
    """How a child ended: by which signal, or with which status."""

    signal: int = 0
    status: int = 0


def frame(message: bytes) -> bytes:
    """A message with its length before it."""
    return _LENGTH.pack(len(message)) + message


class Frames:
    """Cuts a stream of bytes into the messages that `frame` framed."""

    def __init__(self) -> None:
        self._rest = b""

    def feed(self, data: bytes) -> Iterator[bytes]:
        """The messages that are complete with ``data``."""
        data, at = self._rest + data if self._rest else data, 0
        while len(data) - at >= _LENGTH.size:
            (length,) = _LENGTH.unpack_from(data, at)
            end = at + _LENGTH.size + length
            if end > len(data):
                break
            yield data[at + _LENGTH.size : end]
            at = end
        self._rest = data[at:]


def load(entry: str, setup: bytes) -> Jobs:
    """The jobs that ``entry`` ("module:function") gives."""
    module, _, name = entry.partition(":")
    make: Callable[[bytes], Jobs] = getattr(import_module(module), name)
    return make(setup)


def failed(error: BaseException, **more: Any) -> Answer:
    """The answer of a job that raised."""
    trace = "".join(traceback.format_tb(_strange(error.__traceback__)))
    return Answer("failed", error=describe(error), trace=trace + type(error).__name__, **more)


def describe(error: BaseException) -> str:
    """An error in one line."""
    try:
        said = " ".join(f"{type(error).__name__}: {error}".split())
    # Its own ``__str__`` is strange code too.
    except Exception:
        said = type(error).__name__
    return said[:MAX_ERROR_CHARACTERS]


def pack_failure(failure: Failure) -> bytes:
    """A failure as bytes: the nearest kind that the server knows, and its parameters."""
    kind = next((each for each in type(failure).__mro__ if each in _known()), Refused)
    params = dict(failure.params)
    if kind is not type(failure) and issubclass(kind, Refused):
        # A plugin's own kind: its sentence is the reason.
        params.setdefault("reason", failure.message)
    return msgspec.msgpack.encode((kind.__name__, params), enc_hook=str)


def unpack_failure(data: bytes) -> Failure:
    """The failure that `pack_failure` packed."""
    name, params = msgspec.msgpack.decode(data, type=tuple[str, dict[str, Any]])
    kinds = {kind.__name__: kind for kind in _known()}
    return kinds.get(name, Failure)(**params)


def _known() -> set[type[Failure]]:
    return {Failure, *failures()}


def _strange(trace: TracebackType | None) -> TracebackType | None:
    """A traceback from where the job begins."""
    here = sys.modules[__name__].__package__
    while trace is not None and trace.tb_frame.f_globals.get("__package__") == here:
        trace = trace.tb_next
    return trace
