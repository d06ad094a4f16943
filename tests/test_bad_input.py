"""What clients must not do to a whole server, and what becomes of them.

During each misdeed two people beside them exchange 500 messages, which arrive complete and in
order.
"""

from __future__ import annotations

import asyncio
import contextlib
import json
import os
from collections.abc import AsyncIterator
from typing import Any
from urllib.parse import urlsplit

import pytest
import pytest_asyncio
from dash_messenger.errors import CloseCode
from dash_messenger.testing import People, ServerProcess
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

from tests.pair import Pair


@pytest_asyncio.fixture
async def pair(people: People) -> Pair:
    return await Pair.meet(people)


@pytest_asyncio.fixture
async def socket(server: ServerProcess, people: People) -> AsyncIterator[ClientConnection]:
    """A bare socket of somebody who is signed in."""
    _, token = await people.register()
    async with open_socket(server, token) as opened:
        yield opened


def open_socket(server: ServerProcess, token: str) -> connect:
    return connect(
        server.url.replace("http", "ws", 1) + "/ws",
        additional_headers={"Authorization": f"Bearer {token}"},
        compression=None,
        max_size=None,
        proxy=None,
    )


async def told(socket: ClientConnection, frame: str | bytes) -> dict[str, Any]:
    """The answer to a frame."""
    await socket.send(frame)
    answer: dict[str, Any] = json.loads(await socket.recv())
    return answer


async def closed(socket: ClientConnection) -> int | None:
    """The code that the server closes with."""
    with contextlib.suppress(ConnectionClosed):
        while True:
            await socket.recv()
    return socket.close_code


def request(method: str, params: object, id: object = 1) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": id, "method": method, "params": params})


REFUSED_FRAMES = {
    "not JSON": ("nonsense", -32700),
    "half of JSON": ('{"jsonrpc":"2.0","id":1,"method":"sync"', -32700),
    "a batch": ("[" + request("sync", {}) + "]", -32600),
    "no method": ('{"jsonrpc":"2.0","id":1}', -32600),
    "a method that is no name": ('{"jsonrpc":"2.0","id":1,"method":5}', -32600),
    "no id": ('{"jsonrpc":"2.0","method":"sync"}', -32600),
    "too deep": (request("sync", 0)[:-2] + "[" * 20_000 + "]" * 20_000 + "}", -32700),
    "deep content": (
        request("message.send", 0)[:-2]
        + f'{{"conversation":"{"0" * 32}","client_id":"{"0" * 32}","type":"text","content":'
        + '{"text":' * 500
        + "1"
        + "}" * 502,
        1012,
    ),
    "unknown command": (request("no.such.command", {}), -32601),
    "missing parameter": (request("message.history", {}), -32602),
    "wrong type": (request("message.history", {"conversation": 5}), -32602),
    "unknown parameter": (request("sync", {"until": None}), -32602),
    "out of range": (request("message.history", {"conversation": "0" * 32, "limit": 0}), -32602),
    "parameters in a list": (request("sync", [1, 2]), -32602),
    "not a member": (request("message.history", {"conversation": "0" * 32}), 1004),
    "unknown type": (
        request(
            "message.send",
            {"conversation": "0" * 32, "client_id": "0" * 32, "type": "x.y", "content": {}},
        ),
        1011,
    ),
    "content that does not fit": (
        request(
            "message.send",
            {"conversation": "0" * 32, "client_id": "0" * 32, "type": "text", "content": {}},
        ),
        1012,
    ),
}


@pytest.mark.parametrize("name", REFUSED_FRAMES)
async def test_frame_that_is_refused_gets_its_code_and_the_connection_stays(
    name: str, socket: ClientConnection
) -> None:
    frame, code = REFUSED_FRAMES[name]
    answer = await told(socket, frame)
    assert answer["error"]["code"] == code
    assert answer["error"]["message"]
    assert isinstance(answer["error"]["data"]["retryable"], bool)
    assert "result" in await told(socket, request("account.get", {}))


async def test_all_refused_frames_at_once_disturb_nobody(
    socket: ClientConnection, pair: Pair
) -> None:
    async def misbehave() -> int:
        answered = 0
        while True:
            for frame, code in REFUSED_FRAMES.values():
                assert (await told(socket, frame))["error"]["code"] == code
                answered += 1
                # One good request in between: only a run of unreadable frames is an abuse.
                await told(socket, request("account.get", {}))

    await pair.beside(misbehave)


@pytest.mark.parametrize(
    ("frame", "code"),
    [
        (b"\x00\x01", CloseCode.UNSUPPORTED_DATA),
        ("x" * 70_000, CloseCode.TOO_LARGE),
    ],
    ids=["binary", "too large"],
)
async def test_frame_that_cannot_be_taken_closes_with_a_documented_code(
    socket: ClientConnection, pair: Pair, frame: str | bytes, code: CloseCode
) -> None:
    await socket.send(frame)
    assert await closed(socket) == code
    await pair.talk()


async def test_text_that_is_not_utf_8_closes_with_1007(
    socket: ClientConnection, pair: Pair
) -> None:
    mask = os.urandom(4)
    payload = b'{"id":1,"method":"\xff\xfe"}'
    masked = bytes(byte ^ mask[n % 4] for n, byte in enumerate(payload))
    socket.transport.write(bytes([0x81, 0x80 | len(payload)]) + mask + masked)
    assert await closed(socket) == CloseCode.INVALID_TEXT
    await pair.talk()


