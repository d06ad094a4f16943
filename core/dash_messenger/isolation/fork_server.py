"""The process that children are forked from: it loads the plugins once and does nothing else.

Owns the children's birth and end. Must not know what jobs do. It is a program
(``python -m dash_messenger.isolation.fork_server DESCRIPTOR SERVER``), executed and not forked, so
that nothing of the server is in it: no thread, no database, no secret, no open file but its socket.

Invariants: it has one thread; it dies with the server and its children with it, by the kernel's
hand (PR_SET_PDEATHSIG) and at the end of the socket; it alone waits for its children, so that a
process id it kills by is always that of its child.

The socket carries one message in one packet: an `Order` of the server, or a `Report` to it.
"""

from __future__ import annotations

import _thread
import gc
import os
import select
import signal
import socket
import sys
from contextlib import suppress
from typing import NoReturn

import msgspec

from dash_messenger.isolation.child import serve, silence
from dash_messenger.isolation.jobs import (
    JobLimits,
    Jobs,
    Order,
    Report,
    Setup,
    describe,
    failed,
    load,
)
from dash_messenger.supervisor.lifeline import end_with_parent


class _ForkServer:
    """The loop of the process."""

    def __init__(self, control: socket.socket, jobs: Jobs, limits: JobLimits) -> None:
        self._control = control
        self._jobs = jobs
        self._limits = limits
        self._numbers: dict[int, int] = {}
        self._woken, self._wake = os.pipe2(os.O_NONBLOCK | os.O_CLOEXEC)

    def run(self) -> None:
        """Do what the server asks for until it is gone."""
        signal.signal(signal.SIGCHLD, lambda number, frame: None)
        signal.set_wakeup_fd(self._wake, warn_on_full_buffer=False)
        poll = select.poll()
        poll.register(self._control, select.POLLIN)
        poll.register(self._woken, select.POLLIN)
        while True:
            for descriptor, _ in poll.poll():
                if descriptor == self._woken:
                    with suppress(BlockingIOError):
                        os.read(self._woken, 4096)
                    self._reap()
                elif not self._obey():
                    return

    def _obey(self) -> bool:
        """Do the next thing; False when the server is gone."""
        message, descriptors, _, _ = socket.recv_fds(self._control, 4096, 1)
        if not message:
            return False
        order = msgspec.msgpack.decode(message, type=Order)
        if order.what == "fork":
            self._fork(order.number, descriptors[0])
        else:
            for pid, number in self._numbers.items():
                if number == order.number:
                    os.kill(pid, signal.SIGKILL)
        return True

    def _fork(self, number: int, descriptor: int) -> None:
        me = os.getpid()
        try:
            pid = os.fork()
        except OSError as error:
            os.close(descriptor)
            self.report(Report("unborn", number, error=describe(error)))
            return
        if pid == 0:
            self._be_child(descriptor, me)
        os.close(descriptor)
        self._numbers[pid] = number
        self.report(Report("born", number, pid))

    def _be_child(self, descriptor: int, parent: int) -> NoReturn:
        try:
            end_with_parent(parent)
            signal.set_wakeup_fd(-1)
            signal.signal(signal.SIGCHLD, signal.SIG_DFL)
            self._control.close()
            os.close(self._woken)
            os.close(self._wake)
            silence()
            with os.fdopen(descriptor, "rb") as calls:
                serve(calls, descriptor, self._jobs, self._limits)
        # Nobody is there to be told: the server sees that the child ended.
        finally:
            os._exit(0)

    def _reap(self) -> None:
        while self._numbers:
            pid, status = os.waitpid(-1, os.WNOHANG)
            if pid == 0:
                return
            number = self._numbers.pop(pid, None)
            if number is None:
                # A process that a plugin started while it was loaded.
                continue
            signaled = os.WTERMSIG(status) if os.WIFSIGNALED(status) else 0
            exited = os.WEXITSTATUS(status) if os.WIFEXITED(status) else 0
            self.report(Report("ended", number, pid, signaled, exited))

    def report(self, report: Report) -> None:
        """Tell the server."""
        send(self._control, report)


def send(control: socket.socket, report: Report) -> None:
    """Tell the server."""
    control.send(msgspec.msgpack.encode(report))


def main(descriptor: int, server: int) -> None:
    """Be a fork server: what to load stands in standard input."""
    end_with_parent(server)
    # Whoever ends the server ends this: Ctrl+C reaches all processes of a terminal.
    for each in (signal.SIGINT, signal.SIGTERM, signal.SIGHUP):
        signal.signal(each, signal.SIG_IGN)
    signal.signal(signal.SIGPROF, signal.SIG_DFL)
    signal.pthread_sigmask(signal.SIG_SETMASK, ())
    control = socket.socket(fileno=descriptor)
    control.set_inheritable(False)
    setup = msgspec.msgpack.decode(sys.stdin.buffer.read(), type=Setup)
    nowhere = os.open(os.devnull, os.O_RDWR)
    os.dup2(nowhere, 0)
    os.close(nowhere)
    os.dup2(2, 1)
    # Loading makes nothing but what stays: the collector would walk it in vain, over and over.
    gc.disable()
    try:
        jobs = load(setup.entry, setup.setup)
    # The edge to strangers' code; the server tells it.
    except BaseException as error:
        answer = failed(error)
        send(control, Report("failed", error=answer.error, trace=answer.trace))
        return
    sys.stdout.flush()
    sys.stderr.flush()
    gc.freeze()
    gc.enable()
    server_side = _ForkServer(control, jobs, setup.limits)
    server_side.report(Report("ready", _thread._count()))
    with suppress(BrokenPipeError, ConnectionResetError):
        server_side.run()


if __name__ == "__main__":
    main(int(sys.argv[1]), int(sys.argv[2]))
    # The children end by the kernel's hand.
    os._exit(0)
