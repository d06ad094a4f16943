"""Runs what may go wrong badly in child processes with limits: decoders of strangers' files.

Owns the children and whose turn it is. Must not know what they run. Invariants: a child that uses
too much memory, processor or time dies alone; one user has one job running at most, so that
somebody's many or slow ones stop nobody else's; the server's own memory does not depend on what a
file contains, nor on how many wait; what comes back is plain data, never code.
"""

from __future__ import annotations

import asyncio
import contextlib
import importlib
import os
import signal
import struct
import sys
from collections.abc import Callable
from inspect import iscoroutinefunction
from typing import IO, Any

import msgspec
import structlog

from dash_messenger.errors import ANYTHING, Failure, OverLimit, Refused
from dash_messenger.isolation.shared_places import FairTurns
from dash_messenger.supervisor.lifeline import end_with_parent

__all__ = ["SubprocessPool"]

# A picture of 64 megapixels takes 700 MB (`pictures`).
MAX_MEMORY_BYTES = 1024 * 1024 * 1024
TIME_LIMIT_S = 20.0
# A photo of 200 megapixels takes 2 s, an animation of 400 megapixels 4 s.
CPU_LIMIT_S = 5.0
# Two at a time, so that one slow file does not stop everybody's; more would starve the server.
CHILDREN = 2
# Forty groups can be sent an album each; beyond it callers are told at once.
MAX_WAITING_A_USER = 400
MAX_WAITING = 4_000
MAX_RESULT_BYTES = 256 * 1024 * 1024
# Then a child is exchanged: decoders leak.
TASKS_A_CHILD = 200
# A child holds 23 MiB and starts in 0.2 s: the first photo after a pause waits for that.
IDLE_S = 30.0
_LENGTH = struct.Struct("<I")

log = structlog.get_logger(__name__)


class SubprocessPool:
    """The children of one server. Close it with `aclose`."""

    def __init__(
        self,
        *,
        max_memory_bytes: int = MAX_MEMORY_BYTES,
        children: int = CHILDREN,
        cpu_limit_s: float = CPU_LIMIT_S,
        idle_s: float = IDLE_S,
    ) -> None:
        self._limits = (max_memory_bytes, cpu_limit_s)
        self._idle_s = idle_s
        self._turns = FairTurns(
            children, max_waiting=MAX_WAITING, max_waiting_a_user=MAX_WAITING_A_USER
        )
        self._idle: list[_Child] = []
        self._children: set[_Child] = set()
        self._ending: set[asyncio.Task[None]] = set()

    async def run(
        self,
        function: Callable[..., Any] | str,
        *arguments: Any,
        charged_to: str,
        time_limit_s: float = TIME_LIMIT_S,
    ) -> Any:
        """What ``function(*arguments)`` returns, run in a child process in ``charged_to``'s turn.

        ``function`` stands at the top level of an importable module; named as ``"module:name"``, it
        is imported in the child alone. Arguments and result are what
        MessagePack can carry: None, bool, int, float, str, bytes, lists and dicts of them. An
        argument may also be a coroutine function, which is called for one when it is the call's
        turn: what waits need not be in memory. On systems other than Linux memory is not limited.

        Raises:
            Busy: too many wait already.
            Refused: as the function raised it.
            OverLimit: it needed too much memory or time, or crashed.
            RuntimeError: it raised anything else; the child's traceback is in the log.
        """
        if isinstance(function, str):
            module, _, name = function.partition(":")
        else:
            module, name = function.__module__, function.__qualname__
        async with self._turns.turn(charged_to):
            values = [
                await argument() if iscoroutinefunction(argument) else argument
                for argument in arguments
            ]
            call = msgspec.msgpack.encode([module, name, values])
            # The child and what is on its way to it need no third copy.
            del values
            child = self._idle.pop() if self._idle else await self._start()
            try:
                async with asyncio.timeout(time_limit_s):
                    answer = await child.ask(call)
            except BaseException as error:
                self._children.discard(child)
                await child.kill()
                if isinstance(error, TimeoutError | EOFError | ConnectionError):
                    log.warning("child_over_limit", function=name, user=charged_to)
                    raise OverLimit from None
                raise
            if child.tasks < TASKS_A_CHILD:
                self._rest(child)
            else:
                self._children.discard(child)
                await child.kill()
        kind, value = msgspec.msgpack.decode(answer)
        if kind == "result":
            return value
        if kind == "refused":
            raise Refused(**value)
        if kind == "memory":
            raise OverLimit
        log.error("child_failed", function=name, traceback=value)
        raise RuntimeError(f"{name} failed in a child process")

    async def aclose(self) -> None:
        """End the children."""
        children, self._children = self._children, set()
        self._idle.clear()
        for child in children:
            await child.kill()
        await asyncio.gather(*self._ending)

    def _rest(self, child: _Child) -> None:
        self._idle.append(child)
        loop = asyncio.get_running_loop()
        loop.call_later(self._idle_s, self._end_idle, child, child.tasks)

    def _end_idle(self, child: _Child, tasks: int) -> None:
        """End a child that was not needed since it had done so many tasks."""
        if child not in self._idle or child.tasks != tasks:
            return
        self._idle.remove(child)
        self._children.discard(child)
        ending = asyncio.get_running_loop().create_task(child.kill())
        self._ending.add(ending)
        ending.add_done_callback(self._ending.discard)

    async def _start(self) -> _Child:
        child = await _Child.start(*self._limits)
        self._children.add(child)
        return child


