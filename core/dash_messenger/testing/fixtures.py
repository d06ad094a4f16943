"""The fixtures of the test kit: a real server, its users' clients, and a clock that stands still.

Owns the process it starts: it runs in a group of its own, so that nothing of it survives a kill.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import random
import re
import secrets
import select
import signal
import subprocess
import sys
import time
from collections.abc import AsyncIterator, Iterator, Mapping, Sequence
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio

from dash_messenger.client import Client
from dash_messenger.client.http import Answerer, log_in, post
from dash_messenger.errors import TimedOut
from dash_messenger.server.data_folder import LOCK

__all__ = ["FakeClock", "Network", "People", "ServerProcess", "people", "server"]

# How the results of what is sent, changed or acted on begin, and no other.
_ANSWER = re.compile(rb'"result":\{"id":"[0-9a-f]{32}","(?:seq|rev)":')
# Processes that were killed, or whose server has ended, are gone in milliseconds.
ALL_END_WITHIN_S = 60.0
PASSWORD = "correct horse battery"  # noqa: S105
# argon2 as cheap as the settings allow: tests make many accounts.
SWIFT = {
    "DASH_MESSENGER_RATE_LIMITS": "off",
    "DASH_MESSENGER_PASSWORD_MEMORY_KIB": "8192",
    "DASH_MESSENGER_PASSWORD_PASSES": "1",
}


class FakeClock:
    """A `dash_messenger.clock.Clock` that moves only when told to."""

    def __init__(self, now_ms: int = 1_790_000_000_000) -> None:
        self.now_ms = now_ms

    def __call__(self) -> int:
        return self.now_ms

    def advance(self, *, ms: int = 0, s: float = 0) -> None:
        """Let time pass."""
        self.now_ms += ms + int(s * 1000)


class ServerProcess:
    """A server and its parent in a process group, to be stopped, killed and started again.

    ``command`` is what runs it, without the arguments of ``serve``; the environment gets
    ``environment`` on top of settings that suit tests. It keeps its port over a restart.
    """

    def __init__(
        self,
        data: Path,
        *,
        command: Sequence[str] = (sys.executable, "-m", "dash_messenger"),
        environment: Mapping[str, str] | None = None,
    ) -> None:
        self.data = data
        self.url = ""
        self._command = list(command)
        self.environment = {**os.environ, **SWIFT, **(environment or {})}
        self.log_path = data.with_name(data.name + ".log")
        self._port = 0
        self._process: subprocess.Popen[bytes] | None = None

    @property
    def pid(self) -> int:
        """The id of the process that was started, and of its group: the server's parent."""
        assert self._process is not None, "the server was not started"
        return self._process.pid

    @property
    def server_pid(self) -> int:
        """The id of the process that serves; it is another one after a restart."""
        return int((self.data / LOCK).read_text())

    @property
    def log(self) -> str:
        """The lines that it has written to standard error so far, over all its starts."""
        with contextlib.suppress(FileNotFoundError):
            # What it is writing now is no line yet.
            lines, end, _ = self.log_path.read_bytes().rpartition(b"\n")
            return (lines + end).decode()
        return ""

    def start(self, time_limit_s: float = 120) -> str:
        """Start it; when this returns it is ready. The address.

        Raises:
            TimedOut: it printed no address within the time limit.
            RuntimeError: it ended instead.
        """
        arguments = ["serve", "--data", str(self.data), "--port", str(self._port)]
        with self.log_path.open("ab") as log:
            self._process = subprocess.Popen(  # noqa: S603
                [*self._command, *arguments],
                stdin=subprocess.DEVNULL,
                stdout=subprocess.PIPE,
                stderr=log,
                env=self.environment,
                start_new_session=True,
            )
        try:
            self.url = self._read_address(time.monotonic() + time_limit_s)
        except BaseException:
            self.kill()
            raise
        self._port = urlsplit(self.url).port or 0
        return self.url

    def _read_address(self, deadline: float) -> str:
        assert self._process is not None
        assert self._process.stdout is not None
        pipe = self._process.stdout.fileno()
        heard = b""
        while True:
            readable, _, _ = select.select([pipe], [], [], max(0, deadline - time.monotonic()))
            if not readable:
                raise TimedOut
            chunk = os.read(pipe, 4096)
            if not chunk:
                raise RuntimeError(f"the server ended instead of serving:\n{self.log[-2000:]}")
            heard += chunk
            *lines, _ = heard.split(b"\n")
            for word in b" ".join(lines).split():
                if word.startswith((b"http://", b"https://")):
                    return word.rstrip(b"/.,").decode()

    def stop(self, time_limit_s: float = 60) -> int:
        """Ask it to end (SIGTERM) and wait. Its exit status."""
        assert self._process is not None
        self._process.terminate()
        status = self._process.wait(time_limit_s)
        self._wait_for_all()
        self._close()
        return status

    def kill(self) -> None:
        """kill -9 of the whole process group: no code of it runs any more. Harmless twice."""
        if self._process is None:
            return
        with contextlib.suppress(ProcessLookupError):
            os.killpg(self._process.pid, signal.SIGKILL)
        self._process.wait()
        self._wait_for_all()
        self._close()

    def _wait_for_all(self) -> None:
        """Return when all its processes have ended: they share its output.

        Raises:
            TimedOut: one of them has not.
        """
        assert self._process is not None
        assert self._process.stdout is not None
        if self._process.stdout.closed:
            return
        pipe, deadline = self._process.stdout.fileno(), time.monotonic() + ALL_END_WITHIN_S
        while True:
            if not select.select([pipe], [], [], max(0, deadline - time.monotonic()))[0]:
                raise TimedOut
            if not os.read(pipe, 4096):
                return

    def _close(self) -> None:
        if self._process is not None and self._process.stdout is not None:
            self._process.stdout.close()

    def run(self, *arguments: str, typed: str = "") -> str:
        """What another command of the program says, on the same folder; ``typed`` is its input.

        Raises:
            CalledProcessError: it failed.
        """
        done = subprocess.run(  # noqa: S603
            [*self._command, *arguments, "--data", str(self.data)],
            input=typed,
            env=self.environment,
            check=True,
            capture_output=True,
            text=True,
        )
        return done.stdout

    @property
    def running(self) -> bool:
        """Whether the process lives."""
        return self._process is not None and self._process.poll() is None


