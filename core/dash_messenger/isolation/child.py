"""The process that runs jobs on what people wrote: one after the other, until one costs too much.

Owns the child's side: its limits and its loop. Must not know the server. Invariants: the kernel
ends a job that is over its processor time, whatever it does and whoever keeps the interpreter's
lock; nothing that a job raises ends the loop; nothing that a job leaves running meets another job.

Run as a program it is a child of its own making (`isolation.children.Spawned`), where there is no
fork server; else `isolation.fork_server` calls `serve` in a fork of itself.
"""

from __future__ import annotations

import _thread
import contextlib
import gc
import os
import signal
import sys
import time
from typing import BinaryIO

import msgspec

from dash_messenger.errors import Failure
from dash_messenger.isolation.jobs import (
    Answer,
    Job,
    JobLimits,
    Jobs,
    Setup,
    failed,
    frame,
    load,
    pack_failure,
)

__all__ = ["read_frame", "serve"]

LINUX = sys.platform == "linux"
# A module that is imported late needs one or two.
MAX_OPEN_FILES = 16
# Where processors are scarce the server goes first: what people wait for most needs no child.
NICENESS = 5
# The server looks at the clock first; this is for when it is gone.
WALL_GRACE_S = 2.0
_HAS_TIMERS = sys.platform != "win32"


def serve(calls: BinaryIO, answers: int, jobs: Jobs, limits: JobLimits) -> None:
    """Answer calls until there are no more, or until it is time for another child."""
    base = limit(limits)
    decode = msgspec.msgpack.Decoder(Job).decode
    encode = msgspec.msgpack.encode
    for number in range(1, limits.jobs_a_child + 1):
        call = read_frame(calls)
        if call is None:
            return
        answer = _run(jobs, decode(call), limits)
        last = (
            number == limits.jobs_a_child
            or answer.kind == "memory"
            or _grown(base) > limits.growth_bytes
            # A thread that a job left behind would use the time of the next.
            or _thread._count() > 0
        )
        if last:
            answer = msgspec.structs.replace(answer, last=True)
        write_frame(answers, encode(answer))
        if last:
            return


def _run(jobs: Jobs, job: Job, limits: JobLimits) -> Answer:
    # The clock of the process goes by ticks while a timer runs on it, that of the thread does not.
    began_s = time.thread_time()
    kind, value, raised = "result", b"", None
    try:
        # Inside, so that whatever strange code does here or there is this job's own fault.
        _arm(limits)
        try:
            value = jobs[job.name](job.payload)
        finally:
            _disarm()
        if not isinstance(value, bytes):
            raise TypeError(f"job {job.name} returned {type(value).__name__}, not bytes")
        if len(value) > limits.max_result_bytes:
            raise OverflowError(f"job {job.name} returned {len(value)} bytes")
    except MemoryError:
        kind = "memory"
    except Failure as failure:
        kind, value = "failure", pack_failure(failure)
    # The edge to a stranger's code, and the root of the process: ``sys.exit()`` ends a job only.
    except BaseException as error:
        kind, raised = "failed", error
    cpu_s, total_cpu_s = time.thread_time() - began_s, time.process_time()
    if raised is not None:
        return failed(raised, cpu_s=cpu_s, total_cpu_s=total_cpu_s)
    return Answer(
        kind,  # type: ignore[arg-type]
        value if kind != "memory" else b"",
        cpu_s=cpu_s,
        total_cpu_s=total_cpu_s,
    )


def _arm(limits: JobLimits) -> None:
    """Have the kernel end this process after so much of its time, and of everybody's."""
    if _HAS_TIMERS:
        # What a job before may have changed.
        signal.signal(signal.SIGPROF, signal.SIG_DFL)
        signal.signal(signal.SIGALRM, signal.SIG_DFL)
        signal.pthread_sigmask(signal.SIG_SETMASK, ())
        signal.setitimer(signal.ITIMER_PROF, limits.cpu_s)
        signal.setitimer(signal.ITIMER_REAL, limits.wall_s + WALL_GRACE_S)


def _disarm() -> None:
    if _HAS_TIMERS:
        signal.setitimer(signal.ITIMER_PROF, 0)
        signal.setitimer(signal.ITIMER_REAL, 0)


def limit(limits: JobLimits) -> int:
    """Give up what a job does not need; the most memory in use so far, in bytes."""
    sys.dont_write_bytecode = True
    if sys.platform != "win32":
        os.nice(NICENESS)
    if not LINUX:
        return 0
    import resource

    # Where memory runs out, the kernel takes this process before the server.
    with contextlib.suppress(OSError), open("/proc/self/oom_score_adj", "w") as file:
        file.write("1000")
    with open("/proc/self/statm") as file:
        size = int(file.read().split()[0]) * resource.getpagesize() + limits.memory_bytes
    resource.setrlimit(resource.RLIMIT_AS, (size, size))
    # It neither writes files nor leaves a dump of what people sent.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    resource.setrlimit(resource.RLIMIT_NOFILE, (MAX_OPEN_FILES, MAX_OPEN_FILES))
    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024


def _grown(base: int) -> int:
    """By how many bytes the most memory in use has grown."""
    if not LINUX:
        return 0
    import resource

    return resource.getrusage(resource.RUSAGE_SELF).ru_maxrss * 1024 - base


def read_frame(calls: BinaryIO) -> bytes | None:
    """The next message, or None at the end."""
    header = calls.read(4)
    if len(header) < 4:
        return None
    length = int.from_bytes(header, "little")
    message = calls.read(length)
    return message if len(message) == length else None


def write_frame(answers: int, message: bytes) -> None:
    """Write all of a message."""
    left = memoryview(frame(message))
    while left:
        left = left[os.write(answers, left) :]


def silence() -> None:
    """Let what strange code prints stand nowhere near the answers, nor in the server's output."""
    nowhere = os.open(os.devnull, os.O_RDWR)
    for number in (0, 1, 2):
        os.dup2(nowhere, number)
    os.close(nowhere)


def main() -> None:
    """Be a spawned child: the first message says what to load, the others are jobs."""
    calls, answers = os.fdopen(os.dup(0), "rb"), os.dup(1)
    os.dup2(2, 1)
    for each in ("SIGINT", "SIGTERM", "SIGHUP"):
        # Whoever ends the server ends its children by closing their pipes.
        if hasattr(signal, each):
            signal.signal(getattr(signal, each), signal.SIG_IGN)
    setup = msgspec.msgpack.decode(read_frame(calls) or b"", type=Setup)
    try:
        jobs = load(setup.entry, setup.setup)
    # The edge to strangers' code; the server tells it.
    except BaseException as error:
        write_frame(answers, msgspec.msgpack.encode(failed(error)))
        return
    gc.collect()
    gc.freeze()
    write_frame(answers, msgspec.msgpack.encode(Answer("result")))
    silence()
    with contextlib.suppress(BrokenPipeError):
        serve(calls, answers, jobs, setup.limits)


if __name__ == "__main__":
    main()
    sys.stdout.flush()
    os._exit(0)