async def test_run_of_frames_that_are_no_requests_is_closed_as_abuse(
    socket: ClientConnection, pair: Pair
) -> None:
    reading = asyncio.create_task(closed(socket))

    async def misbehave() -> None:
        with contextlib.suppress(ConnectionClosed):
            while True:
                await socket.send("nonsense")
                # Sending does not wait for anything: let the answers be read.
                await asyncio.sleep(0)

    await pair.beside(misbehave)
    assert await reading == CloseCode.PROTOCOL_ABUSED


async def test_flood_of_requests_is_slowed_down_and_answered(
    server: ServerProcess, people: People, pair: Pair
) -> None:
    _, token = await people.register()
    count = 3_000

    async def misbehave() -> None:
        async with open_socket(server, token) as flooding:

            async def send() -> None:
                for number in range(count):
                    await flooding.send(request("account.get", {}, number))

            sending = asyncio.create_task(send())
            answers = [json.loads(await flooding.recv())["id"] for _ in range(count)]
            await sending
            assert sorted(answers) == list(range(count))

    flood = asyncio.create_task(misbehave())
    await pair.talk()
    await flood


async def test_reader_that_stops_reading_is_closed_and_others_do_not_notice(
    server: ServerProcess, people: People, pair: Pair
) -> None:
    """Its answers pile up; beyond a bound it is closed, and so nothing grows without end."""
    _, token = await people.register()
    stalled = await open_socket(server, token)
    stalled.transport.pause_reading()

    async def misbehave() -> None:
        with contextlib.suppress(ConnectionClosed, TimeoutError):
            while True:
                await stalled.send(request("user.get", {"users": ["x" * 60] * 200}))

    await pair.beside(misbehave)
    stalled.transport.abort()


async def test_half_open_handshakes_are_given_up_and_others_get_in(
    server: ServerProcess, pair: Pair, people: People
) -> None:
    parts = urlsplit(server.url)
    half = [await asyncio.open_connection(parts.hostname, parts.port) for _ in range(100)]
    for number, (_, writer) in enumerate(half):
        start = b"GET /ws HTTP/1.1\r\nHost: x\r\nUpgrade: websocket\r\n"
        writer.write(start[: 1 + number % len(start)])
        await writer.drain()
    await pair.talk()
    assert await (await people()).call("account.get")
    async with asyncio.timeout(30):
        for reader, writer in half:
            # A sentence for those who sent enough to be answered, then the end.
            await reader.read()
            writer.close()


HTTP_REQUESTS = {
    "not JSON": ("POST", "/api/account.get", b"nonsense", 400, -32700),
    "not UTF-8": ("POST", "/api/account.get", b'{"x":"\xff"}', 400, None),
    "not an object": ("POST", "/api/account.get", b"[]", 400, -32602),
    "unknown parameter": ("POST", "/api/account.get", b'{"x":1}', 400, -32602),
    "unknown command": ("POST", "/api/no.such.command", b"{}", 404, -32601),
    "too deep": ("POST", "/api/sync", b'{"since":' + b"[" * 30_000, 400, None),
    "too large": ("POST", "/api/sync", b'{"since":"' + b"x" * 10_000_000 + b'"}', 413, 1013),
    "wrong method": ("GET", "/api/account.get", b"", 405, None),
    "not a member": (
        "POST",
        "/api/message.history",
        b'{"conversation":"%s"}' % (b"0" * 32),
        404,
        1004,
    ),
}


@pytest.mark.parametrize("name", HTTP_REQUESTS)
async def test_http_request_that_is_refused_gets_a_status_and_a_code(
    name: str, server: ServerProcess, people: People
) -> None:
    method, path, body, status, code = HTTP_REQUESTS[name]
    _, token = await people.register()
    found, answer = await http(server, method, path, body, token)
    assert found == status
    error = json.loads(answer)["error"]
    assert code is None or error["code"] == code
    assert isinstance(error["code"], int)
    assert error["message"]
    assert isinstance(error["retryable"], bool)


async def test_bad_http_requests_disturb_nobody(
    server: ServerProcess, people: People, pair: Pair
) -> None:
    _, token = await people.register()

    async def misbehave() -> None:
        while True:
            for method, path, body, status, _ in HTTP_REQUESTS.values():
                assert (await http(server, method, path, body, token))[0] == status

    await pair.beside(misbehave)


async def http(
    server: ServerProcess, method: str, path: str, body: bytes, token: str
) -> tuple[int, bytes]:
    """Status and body of one request on a connection of its own."""
    parts = urlsplit(server.url)
    reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
    head = (
        f"{method} {path} HTTP/1.1\r\nHost: {parts.netloc}\r\nAuthorization: Bearer {token}\r\n"
        f"Content-Type: application/json\r\nContent-Length: {len(body)}\r\n"
        "Connection: close\r\n\r\n"
    )
    try:
        writer.write(head.encode() + body)
        await writer.drain()
        answer = await reader.read()
    finally:
        writer.close()
        with contextlib.suppress(ConnectionError):
            await writer.wait_closed()
    headers, _, content = answer.partition(b"\r\n\r\n")
    if b"transfer-encoding: chunked" in headers.lower():
        content = content.partition(b"\r\n")[2].rpartition(b"\r\n0\r\n")[0]
    return int(headers.split()[1]), content