class Network:
    """The way to a server, with an address of its own, that a test can cut."""

    def __init__(self, server: ServerProcess) -> None:
        self.url = ""
        self.cuts = 0
        self._server = server
        self._pipes: set[asyncio.Task[None]] = set()
        self._is_down = False
        self._to_cut = 0
        self._cut_part = 0.0
        self._chance = random.Random(0)  # noqa: S311
        self._listener: asyncio.Server | None = None

    async def __aenter__(self) -> Network:
        self._listener = await asyncio.start_server(self._join, "127.0.0.1", 0)
        self.url = f"http://127.0.0.1:{self._listener.sockets[0].getsockname()[1]}"
        return self

    async def __aexit__(self, *exception: object) -> None:
        assert self._listener is not None
        self._listener.close()
        self.down()
        await asyncio.gather(*self._pipes, return_exceptions=True)

    def down(self) -> None:
        """Cut every connection; new ones are cut at once."""
        self._is_down = True
        for pipe in self._pipes:
            pipe.cancel()

    def up(self) -> None:
        """Let connections through again."""
        self._is_down = False

    def cut_answers(self, n: int = 0, *, part: float = 0.0) -> None:
        """Cut the connection instead of passing on the next ``n`` answers to ``message.send``,
        ``.edit`` and ``.act``, or that part of all these answers, at random."""
        self._to_cut, self._cut_part = n, part

    async def _join(self, near: asyncio.StreamReader, out: asyncio.StreamWriter) -> None:
        pipe = asyncio.current_task()
        assert pipe is not None
        self._pipes.add(pipe)
        far_out = None
        try:
            if not self._is_down:
                parts = urlsplit(self._server.url)
                far, far_out = await asyncio.open_connection(parts.hostname, parts.port)
                async with asyncio.TaskGroup() as both:
                    both.create_task(self._pass(near, far_out, answers=False))
                    both.create_task(self._pass(far, out, answers=True))
        except* (OSError, asyncio.CancelledError, _Cut):
            pass
        finally:
            self._pipes.discard(pipe)
            for writer in (out, far_out):
                if writer is not None:
                    writer.transport.abort()

    async def _pass(
        self, reader: asyncio.StreamReader, writer: asyncio.StreamWriter, *, answers: bool
    ) -> None:
        while chunk := await reader.read(65_536):
            is_answer = answers and _ANSWER.search(chunk) is not None
            if is_answer and (self._to_cut > 0 or self._chance.random() < self._cut_part):
                self._to_cut -= 1
                self.cuts += 1
                raise _Cut
            writer.write(chunk)
            await writer.drain()
        raise _Cut


class _Cut(Exception):
    """The connection ends here."""


class People:
    """Makes users of a server and clients for them, and closes the clients at the end."""

    def __init__(self, server: ServerProcess) -> None:
        self.server = server
        self._clients: list[Client] = []

    async def register(
        self, username: str | None = None, *, answer: Answerer | None = None
    ) -> tuple[str, str]:
        """A new user's name (one nobody has yet, unless it is given) and token."""
        username = username or "u" + secrets.token_hex(6)
        await post(
            self.server.url, "account.register", {"username": username, "password": PASSWORD}
        )
        return username, await self.log_in(username, answer=answer)

    async def log_in(self, username: str, *, answer: Answerer | None = None) -> str:
        """Another session of a user: its token. ``answer`` as for `dash_messenger.client.log_in`.

        Raises:
            Failure: the server does not let them in.
        """
        return await log_in(self.server.url, username, PASSWORD, answer=answer)

    async def admin(self) -> Client:
        """A connected client of a new admin."""
        username = "u" + secrets.token_hex(6)
        adding = ("user", "add", username, "--admin", "--password-file", "-")
        await asyncio.to_thread(self.server.run, *adding, typed=PASSWORD + "\n")
        return await self.connect(await self.log_in(username))

    async def connect(self, token: str, *, url: str | None = None, **options: Any) -> Client:
        """A connected client for a token; ``options`` as for `Client`."""
        client = Client(url or self.server.url, token=token, **options)
        await client.__aenter__()
        self._clients.append(client)
        return client

    async def __call__(self, username: str | None = None, **options: Any) -> Client:
        """A connected client of a new user. ``client.me["username"]`` is the name."""
        _, token = await self.register(username)
        return await self.connect(token, **options)

    async def aclose(self) -> None:
        """Close every client."""
        for client in self._clients:
            await client.aclose()


@pytest.fixture(scope="session")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A running server. It is shared by the run: make users of your own, leave others' alone."""
    process = ServerProcess(tmp_path_factory.mktemp("server") / "data")
    process.start()
    yield process
    process.kill()


@pytest_asyncio.fixture
async def people(server: ServerProcess) -> AsyncIterator[People]:
    """A maker of users and clients of ``server``: ``ann = await people()``."""
    makers = People(server)
    yield makers
    await makers.aclose()
