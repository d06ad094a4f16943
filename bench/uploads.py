"""What files cost: an album of ten photos, and messages while others upload 20 files a second.

First an album is uploaded and sent, as a browser does: the time from the first byte to the answer.
Then pairs of people write to one another, ten messages a second each, for some seconds alone and
for as long while four others upload files of 100 kB, 20 a second in all; the time of a message is
from sending it to its answer, which says that it is on the disk.
"""

from __future__ import annotations

import asyncio
import io
import os
import statistics
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from dash_messenger.client import Client
from dash_messenger.testing import ServerProcess, upload
from PIL import Image
from workload import Workload, data_folder, make_server, options, pin_load, report, seed

PAIRS = 10
MESSAGES_PER_S = 10
UPLOADERS = 4
UPLOADS_PER_S = 20
UPLOAD_BYTES = 100_000
PHOTOS = 10
# On a busy machine an album takes longer than a client waits.
PATIENCE_S = 120


def main() -> None:
    parser = options(__doc__)
    parser.add_argument("--seconds", type=float, default=10.0)
    parser.add_argument("--photos", type=int, default=PHOTOS, help="how many are in the album")
    asked = parser.parse_args()
    groups = [(2 * n, 2 * n + 1) for n in range(PAIRS)]
    with data_folder(asked.data) as data:
        server = make_server(data)
        workload = seed(server, 2 * PAIRS + UPLOADERS, groups)
        pin_load()
        server.start()
        try:
            figures = asyncio.run(measure(server, workload, asked.seconds, asked.photos))
        finally:
            server.kill()
    alone, beside = figures["p99_alone_ms"], figures["p99_uploads_ms"]
    notes = (
        f"An album of {asked.photos} photos of 12 megapixels: {figures['album_s']:.1f} s.",
        f"Messages alone: p50 {figures['p50_alone_ms']:.1f} ms, p99 {alone:.1f} ms.",
        f"During {figures['uploads_per_s']:.0f} uploads a second: p50"
        f" {figures['p50_uploads_ms']:.1f} ms, p99 {beside:.1f} ms ({beside / alone:.1f} times).",
    )
    report(figures, notes, only_figures=asked.json)


async def measure(
    server: ServerProcess, workload: Workload, seconds: float, photos: int
) -> dict[str, float]:
    clients = [
        Client(server.url, token=token, time_limit_s=PATIENCE_S)
        for token in workload.tokens[: 2 * PAIRS]
    ]
    for client in clients:
        await client.__aenter__()
    try:
        figures = {"album_s": await album(server, workload, clients[0], photos)}
        await messages(workload, clients, 2.0)
        alone = await messages(workload, clients, seconds)
        uploads = asyncio.create_task(upload_for(server, workload, seconds))
        beside = await messages(workload, clients, seconds)
        figures["uploads_per_s"] = await uploads / seconds
    finally:
        for client in clients:
            await client.aclose()
    for name, times in (("alone", alone), ("uploads", beside)):
        cuts = statistics.quantiles(times, n=100)
        figures[f"p50_{name}_ms"], figures[f"p99_{name}_ms"] = cuts[49] * 1e3, cuts[98] * 1e3
    return figures


async def album(server: ServerProcess, workload: Workload, client: Client, photos: int) -> float:
    """The seconds that an album takes."""
    pictures = [picture(n) for n in range(photos)]
    began_s = time.perf_counter()
    blobs = await asyncio.gather(
        *(upload(server.url, data, token=workload.tokens[0]) for data in pictures)
    )
    content = {"photos": [{"blob": blob["id"]} for blob in blobs]}
    conversation = workload.conversations[0]
    await client.call("message.send", conversation=conversation, type="photo", content=content)
    return time.perf_counter() - began_s


def picture(n: int) -> bytes:
    """A JPEG of 12 megapixels, as a telephone makes them."""
    small = Image.effect_noise((400, 300), 60 + n).convert("RGB")
    out = io.BytesIO()
    small.resize((4_000, 3_000)).save(out, "JPEG", quality=90)
    return out.getvalue()


async def messages(workload: Workload, clients: list[Client], seconds: float) -> list[float]:
    """How long each message took."""
    took_s: list[float] = []

    async def write(client: Client, conversation: str) -> None:
        began_s = time.perf_counter()
        content = {"text": "The quick brown fox"}
        await client.call("message.send", conversation=conversation, type="text", content=content)
        took_s.append(time.perf_counter() - began_s)

    async with asyncio.TaskGroup() as tasks:
        for place, client in enumerate(clients):
            conversation = workload.conversations[place // 2]
            late_s = place / len(clients) / MESSAGES_PER_S
            write_one = partial(write, client, conversation)
            every = each(seconds, 1 / MESSAGES_PER_S, late_s, write_one)
            tasks.create_task(every)
    return took_s


async def upload_for(server: ServerProcess, workload: Workload, seconds: float) -> int:
    """How many files were uploaded."""
    done = 0

    async def one(token: str) -> None:
        nonlocal done
        await upload(server.url, os.urandom(UPLOAD_BYTES), token=token)
        done += 1

    async with asyncio.TaskGroup() as tasks:
        for place, token in enumerate(workload.tokens[2 * PAIRS :]):
            between_s = UPLOADERS / UPLOADS_PER_S
            late_s = place / UPLOADS_PER_S
            tasks.create_task(each(seconds, between_s, late_s, partial(one, token)))
    return done


async def each(
    seconds: float, between_s: float, late_s: float, work: Callable[[], Coroutine[Any, Any, None]]
) -> None:
    """Do something so often, however long it takes."""
    await asyncio.sleep(late_s)
    until_s = time.perf_counter() + seconds - late_s
    async with asyncio.TaskGroup() as tasks:
        while time.perf_counter() < until_s:
            tasks.create_task(work())
            await asyncio.sleep(between_s)


if __name__ == "__main__":
    main()
