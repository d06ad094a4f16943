"""The floor of the fan-out: a bare uvloop server that writes given bytes to every socket it has.

No frames, no log, no sessions. The first connection is the conductor's: each block it sends (four
bytes of length, then the block) is written to all others. Prints its port. The bytes, the sockets
and the pace are those of the run it is compared with.
"""

from __future__ import annotations

import asyncio
from typing import cast

import uvloop


class Floor(asyncio.Protocol):
    """One connection."""

    def __init__(self, transports: list[asyncio.Transport]) -> None:
        self._transports = transports
        self._received = b""
        self._conducts = False

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        self._conducts = not self._transports
        # uvloop's transports are no subclasses of asyncio's.
        self._transports.append(cast("asyncio.Transport", transport))

    def data_received(self, data: bytes) -> None:
        if not self._conducts:
            return
        self._received += data
        while len(self._received) >= 4:
            end = 4 + int.from_bytes(self._received[:4], "big")
            if len(self._received) < end:
                return
            block, self._received = self._received[4:end], self._received[end:]
            for transport in self._transports[1:]:
                transport.write(block)


async def serve() -> None:
    """Serve until killed."""
    transports: list[asyncio.Transport] = []
    loop = asyncio.get_running_loop()
    server = await loop.create_server(lambda: Floor(transports), "127.0.0.1", 0, backlog=4096)
    print(server.sockets[0].getsockname()[1], flush=True)
    await server.serve_forever()


if __name__ == "__main__":
    uvloop.run(serve())
