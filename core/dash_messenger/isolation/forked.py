"""Children that are forked from a fork server, as the server sees them.

Owns the fork server's process and the sockets to it and to its children. Must not know what jobs
are or whose turn it is. For Linux; `isolation.spawned` is for other systems.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import signal
import socket
import subprocess
import sys
from collections.abc import Callable

import msgspec
import structlog

from dash_messenger.isolation.children import Owner, cpu_s, demote, environment
from dash_messenger.isolation.jobs import Ended, Frames, Order, Report, Setup

__all__ = ["ForkServer"]

READ_BYTES = 65_536
# A fork server that is told to end has nothing to wait for.
CLOSE_WITHIN_S = 2.0

log = structlog.get_logger(__name__)


class ForkServer:
    """A fork server and its children."""

    def __init__(self, setup: Setup) -> None:
        self._setup = setup
        self._children: dict[int, _Forked] = {}
        self._number = 0
        self._process: subprocess.Popen[bytes] | None = None
        self._control: socket.socket | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._owner: Owner | None = None
        self._loaded = False
        self._gone = asyncio.Event()

    def start(self) -> None:
        """Execute the fork server. It dies with the thread that calls this."""
        ours, theirs = socket.socketpair(socket.AF_UNIX, socket.SOCK_SEQPACKET)
        ours.setblocking(False)
        self._control = ours
        with theirs, open(os.memfd_create("setup"), "w+b") as setup:
            setup.write(msgspec.msgpack.encode(self._setup))
            setup.seek(0)
            self._process = subprocess.Popen(  # noqa: S603
                [
                    *(sys.executable, "-P", "-m", "dash_messenger.isolation.fork_server"),
                    *(str(theirs.fileno()), str(os.getpid())),
                ],
                stdin=setup,
                stdout=subprocess.DEVNULL,
                pass_fds=(theirs.fileno(),),
                env=environment(),
                # Ctrl+C is for the server. Not a session of its own: Linux may schedule each
                # session as a group, and within its group the lowest priority is none.
                process_group=0,
            )

    def attach(self, owner: Owner, loop: asyncio.AbstractEventLoop) -> None:
        """Tell ``owner`` what happens, from now on."""
        assert self._control is not None
        self._owner, self._loop = owner, loop
        loop.add_reader(self._control, self._hear)

    def make(self) -> None:
        """Ask for a child."""
        assert self._control is not None
        assert self._loop is not None
        assert self._owner is not None
        self._number += 1
        number = self._number
        ours, theirs = socket.socketpair()
        ours.setblocking(False)
        child = _Forked(self, ours, self._owner, self._loop, lambda: self._end(number))
        self._children[number] = child
        order = msgspec.msgpack.encode(Order("fork", number))
        with theirs:
            try:
                socket.send_fds(self._control, [order], [theirs.fileno()])
            except OSError as error:
                # It is gone, which is told too, or does not listen.
                self._children.pop(number).close()
                self._loop.call_soon(self._owner.unborn, self, str(error))

    def kill(self) -> None:
        """End all of its processes now, from any thread."""
        self._end_process()
        if self._loop is None or self._loop.is_closed():
            self._close_sockets()

    async def aclose(self) -> None:
        """End all of its processes and forget them."""
        if self._control is not None and self._loop is not None and self._loaded:
            with contextlib.suppress(OSError, TimeoutError):
                self._control.shutdown(socket.SHUT_WR)
                async with asyncio.timeout(CLOSE_WITHIN_S):
                    await self._gone.wait()
        self._end_process()
        self._close_sockets()

    def _end(self, number: int) -> None:
        if self._control is None:
            return
        try:
            self._control.send(msgspec.msgpack.encode(Order("end", number)))
        except OSError:
            # It does not listen. All of them end then, and there are others.
            self._end_process()

    def _end_process(self) -> None:
        # Its children are killed by the kernel before it can be waited for.
        if self._process is not None:
            with contextlib.suppress(ProcessLookupError):
                self._process.kill()
            self._process.wait()

    def _close_sockets(self) -> None:
        control, self._control = self._control, None
        if control is not None:
            if self._loop is not None and not self._loop.is_closed():
                self._loop.remove_reader(control)
            control.close()
        for number in [*self._children]:
            self._children.pop(number).close()

    def _hear(self) -> None:
        assert self._control is not None
        assert self._owner is not None
        try:
            data = self._control.recv(READ_BYTES)
        except BlockingIOError:
            return
        except OSError:
            data = b""
        if not data:
            self._lose(self._owner)
            return
        report = msgspec.msgpack.decode(data, type=Report)
        if report.what == "ready":
            if report.number:
                log.warning("plugins_start_threads", threads=report.number)
            self._loaded = True
            self._owner.loaded(self)
        elif report.what == "failed":
            self._owner.unloadable(self, report.error, report.trace)
        elif report.what == "born":
            child = self._children[report.number]
            child.be_born(report.pid)
            self._owner.born(child)
        elif report.what == "unborn":
            self._children.pop(report.number).close()
            self._owner.unborn(self, report.error)
        else:
            self._bury(report.number, Ended(report.signal, report.status), self._owner)

    def _bury(self, number: int, how: Ended, owner: Owner) -> None:
        child = self._children.pop(number)
        # What it said before it ended.
        child.hear()
        child.close()
        if child.pid:
            owner.ended(child, how)

    def _lose(self, owner: Owner) -> None:
        self._end_process()
        # First of all, so that none of its children is given anything more.
        owner.lost(self)
        for number in [*self._children]:
            self._bury(number, Ended(signal.SIGKILL), owner)
        self._close_sockets()
        self._gone.set()


class _Forked:
    """A child that was forked from a fork server."""

    def __init__(
        self,
        source: ForkServer,
        connection: socket.socket,
        owner: Owner,
        loop: asyncio.AbstractEventLoop,
        end: Callable[[], None],
    ) -> None:
        self.source = source
        self.pid = 0
        self._connection = connection
        self._owner = owner
        self._loop = loop
        self._end = end
        self._frames = Frames()
        self._unsent = b""
        self._reading = False

    def be_born(self, pid: int) -> None:
        """It can be spoken to."""
        self.pid = pid
        self._loop.add_reader(self._connection, self.hear)
        self._reading = True

    def send(self, data: bytes) -> None:
        """Give it framed jobs."""
        if self._unsent:
            self._unsent += data
            return
        try:
            sent = self._connection.send(data)
        except BlockingIOError:
            sent = 0
        except OSError:
            # It ended, which is told.
            return
        if sent < len(data):
            self._unsent = data[sent:]
            self._loop.add_writer(self._connection, self._send_rest)

    def cpu_s(self) -> float | None:
        """What it used since it was born."""
        return cpu_s(self.pid)

    def demote(self) -> None:
        """Let everything else go before it."""
        demote(self.pid)

    def end(self) -> None:
        """End it now."""
        self._end()

    def hear(self) -> None:
        """Read what it said; after its end, all that it said."""
        while self._connection.fileno() >= 0:
            try:
                data = self._connection.recv(READ_BYTES)
            except BlockingIOError:
                return
            except OSError:
                data = b""
            if not data:
                if self._reading:
                    # It ended, or closed its end and is of no use any more.
                    self._stop()
                    self._end()
                    self._owner.silent(self)
                return
            for message in self._frames.feed(data):
                self._owner.answered(self, message)
            if len(data) < READ_BYTES and self._reading:
                return

    def close(self) -> None:
        """Forget it."""
        self._stop()
        self._connection.close()

    def _send_rest(self) -> None:
        try:
            sent = self._connection.send(self._unsent)
        except BlockingIOError:
            return
        except OSError:
            sent = len(self._unsent)
        self._unsent = self._unsent[sent:]
        if not self._unsent:
            self._loop.remove_writer(self._connection)

    def _stop(self) -> None:
        if self._loop.is_closed():
            return
        if self._reading:
            self._reading = False
            self._loop.remove_reader(self._connection)
        if self._unsent:
            self._unsent = b""
            self._loop.remove_writer(self._connection)