class _Child:
    """One process that answers one call after another."""

    def __init__(self, process: asyncio.subprocess.Process) -> None:
        self._process = process
        self.tasks = 0

    @classmethod
    async def start(cls, max_memory_bytes: int, cpu_limit_s: float) -> _Child:
        # Where modules are found is the parent's: a plugin may be a single file in a folder.
        environment = {
            "PYTHONPATH": os.pathsep.join(path for path in sys.path if path),
            "PATH": os.environ.get("PATH", ""),
        }
        process = await asyncio.create_subprocess_exec(
            sys.executable,
            *("-m", "dash_messenger.isolation.subprocess_pool"),
            *(str(max_memory_bytes), str(cpu_limit_s)),
            stdin=asyncio.subprocess.PIPE,
            stdout=asyncio.subprocess.PIPE,
            env=environment,
        )
        return cls(process)

    async def ask(self, call: bytes) -> bytes:
        """The answer.

        Raises:
            EOFError: the process ended instead.
        """
        self.tasks += 1
        stdin, stdout = self._process.stdin, self._process.stdout
        assert stdin is not None
        assert stdout is not None
        stdin.write(_LENGTH.pack(len(call)))
        stdin.write(call)
        await stdin.drain()
        (length,) = _LENGTH.unpack(await stdout.readexactly(_LENGTH.size))
        if length > MAX_RESULT_BYTES:
            raise EOFError
        return await stdout.readexactly(length)

    async def kill(self) -> None:
        """End it; harmless when it has ended."""
        with contextlib.suppress(ProcessLookupError):
            self._process.kill()
        await self._process.wait()


# The child's side.


def main(max_memory_bytes: int, cpu_limit_s: float) -> None:
    """Answer calls from standard input until it ends."""
    # What hangs does not notice that standard input has ended.
    end_with_parent(os.getppid())
    # A terminal's Ctrl+C is for the server, which lets what is under way end.
    for number in (signal.SIGINT, *([signal.SIGHUP] if os.name != "nt" else [])):
        signal.signal(number, signal.SIG_IGN)
    calls, answers = sys.stdin.buffer, os.fdopen(os.dup(1), "wb")
    # What a decoder prints must not stand among the answers.
    os.dup2(2, 1)
    _limit(max_memory_bytes)
    while header := calls.read(_LENGTH.size):
        (length,) = _LENGTH.unpack(header)
        call = calls.read(length)
        # The kernel ends this process when it has worked for so long: no code here can be in the
        # way, as it could of a handler.
        _limit_cpu(cpu_limit_s)
        result = _result(call)
        _limit_cpu(0)
        _answer(answers, result)


def _limit(max_memory_bytes: int) -> None:
    if sys.platform != "linux":
        return
    import resource

    resource.setrlimit(resource.RLIMIT_AS, (max_memory_bytes, max_memory_bytes))
    # It neither writes files nor leaves a dump of what people sent.
    resource.setrlimit(resource.RLIMIT_FSIZE, (0, 0))
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))


def _limit_cpu(seconds: float) -> None:
    if sys.platform != "win32":
        signal.setitimer(signal.ITIMER_PROF, seconds)


def _result(call: bytes) -> bytes:
    module, name, arguments = msgspec.msgpack.decode(call)
    try:
        function = getattr(importlib.import_module(module), name)
        return msgspec.msgpack.encode(["result", function(*arguments)])
    except MemoryError:
        return msgspec.msgpack.encode(["memory", None])
    except Failure as refusal:
        return msgspec.msgpack.encode(["refused", {"reason": refusal.message, **refusal.params}])
    # The edge to a stranger's code, and the root of the process.
    except ANYTHING:
        import traceback

        return msgspec.msgpack.encode(["failed", traceback.format_exc()])


def _answer(answers: IO[bytes], answer: bytes) -> None:
    answers.write(_LENGTH.pack(len(answer)))
    answers.write(answer)
    answers.flush()


if __name__ == "__main__":
    main(int(sys.argv[1]), float(sys.argv[2]))
