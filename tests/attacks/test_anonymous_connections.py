"""Strangers who open connections and never finish what they began, and pieces without end."""

from __future__ import annotations

import asyncio
import contextlib
from collections import Counter
from urllib.parse import urlsplit

from dash_messenger.errors import CloseCode
from dash_messenger.testing import People, ServerProcess
from websockets.asyncio.client import connect
from websockets.frames import Frame, Opcode

from tests.attacks.timed_pair import TimedPair

# Of each kind, and at full scale.
CONNECTIONS = 25
FULL_CONNECTIONS = 100
# Each sends so often that it never seems to be gone.
EVERY_S = 0.3
# Ten seconds for a head or a body, five for an answer to be read, and a busy machine.
ENDED_WITHIN_S = 40.0
PIECES = 20_000
UNFINISHED = {
    "a head": b"GET / HTTP/1.1\r\nHost: x\r\nA: ",
    "a body of a command": (
        b"POST /api/account.register HTTP/1.1\r\nHost: x\r\nContent-Length: 60000\r\n"
        b"Content-Type: application/json\r\n\r\n"
    ),
    "a body for nobody": b"POST /healthz HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n\r\n",
    "a file of a stranger": (
        b"POST /blobs HTTP/1.1\r\nHost: x\r\nContent-Length: 9999999\r\n"
        b"Content-Type: multipart/form-data; boundary=x\r\n\r\n"
    ),
}


async def test_what_is_never_finished_ends_and_disturbs_nobody(
    defended: ServerProcess, pair: TimedPair, full_scale: bool
) -> None:
    connections = FULL_CONNECTIONS if full_scale else CONNECTIONS
    parts = urlsplit(defended.url)

    async def trickle(beginning: bytes) -> None:
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(beginning)
        ended = asyncio.create_task(reader.read())
        with contextlib.suppress(ConnectionError):
            while not ended.done():
                writer.write(b"x")
                await asyncio.wait({ended}, timeout=EVERY_S)
            await ended
        writer.close()

    async def attack() -> None:
        trickling = {
            asyncio.create_task(trickle(beginning), name=what)
            for what, beginning in UNFINISHED.items()
            for _ in range(connections)
        }
        done, going_on = await asyncio.wait(trickling, timeout=ENDED_WITHIN_S)
        for task in going_on:
            task.cancel()
        assert not Counter(task.get_name() for task in going_on)
        for task in done:
            task.result()

    await pair.beside_timed(attack, whole=True, again=True)


async def test_a_message_in_endless_empty_pieces_ends_and_disturbs_nobody(
    defended: ServerProcess, people: People, pair: TimedPair
) -> None:
    _, token = await people.register()
    socket = await connect(
        defended.url.replace("http", "ws", 1) + "/ws",
        additional_headers={"Authorization": f"Bearer {token}"},
        compression=None,
        proxy=None,
    )

    async def attack() -> None:
        socket.transport.write(Frame(Opcode.TEXT, b"", fin=False).serialize(mask=True))
        socket.transport.write(Frame(Opcode.CONT, b"", fin=False).serialize(mask=True) * PIECES)
        await socket.wait_closed()

    await pair.beside_timed(attack, whole=True)
    assert socket.close_code == CloseCode.PROTOCOL_ABUSED
