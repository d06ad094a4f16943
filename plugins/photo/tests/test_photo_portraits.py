"""Photos of people and groups, from somebody's upload to what others are given."""

from __future__ import annotations

import http.client
import io
from typing import Any
from urllib.parse import urlsplit

import pytest
from dash_messenger.errors import Failure
from dash_messenger.testing import People, ServerProcess
from PIL import Image


def photo() -> bytes:
    """A landscape, red in its middle, that says where it was taken."""
    picture = Image.new("RGB", (900, 300), "blue")
    picture.paste("red", (300, 0, 600, 300))
    exif = Image.Exif()
    exif[0x010E] = "where I live"
    out = io.BytesIO()
    picture.save(out, "JPEG", exif=exif, quality=95)
    return out.getvalue()


def ask(
    server: ServerProcess, method: str, path: str, token: str, body: bytes = b"", kind: str = ""
) -> tuple[int, bytes, Any]:
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    try:
        connection.request(
            method, path, body, {"Authorization": f"Bearer {token}", "Content-Type": kind}
        )
        answer = connection.getresponse()
        return answer.status, answer.read(), answer.headers
    finally:
        connection.close()


def upload(server: ServerProcess, token: str, content: bytes) -> str:
    head = b'--xyz\r\nContent-Disposition: form-data; name="file"; filename="me.jpg"\r\n\r\n'
    kind = "multipart/form-data; boundary=xyz"
    status, body, _ = ask(
        server, "POST", "/blobs", token, head + content + b"\r\n--xyz--\r\n", kind
    )
    assert status == 201, body
    return body.split(b'"id":"')[1][:32].decode()


async def test_others_are_given_a_small_square_that_says_nothing_else(
    server: ServerProcess, people: People
) -> None:
    _, token = await people.register()
    ann, ben = await people.connect(token), await people.register()
    account = await ann.call("account.update", photo=upload(server, token, photo()))
    path = f"/blobs/{account['user']['photo']}"
    status, body, headers = ask(server, "GET", path, ben[1])
    assert status == 200
    assert headers["Content-Type"] == "image/webp"
    assert headers["Cache-Control"] == "private, no-cache"
    assert headers["Content-Disposition"].startswith("inline")
    shown = Image.open(io.BytesIO(body))
    assert shown.size == (256, 256)
    assert b"where I live" not in body
    assert not shown.getexif()
    corner = shown.convert("RGB").getpixel((4, 4))
    assert isinstance(corner, tuple)
    assert corner[0] > 200 > corner[2]


@pytest.mark.parametrize(
    ("content", "sentence"),
    [
        (b"no picture at all", "This is no picture."),
        (photo()[:2000], "This picture is damaged."),
    ],
)
async def test_what_is_no_photo_is_refused_in_the_plugin_s_words(
    server: ServerProcess, people: People, content: bytes, sentence: str
) -> None:
    _, token = await people.register()
    ann = await people.connect(token)
    with pytest.raises(Failure) as refused:
        await ann.call("account.update", photo=upload(server, token, content))
    assert refused.value.message == sentence
    assert "photo" not in (await ann.call("account.get"))["user"]


async def test_a_group_has_a_photo_too(server: ServerProcess, people: People) -> None:
    _, token = await people.register()
    ann, ben = await people.connect(token), await people.register()
    made = await ann.call("conversation.create", kind="group", title="Us", members=[ben[0]])
    found = await ann.call(
        "conversation.update", conversation=made["id"], photo=upload(server, token, photo())
    )
    path = f"/blobs/{found['conversation']['photo']}"
    assert ask(server, "GET", path, ben[1])[0] == 200
    _, stranger = await people.register()
    assert ask(server, "GET", path, stranger)[0] == 404
