"""Bad input to the whole server, while two neighbours' 500 messages arrive complete and in order.

The gateway's own tests say what answers each piece of bad input; here it is what the others notice:
nothing.
"""

from __future__ import annotations

import asyncio
import base64
import contextlib
import json
import secrets
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import urlsplit

import pytest
from dash_messenger.testing import People, ServerProcess
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

MESSAGES = 500
LIMIT_S = 120


class Stranger:
    """Somebody with an account who means no good."""

    def __init__(self, url: str, token: str) -> None:
        parts = urlsplit(url)
        self.host, self.port = parts.hostname or "", parts.port or 0
        self.token = token

    def socket(self) -> connect:
        """A signed-in socket, or rather the way to one."""
        return connect(
            f"ws://{self.host}:{self.port}/ws",
            additional_headers={"Authorization": f"Bearer {self.token}"},
            compression=None,
            proxy=None,
            max_size=None,
        )

    async def raw(self, data: bytes, *, answer: bool = True) -> bytes:
        """The first bytes that come back for these."""
        reader, writer = await asyncio.open_connection(self.host, self.port)
        try:
            writer.write(data)
            with contextlib.suppress(ConnectionError):
                await writer.drain()
            if not answer:
                return b""
            async with asyncio.timeout(30):
                return await reader.read(65_536)
        except ConnectionError:
            return b""
        finally:
            writer.close()


async def code_of(socket: ClientConnection, frame: str | bytes) -> int:
    """The error's code that answers a frame, or the code the socket is closed with."""
    try:
        await socket.send(frame)
        async with asyncio.timeout(30):
            while True:
                answer = json.loads(await socket.recv())
                if "error" in answer:
                    code: int = answer["error"]["code"]
                    return code
    except ConnectionClosed as closed:
        return closed.rcvd.code if closed.rcvd is not None else 0


def request(method: object, params: object) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": 1, "method": method, "params": params})


FRAMES: list[tuple[str | bytes, set[int]]] = [
    ("not json", {-32700}),
    ("[]", {-32600}),
    ("[" * 30_000, {-32700, -32600}),
    (request("no.such", {}), {-32601}),
    (request(7, {}), {-32600}),
    (request("sync", {"since": 7}), {-32602}),
    (request("sync", {"views": ["x"] * 10_000}), {-32602}),
    (request("message.send", {"conversation": "x"}), {-32602}),
    (request("message.history", {"conversation": "0" * 32}), {1004}),
    ("x" * 70_000, {1009}),
    (b"\x00\x01", {1003}),
]


async def send_bad_frames(stranger: Stranger) -> None:
    for frame, codes in FRAMES:
        async with stranger.socket() as socket:
            assert await code_of(socket, frame) in codes, frame[:60]


async def flood(stranger: Stranger) -> None:
    """As fast as the server reads, never reading an answer for long."""
    async with stranger.socket() as socket:
        for n in range(2_000):
            await socket.send(
                json.dumps({"jsonrpc": "2.0", "id": n, "method": "account.get", "params": {}})
            )
        for _ in range(2_000):
            assert "result" in json.loads(await socket.recv())


async def send_what_is_not_utf_8(stranger: Stranger) -> None:
    async with stranger.socket() as socket:
        await socket.send(b"\xff\xfe", text=True)
        with pytest.raises(ConnectionClosed) as closed:
            await socket.recv()
        assert closed.value.rcvd is not None
        assert closed.value.rcvd.code == 1007


async def open_and_say_nothing(stranger: Stranger) -> None:
    """Handshakes that end half-way, and leave."""
    writers = []
    for _ in range(100):
        _, writer = await asyncio.open_connection(stranger.host, stranger.port)
        writer.write(b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n")
        writers.append(writer)
    for writer in writers:
        writer.transport.abort()


async def send_bad_http(stranger: Stranger) -> None:
    key = base64.b64encode(secrets.token_bytes(16)).decode()
    host = f"Host: {stranger.host}:{stranger.port}\r\n"

    def post(path: str, body: bytes) -> bytes:
        head = (
            f"POST {path} HTTP/1.1\r\n{host}Authorization: Bearer {stranger.token}\r\n"
            f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n\r\n"
        )
        return head.encode() + body

    for data, statuses in [
        (b"\x16\x03\x01 this is not http\r\n\r\n", (b"400",)),
        (b"GET / HTTP/1.1\r\n" + b"X: " + b"y" * 200_000 + b"\r\n\r\n", (b"400", b"431")),
        (post("/api/no.such", b"{}"), (b"404",)),
        (post("/api/account.update", b"{"), (b"400",)),
        (post("/api/account.update", b"[" * 30_000), (b"400",)),
        (post("/api/account.update", b'{"display_name":7}'), (b"400", b"422")),
        (post("/api/account.update", b"x" * 2_000_000), (b"413",)),
        (
            f"GET /ws HTTP/1.1\r\n{host}Upgrade: websocket\r\nConnection: Upgrade\r\n"
            f"Sec-WebSocket-Version: 13\r\nSec-WebSocket-Key: {key}\r\n"
            "Origin: https://evil.example\r\n\r\n".encode(),
            (b"403",),
        ),
    ]:
        answer = await stranger.raw(data)
        assert answer.split(b" ", 2)[1:2] in [[status] for status in statuses], (
            data[:60],
            answer[:200],
        )


@pytest.mark.parametrize(
    "misbehave",
    [send_bad_frames, send_what_is_not_utf_8, flood, open_and_say_nothing, send_bad_http],
)
async def test_neighbours_do_not_notice(
    misbehave: Callable[[Stranger], Awaitable[None]], people: People
) -> None:
    ann, bob = await people(), await people()
    _, token = await people.register()
    made = await ann.call("conversation.create", kind="direct", members=[bob.me["id"]])
    stranger = Stranger(people.server.url, token)

    async def talk() -> None:
        for n in range(MESSAGES):
            await ann.call(
                "message.send", conversation=made["id"], type="text", content={"text": f"{n}"}
            )

    async def listen() -> list[str]:
        heard: list[str] = []
        async for event in bob.events():
            if event.kind == "message.created":
                heard.append(event.data["message"]["text"])
                if len(heard) == MESSAGES:
                    break
        return heard

    async with asyncio.timeout(LIMIT_S), asyncio.TaskGroup() as tasks:
        talking = tasks.create_task(talk())
        listening = tasks.create_task(listen())
        while True:
            await misbehave(stranger)
            if talking.done():
                break
    assert listening.result() == [f"{n}" for n in range(MESSAGES)]


async def test_a_full_header_of_a_slow_client_is_not_waited_for(tmp_path: Path) -> None:
    """The server closes, by itself, a connection that never finishes its request."""
    server = ServerProcess(tmp_path / "data")
    server.start(LIMIT_S)
    try:
        reader, writer = await asyncio.open_connection(*_address(server.url))
        writer.write(b"GET /healthz HTTP/1.1\r\nHost:")
        async with asyncio.timeout(LIMIT_S):
            # It may say 408 first; then it is over.
            while await reader.read(4096):
                pass
        writer.close()
    finally:
        server.kill()


def _address(url: str) -> tuple[str, int]:
    parts = urlsplit(url)
    return parts.hostname or "", parts.port or 0
