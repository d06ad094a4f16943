"""I5 and I6 for files under way: they end within a second of the log-out or the removal."""

from __future__ import annotations

import asyncio
import os
import socket
import time
from collections.abc import AsyncIterator, Awaitable, Callable, Iterator
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from blobs.test_blobs import form, group, make_server, nothing_incoming, paper, upload
from dash_messenger.testing import People, ServerProcess, post

# The kernel takes 4 MB on, and the server's transport some more.
SIZE = 16_000_000
# I6 says one second; a busy machine has two more.
WITHIN_S = 3.0


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    yield from make_server(tmp_path_factory.mktemp("transfers"))


@pytest.fixture
async def slow_socket(server: ServerProcess) -> AsyncIterator[socket.socket]:
    """A connection that takes in little at a time."""
    parts = urlsplit(server.url)
    connection = socket.socket()
    connection.setsockopt(socket.SOL_SOCKET, socket.SO_RCVBUF, 4_096)
    connection.setblocking(False)
    loop = asyncio.get_running_loop()
    await loop.sock_connect(connection, (parts.hostname, parts.port))
    yield connection
    connection.close()


async def ended(connection: socket.socket) -> tuple[float, int]:
    """How long it took until the server ended the connection, and what came until then."""
    loop, came, began_s = asyncio.get_running_loop(), 0, time.monotonic()
    async with asyncio.timeout(30):
        while True:
            try:
                part = await loop.sock_recv(connection, 2_048)
            except ConnectionError:
                part = b""
            if not part:
                return time.monotonic() - began_s, came
            came += len(part)
            # A slow reader: everything would have come by itself otherwise.
            await asyncio.sleep(0.02)


def head(method: str, path: str, token: str, *lines: str) -> bytes:
    start = (f"{method} {path} HTTP/1.1", "Host: x", f"Authorization: Bearer {token}")
    return "\r\n".join([*start, *lines, "", ""]).encode()


async def log_out(server: ServerProcess, token: str) -> None:
    await post(server.url, "session.close", token=token)


async def deactivate(server: ServerProcess, token: str) -> None:
    me = await post(server.url, "account.get", token=token)
    name = me["user"]["username"]
    await asyncio.to_thread(server.run, "user", "deactivate", name)


ENDS = pytest.mark.parametrize("end", [log_out, deactivate])


async def downloading(
    server: ServerProcess, connection: socket.socket, token: str, blob: str
) -> None:
    """Return when some of it has come."""
    loop = asyncio.get_running_loop()
    await loop.sock_sendall(connection, head("GET", f"/blobs/{blob}", token))
    assert b"200 OK" in await loop.sock_recv(connection, 2_048)


@pytest.fixture
def large() -> bytes:
    return os.urandom(SIZE)


@ENDS
async def test_a_download_ends_with_its_session(
    server: ServerProcess,
    people: People,
    slow_socket: socket.socket,
    large: bytes,
    end: Callable[[ServerProcess, str], Awaitable[None]],
) -> None:
    _, ann = await people.register()
    blob = upload(server, ann, large).json["id"]
    await downloading(server, slow_socket, ann, blob)
    await end(server, ann)
    took_s, came = await ended(slow_socket)
    assert took_s < WITHIN_S
    assert came < SIZE


async def test_a_download_ends_when_its_reader_is_removed(
    server: ServerProcess, people: People, slow_socket: socket.socket, large: bytes
) -> None:
    _, ann = await people.register()
    ben_name, ben = await people.register()
    conversation = await group(server, ann, ben_name)
    blob = upload(server, ann, large).json["id"]
    await paper(server, ann, conversation, blob)
    await downloading(server, slow_socket, ben, blob)
    found = await post(server.url, "user.get", {"users": [ben_name]}, token=ann)
    user = found["users"][0]["id"]
    leaving = {"conversation": conversation, "user": user}
    await post(server.url, "conversation.remove", leaving, token=ann)
    took_s, came = await ended(slow_socket)
    assert took_s < WITHIN_S
    assert came < SIZE


@ENDS
async def test_an_upload_ends_with_its_session(
    server: ServerProcess,
    people: People,
    slow_socket: socket.socket,
    end: Callable[[ServerProcess, str], Awaitable[None]],
) -> None:
    _, ann = await people.register()
    body, kind = form(bytes(SIZE))
    loop = asyncio.get_running_loop()
    lines = (f"Content-Type: {kind}", f"Content-Length: {len(body)}")
    await loop.sock_sendall(slow_socket, head("POST", "/blobs", ann, *lines) + body[:400_000])
    incoming = server.data / "blobs" / "incoming"
    async with asyncio.timeout(30):
        while not _files(incoming):
            await asyncio.sleep(0.01)
    await end(server, ann)
    took_s, _ = await ended(slow_socket)
    assert took_s < WITHIN_S
    await nothing_incoming(server)


async def test_what_may_go_on_goes_on(
    server: ServerProcess, people: People, slow_socket: socket.socket, large: bytes
) -> None:
    name, ann = await people.register()
    blob = upload(server, ann, large).json["id"]
    other = await people.log_in(name)
    await downloading(server, slow_socket, ann, blob)
    await log_out(server, other)
    loop, came = asyncio.get_running_loop(), 0
    # Over several looks.
    until_s = time.monotonic() + 1.5
    async with asyncio.timeout(60):
        while came < SIZE - 4_096:
            part = await loop.sock_recv(slow_socket, 1_048_576)
            assert part
            came += len(part)
            if time.monotonic() < until_s:
                await asyncio.sleep(0.02)


def _files(folder: Path) -> list[Path]:
    return [*folder.iterdir()] if folder.is_dir() else []
