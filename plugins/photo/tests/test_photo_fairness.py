"""One person's animations, however many and however slow, stop nobody else's photos."""

from __future__ import annotations

import asyncio
import io

from dash_messenger.client import Client
from dash_messenger.testing import People, ServerProcess, upload
from PIL import Image, ImageDraw

GROUPS = 40


def animation() -> bytes:
    """60 frames of 1,000 × 1,000 pixels: a second of a processor or more."""
    frames = []
    for n in range(60):
        frame = Image.new("P", (1_000, 1_000))
        frame.putpalette([value for value in range(256) for _ in range(3)])
        ImageDraw.Draw(frame).rectangle((n * 10, 0, n * 10 + 300, 999), fill=20 + n)
        frames.append(frame)
    out = io.BytesIO()
    frames[0].save(out, "GIF", save_all=True, append_images=frames[1:], duration=50)
    return out.getvalue()


def photo() -> bytes:
    out = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(out, "PNG")
    return out.getvalue()


async def send(client: Client, conversation: str, blob: str) -> str:
    content = {"photos": [{"blob": blob}]}
    sent = await client.call(
        "message.send", conversation=conversation, type="photo", content=content
    )
    return str(sent["id"])


async def group(client: Client, member: Client) -> str:
    members = [member.me["username"]]
    made = await client.call("conversation.create", kind="group", title="G", members=members)
    return str(made["id"])


async def test_an_animation_sent_to_forty_groups_stops_nobody_else_s_photos(
    server: ServerProcess, people: People
) -> None:
    _, ann_token = await people.register()
    _, ben_token = await people.register()
    ann = await people.connect(ann_token, time_limit_s=300)
    ben = await people.connect(ben_token)
    groups = [await group(ann, ben) for _ in range(GROUPS)]
    chat = await group(ben, ann)
    gif = await upload(server.url, animation(), token=ann_token, name="a.gif")
    sending = [asyncio.create_task(send(ann, to, gif["id"])) for to in groups]
    await asyncio.wait(sending, return_when=asyncio.FIRST_COMPLETED)
    most, picture = 0, {}
    for _ in range(3):
        before = sum(task.done() for task in sending)
        picture = await upload(server.url, photo(), token=ben_token, name="a.png")
        assert await send(ben, chat, picture["id"])
        most = max(most, sum(task.done() for task in sending) - before)
    # One of ann's runs beside ben's; the others wait.
    assert most <= 4
    # An avatar is a photo as well.
    account = await ben.call("account.update", photo=picture["id"])
    assert account["user"]["photo"]
    assert not all(task.done() for task in sending)
    for task in sending:
        task.cancel()
    await asyncio.gather(*sending, return_exceptions=True)
