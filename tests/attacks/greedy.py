"""A process whose sockets read one log as fast as they can, or ask for it and never read.

    python -m tests.attacks.greedy URL LOG SOCKETS read|stall TOKEN...

Says ``ready`` when all sockets are open, begins at a line on its input, and says how many bytes it
has read when its input ends.
"""

from __future__ import annotations

import asyncio
import contextlib
import os
import sys
from typing import Any

import msgspec
from dash_messenger.protocol.jsonrpc import SUBPROTOCOL
from websockets.asyncio.client import ClientConnection, connect
from websockets.exceptions import ConnectionClosed

# As many requests as one connection may have under way.
REQUESTS = 32


async def attack(url: str, log: str, sockets: int, mode: str, tokens: list[str]) -> None:
    """Do so until the input ends."""
    read = [0]
    loop = asyncio.get_running_loop()
    async with contextlib.AsyncExitStack() as stack:
        opened = [
            await stack.enter_async_context(_open(url, tokens[number % len(tokens)]))
            for number in range(sockets)
        ]
        print("ready", flush=True)
        await loop.run_in_executor(None, sys.stdin.readline)
        working = [
            asyncio.create_task(_read(socket, log, read) if mode == "read" else _stall(socket, log))
            for socket in opened
        ]
        await loop.run_in_executor(None, sys.stdin.read)
        print(read[0], flush=True)
        # Who does not read cannot close politely either.
        os._exit(0 if working else 1)


def _open(url: str, token: str) -> Any:
    return connect(
        url.replace("http", "ws", 1) + "/ws",
        additional_headers={"Authorization": f"Bearer {token}"},
        subprotocols=[SUBPROTOCOL],  # type: ignore[list-item]
        compression=None,
        max_size=None,
        ping_interval=None,
        close_timeout=0.1,
        proxy=None,
    )


async def _ask(socket: ClientConnection, log: str, times: int) -> None:
    for id in range(times):
        request = {"jsonrpc": "2.0", "id": id, "method": "log.read"}
        body = msgspec.json.encode({**request, "params": {"log": log, "after": 0}})
        await socket.send(body, text=True)


async def _read(socket: ClientConnection, log: str, read: list[int]) -> None:
    with contextlib.suppress(ConnectionClosed):
        await _ask(socket, log, REQUESTS)
        while True:
            read[0] += len(await socket.recv(decode=False))
            await _ask(socket, log, 1)


async def _stall(socket: ClientConnection, log: str) -> None:
    socket.transport.pause_reading()
    with contextlib.suppress(ConnectionClosed):
        await _ask(socket, log, REQUESTS)


if __name__ == "__main__":
    # It stands for other machines: its own work is not to hold up the neighbours here.
    os.nice(19)
    asyncio.run(attack(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4], sys.argv[5:]))
