"""Children that are processes of their own making, where nothing can be forked.

Owns their processes and pipes. Must not know what jobs are or whose turn it is. For macOS, whose
libraries do not survive a fork, and Windows, which has none: each child loads the plugins itself.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import sys
from typing import Literal, cast

import msgspec
import structlog

from dash_messenger.isolation.children import Owner, cpu_s, demote, environment
from dash_messenger.isolation.jobs import Answer, Ended, Frames, Setup, frame

__all__ = ["Spawned"]

CLOSE_WITHIN_S = 2.0

log = structlog.get_logger(__name__)


class Spawned:
    """Children that load the plugins themselves. The first tells whether that is possible."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._children: set[_Spawned] = set()
        self._tasks: set[asyncio.Task[None]] = set()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._owner: Owner | None = None
        # The first child, until it is asked for.
        self._first: _Spawned | None = None
        self._loaded = self._closed = False

    def start(self) -> None:
        """Nothing: a child needs a loop, and begins when one is asked for."""

    def attach(self, owner: Owner, loop: asyncio.AbstractEventLoop) -> None:
        """Tell ``owner`` what happens, from now on."""
        self._owner, self._loop = owner, loop
        self._spawn()

    def make(self) -> None:
        """Ask for a child."""
        assert self._loop is not None
        assert self._owner is not None
        first, self._first = self._first, None
        if first is not None:
            self._loop.call_soon(self._owner.born, first)
        else:
            self._spawn()

    def _spawn(self) -> None:
        if self._closed:
            return
        assert self._loop is not None
        task = self._loop.create_task(self._make())
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)

    def kill(self) -> None:
        """End all of its processes now, from any thread."""
        self._closed = True
        for child in [*self._children]:
            child.kill()

    async def aclose(self) -> None:
        """End all of its processes and forget them."""
        self._closed = True
        if self._tasks:
            await asyncio.wait(self._tasks, timeout=CLOSE_WITHIN_S)
        children = [*self._children]
        for child in children:
            child.end()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(CLOSE_WITHIN_S):
                for child in children:
                    await child.gone.wait()

    async def _make(self) -> None:
        assert self._loop is not None
        try:
            _, child = await self._loop.subprocess_exec(
                lambda: _Spawned(self),
                *(sys.executable, "-P", "-m", "dash_messenger.isolation.child"),
                stderr=None,
                env=environment(),
                # Ctrl+C is for the server.
                start_new_session=True,
            )
        except OSError as error:
            self.unborn(str(error), "")
            return
        self._children.add(child)
        child.send(frame(msgspec.msgpack.encode(self._setup)))
        if self._closed:
            child.end()
        elif self._loaded:
            # The first one's time is the owner's to measure.
            self._loop.call_later(self._setup.limits.load_s, child.give_up)

    def born(self, child: _Spawned) -> None:
        """A child has loaded."""
        assert self._owner is not None
        if self._loaded:
            self._owner.born(child)
        else:
            self._loaded, self._first = True, child
            self._owner.loaded(self)

    def unborn(self, error: str, trace: str) -> None:
        """A child could not load, or not even begin to."""
        assert self._owner is not None
        if self._loaded:
            self._owner.unborn(self, error)
        else:
            self._owner.unloadable(self, error, trace)

    def answered(self, child: _Spawned, message: bytes) -> None:
        """A child said something."""
        assert self._owner is not None
        self._owner.answered(child, message)

    def ended(self, child: _Spawned, how: Ended | None) -> None:
        """A child ended; ``how`` is None where that was told already."""
        assert self._owner is not None
        self._children.discard(child)
        if child is self._first:
            self._first = None
            self._spawn()
        elif how is not None:
            self._owner.ended(child, how)


class _Spawned(asyncio.SubprocessProtocol):
    """A child that loads the plugins, then runs jobs."""

    def __init__(self, source: Spawned) -> None:
        self.source = source
        self.pid = 0
        self.gone = asyncio.Event()
        self._frames = Frames()
        self._state: Literal["loading", "useless", "born"] = "loading"
        self._transport: asyncio.SubprocessTransport | None = None

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._transport = cast(asyncio.SubprocessTransport, transport)
        self.pid = self._transport.get_pid()

    def pipe_data_received(self, fd: int, data: bytes) -> None:
        for message in self._frames.feed(data):
            if self._state == "born":
                self.source.answered(self, message)
                continue
            answer = msgspec.msgpack.decode(message, type=Answer)
            if answer.kind == "failed":
                self._state = "useless"
                self.source.unborn(answer.error, answer.trace)
            else:
                self._state = "born"
                self.source.born(self)

    def connection_lost(self, exc: Exception | None) -> None:
        assert self._transport is not None
        code = self._transport.get_returncode() or 0
        self._transport.close()
        self.gone.set()
        if self._state == "loading":
            self.source.unborn(f"a child ended with status {code} while it loaded", "")
        how = Ended(signal=max(0, -code), status=max(0, code))
        self.source.ended(self, how if self._state == "born" else None)

    def give_up(self) -> None:
        """End it if it has not loaded yet."""
        if self._state == "loading":
            self.end()

    def send(self, data: bytes) -> None:
        """Give it framed jobs."""
        assert self._transport is not None
        pipe = self._transport.get_pipe_transport(0)
        if pipe is not None and not pipe.is_closing():
            cast(asyncio.WriteTransport, pipe).write(data)

    def cpu_s(self) -> float | None:
        """What it used since it was born."""
        return cpu_s(self.pid)

    def demote(self) -> None:
        """Let everything else go before it."""
        demote(self.pid)

    def end(self) -> None:
        """End it now."""
        assert self._transport is not None
        with contextlib.suppress(ProcessLookupError):
            self._transport.kill()

    def kill(self) -> None:
        """End it now, from any thread."""
        with contextlib.suppress(OSError):
            os.kill(self.pid, signal.SIGTERM if sys.platform == "win32" else signal.SIGKILL)
