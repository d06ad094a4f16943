"""A process whose people upload all that the server takes, and more.

    python -m tests.attacks.uploader URL fill|claim|trickle|pictures TIMES TOKEN...

``fill``: whole files of 8 MiB, until there is no room for more. ``claim``: files of a byte that are
said to have 90 MiB, until one is refused. ``trickle``: files that come too slowly ever to end.
``pictures``: messages of ten photos, each of which takes long to make. Each does so many ``TIMES``
for each token. Says ``ready``, begins at a line on its input, and says as JSON how often the server
answered what: the key of a failure, or ``taken``.
"""

from __future__ import annotations

import asyncio
import contextlib
import io
import json
import os
import sys
import uuid
from collections import Counter
from collections.abc import AsyncIterator
from urllib.parse import urlsplit

from dash_messenger.client import Client, post
from dash_messenger.errors import Busy, Failure
from dash_messenger.testing import PASSWORD, upload
from PIL import Image

FILE_BYTES = 8 * 1024 * 1024
# Two more than one user may have under way.
AT_ONCE = 8
CLAIMED_BYTES = 90 * 1024 * 1024
TRICKLE_EVERY_S = 0.3
# As large as they may be: four take a processor nearly 2 s, of the 5 s that it may take.
SIDE_PX, FRAMES = 5_000, 4
PHOTOS = 10
PATIENCE_S = 600


class Uploader:
    """Somebody who uploads, and how the server answered."""

    def __init__(self, url: str, token: str, answered: Counter[str]) -> None:
        self._url, self._token = url, token
        self._answered = answered

    async def fill(self, times: int) -> None:
        """Upload so many files."""
        places = asyncio.Semaphore(AT_ONCE)

        async def one() -> None:
            async with places:
                while not await self._file(os.urandom(FILE_BYTES)):
                    await asyncio.sleep(0.1)

        await asyncio.gather(*(one() for _ in range(times)))

    async def _file(self, data: bytes) -> bool:
        """Whether the server took it, or never will."""
        try:
            await upload(self._url, data, token=self._token)
        except Busy:
            return False
        except Failure as failure:
            self._answered[failure.key] += 1
        else:
            self._answered["taken"] += 1
        return True

    async def claim(self, times: int) -> None:
        """Send files of a byte that are said to be large, until one is refused."""
        for _ in range(times):
            async with self._begun(CLAIMED_BYTES) as (answer, writer):
                writer.write(b"x\r\n--x--\r\n")
                key = _key_of(await answer)
                self._answered[key] += 1
                if key != "taken":
                    return

    async def trickle(self, times: int) -> None:
        """Send so many files at once, a byte at a time."""

        async def one() -> None:
            async with self._begun(CLAIMED_BYTES // times) as (answer, writer):
                with contextlib.suppress(ConnectionError):
                    while not answer.done():
                        writer.write(b"x")
                        await asyncio.wait({answer}, timeout=TRICKLE_EVERY_S)
                self._answered[_key_of(await answer)] += 1

        await asyncio.gather(*(one() for _ in range(times)))

    async def pictures(self, times: int) -> None:
        """Send so many messages of photos, all at once."""
        async with Client(self._url, token=self._token, time_limit_s=PATIENCE_S) as client:
            blob = await upload(self._url, _animation(), token=self._token)
            friend = f"u{uuid.uuid4().hex[:12]}"
            await post(self._url, "account.register", {"username": friend, "password": PASSWORD})
            made = await client.call("conversation.create", kind="direct", members=[friend])
            photos = {"photos": [{"blob": blob["id"]}] * PHOTOS}

            async def one() -> None:
                try:
                    await client.call(
                        "message.send", conversation=made["id"], type="photo", content=photos
                    )
                except Failure as failure:
                    self._answered[failure.key] += 1
                else:
                    self._answered["taken"] += 1

            await asyncio.gather(*(one() for _ in range(times)))

    @contextlib.asynccontextmanager
    async def _begun(
        self, size: int
    ) -> AsyncIterator[tuple[asyncio.Task[bytes], asyncio.StreamWriter]]:
        """An upload of which the first bytes were sent; what the server answers, and the way on."""
        parts = urlsplit(self._url)
        reader, writer = await asyncio.open_connection(parts.hostname, parts.port)
        writer.write(
            f"POST /blobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {self._token}\r\n"
            f"Content-Length: {size}\r\nContent-Type: multipart/form-data; boundary=x\r\n\r\n"
            '--x\r\nContent-Disposition: form-data; name="file"; filename="f"\r\n\r\n'.encode()
        )
        answer = asyncio.create_task(reader.read())
        try:
            yield answer, writer
        finally:
            answer.cancel()
            writer.transport.abort()


def _key_of(answer: bytes) -> str:
    body = answer.partition(b"\r\n\r\n")[2]
    if not body:
        return "ended"
    said = json.loads(body)
    return str(said["error"]["key"]) if "error" in said else "taken"


def _animation() -> bytes:
    """A small file of as many pixels as are drawn in a good second."""
    frames = [Image.new("L", (SIDE_PX, SIDE_PX), shade) for shade in range(FRAMES)]
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=100)
    return out.getvalue()


async def attack(url: str, mode: str, times: int, tokens: list[str]) -> None:
    """Do so once a line comes."""
    answered: Counter[str] = Counter()
    people = [Uploader(url, token, answered) for token in tokens]
    print("ready", flush=True)
    await asyncio.get_running_loop().run_in_executor(None, sys.stdin.readline)
    await asyncio.gather(*(getattr(one, mode)(times) for one in people))
    print(json.dumps(answered), flush=True)


if __name__ == "__main__":
    # It stands for other machines: its own work is not to hold up the neighbours here.
    os.nice(19)
    asyncio.run(attack(sys.argv[1], sys.argv[2], int(sys.argv[3]), sys.argv[4:]))
