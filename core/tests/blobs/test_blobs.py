"""Files over HTTP, on a real server: coming in, going out, and to whom."""

from __future__ import annotations

import asyncio
import http.client
import json
import os
import uuid
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from dash_messenger.testing import People, ServerProcess, post

PNG = b"\x89PNG\r\n\x1a\n" + bytes(200)
PLUGIN = """
from dash_messenger import MessageType, hookimpl
from msgspec import Struct

class Paper(Struct, frozen=True):
    blob: str

class PaperMessage(MessageType[Paper]):
    type, Content, editable = "paper", Paper, True
    def text(self, content, state):
        return "a paper"
    def blobs(self, content):
        return [content.blob]

@hookimpl
def register_message_types():
    return [PaperMessage()]
"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """With a small limit, and a plugin whose messages have files."""
    small = {"DASH_MESSENGER_MAX_UPLOAD_BYTES": "1000000"}
    yield from make_server(tmp_path_factory.mktemp("blobs"), **small)


def make_server(folder: Path, **environment: str) -> Iterator[ServerProcess]:
    """A running server with a plugin whose messages have files."""
    (folder / "paper.py").write_text(PLUGIN)
    info = folder / "paper-1.0.dist-info"
    info.mkdir()
    (info / "METADATA").write_text("Metadata-Version: 2.1\nName: paper\nVersion: 1.0\n")
    (info / "entry_points.txt").write_text("[dash_messenger]\npaper = paper\n")
    process = ServerProcess(folder / "data", environment={"PYTHONPATH": str(folder), **environment})
    process.start()
    yield process
    process.kill()


@dataclass
class Answer:
    status: int
    body: bytes
    headers: http.client.HTTPMessage

    @property
    def json(self) -> Any:
        return json.loads(self.body)


def form(content: bytes, name: str = "note.txt", field: str = "file") -> tuple[bytes, str]:
    head = f'Content-Disposition: form-data; name="{field}"; filename="{name}"\r\n'
    body = (
        b"--xyz\r\n" + head.encode() + b"Content-Type: text/html\r\n\r\n" + content + b"\r\n--xyz--"
    )
    return body + b"\r\n", "multipart/form-data; boundary=xyz"


def ask(
    server: ServerProcess,
    method: str,
    path: str,
    token: str | None,
    body: bytes | None = None,
    **headers: str,
) -> Answer:
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    sent = {name.replace("_", "-"): value for name, value in headers.items()}
    if token is not None:
        sent["Authorization"] = f"Bearer {token}"
    try:
        connection.request(method, path, body, sent)
        answer = connection.getresponse()
        return Answer(answer.status, answer.read(), answer.headers)
    finally:
        connection.close()


def upload(
    server: ServerProcess, token: str | None, content: bytes, name: str = "note.txt"
) -> Answer:
    body, kind = form(content, name)
    return ask(server, "POST", "/blobs", token, body, Content_Type=kind)


async def paper(server: ServerProcess, token: str, conversation: str, blob: str) -> Any:
    return await post(
        server.url,
        "message.send",
        {
            "conversation": conversation,
            "client_id": uuid.uuid4().hex,
            "type": "paper",
            "content": {"blob": blob},
        },
        token=token,
    )


async def group(server: ServerProcess, token: str, *members: str) -> str:
    made = await post(
        server.url,
        "conversation.create",
        {"kind": "group", "title": "Group", "members": list(members)},
        token=token,
    )
    id: str = made["id"]
    return id


async def test_a_file_comes_back_as_it_went_in(server: ServerProcess, people: People) -> None:
    _, ann = await people.register()
    content = os.urandom(300_000)
    made = upload(server, ann, content, "Grüße & Küsse.bin")
    assert made.status == 201, made.body
    assert made.json["bytes"] == 300_000
    assert made.json["media_type"] == "application/octet-stream"
    got = ask(server, "GET", f"/blobs/{made.json['id']}", ann)
    assert (got.status, got.body) == (200, content)
    assert got.headers["Content-Disposition"] == (
        'attachment; filename="Gr__e & K_sse.bin";'
        " filename*=UTF-8''Gr%C3%BC%C3%9Fe%20%26%20K%C3%BCsse.bin"
    )
    for name, value in (
        ("X-Content-Type-Options", "nosniff"),
        ("Content-Security-Policy", "default-src 'none'; style-src 'unsafe-inline'; sandbox"),
        ("Accept-Ranges", "bytes"),
    ):
        assert got.headers[name] == value
    assert "private" in got.headers["Cache-Control"]


@pytest.mark.parametrize(
    ("content", "name", "media_type", "inline"),
    [
        (PNG, "a.html", "image/png", True),
        (b"\xff\xd8\xff\xe0" + bytes(60), "a.jpg", "image/jpeg", True),
        (b"<svg xmlns='http://www.w3.org/2000/svg'/>", "a.svg", "application/octet-stream", False),
        (b"<script>alert(1)</script>", "a.png", "application/octet-stream", False),
        (b"%PDF-1.7", "a.pdf", "application/pdf", False),
        (b"", "empty", "application/octet-stream", False),
    ],
)
async def test_neither_name_nor_declared_type_are_believed(
    server: ServerProcess,
    people: People,
    content: bytes,
    name: str,
    media_type: str,
    inline: bool,
) -> None:
    _, ann = await people.register()
    id = upload(server, ann, content, name).json["id"]
    got = ask(server, "GET", f"/blobs/{id}", ann)
    assert got.headers["Content-Type"] == media_type
    assert got.headers["Content-Disposition"].startswith("inline" if inline else "attachment")
    forced = ask(server, "GET", f"/blobs/{id}?download", ann)
    assert forced.headers["Content-Disposition"].startswith("attachment")


@pytest.mark.parametrize(
    ("name", "kept"),
    [
        ("../../etc/passwd", "passwd"),
        ("C:\\\\Windows\\\\a.exe", "a.exe"),
        ("evil\u202egnp.exe", "evilgnp.exe"),
        ("...", "file"),
        ("x" * 300 + ".pdf", "x" * 196 + ".pdf"),
    ],
)
async def test_names_are_cleaned(
    server: ServerProcess, people: People, name: str, kept: str
) -> None:
    _, ann = await people.register()
    assert upload(server, ann, b"x", name).json["name"] == kept


async def test_a_part_of_a_file_is_sent(server: ServerProcess, people: People) -> None:
    _, ann = await people.register()
    content = bytes(range(256)) * 2_000
    id = upload(server, ann, content).json["id"]
    for wanted, start, end in (
        ("bytes=0-9", 0, 10),
        ("bytes=300000-", 300_000, 512_000),
        ("bytes=-5", 511_995, 512_000),
        ("bytes=511999-900000", 511_999, 512_000),
    ):
        got = ask(server, "GET", f"/blobs/{id}", ann, Range=wanted)
        assert (got.status, got.body) == (206, content[start:end]), wanted
        assert got.headers["Content-Range"] == f"bytes {start}-{end - 1}/512000"
    endless = f"bytes=0-{'9' * 5_000}"
    for odd in ("bytes=1-2,5-6", "lines=1-2", "bytes=-", "bytes=b-a", endless):
        assert ask(server, "GET", f"/blobs/{id}", ann, Range=odd).status == 200, odd
    beyond = ask(server, "GET", f"/blobs/{id}", ann, Range="bytes=512000-")
    assert (beyond.status, beyond.headers["Content-Range"]) == (416, "bytes */512000")
    stale = ask(server, "GET", f"/blobs/{id}", ann, Range="bytes=0-9", If_Range='"other"')
    assert (stale.status, len(stale.body)) == (200, 512_000)
    etag = ask(server, "HEAD", f"/blobs/{id}", ann).headers["ETag"]
    for known in (etag, f"W/{etag}", f'"other", {etag}'):
        assert ask(server, "GET", f"/blobs/{id}", ann, If_None_Match=known).status == 304
    assert ask(server, "GET", f"/blobs/{id}", ann, If_None_Match='"other"').status == 200


async def test_a_file_is_for_those_who_may_see_its_message(
    server: ServerProcess, people: People
) -> None:
    _, ann = await people.register()
    ben_name, ben = await people.register()
    cleo_name, cleo = await people.register()
    conversation = await group(server, ann, ben_name)
    blob = upload(server, ann, b"canary").json["id"]
    for token in (ben, cleo, None):
        got = ask(server, "GET", f"/blobs/{blob}", token)
        assert got.status in (401, 404)
        assert b"canary" not in got.body
    await paper(server, ann, conversation, blob)
    assert ask(server, "GET", f"/blobs/{blob}", ben).body == b"canary"
    assert ask(server, "GET", f"/blobs/{blob}", cleo).status == 404
    await post(
        server.url,
        "conversation.add",
        {"conversation": conversation, "members": [cleo_name]},
        token=ann,
    )
    assert ask(server, "GET", f"/blobs/{blob}", cleo).status == 404, "it was sent before"
    found = await post(server.url, "user.get", {"users": [ben_name]}, token=ann)
    await post(
        server.url,
        "conversation.remove",
        {"conversation": conversation, "user": found["users"][0]["id"]},
        token=ann,
    )
    others: list[dict[str, Any]] = [{}, {"Range": "bytes=0-2"}, {"If_None_Match": f'"{blob}"'}]
    for headers in others:
        got = ask(server, "GET", f"/blobs/{blob}", ben, **headers)
        assert (got.status, b"can" in got.body) == (404, False)
    listed = await post(server.url, "blob.get", {"blobs": [blob]}, token=ben)
    assert listed == {"blobs": []}


async def test_another_s_upload_cannot_be_sent(server: ServerProcess, people: People) -> None:
    ann_name, ann = await people.register()
    _, ben = await people.register()
    conversation = await group(server, ben, ann_name)
    blob = upload(server, ann, b"mine").json["id"]
    with pytest.raises(Exception, match="no longer there"):
        await paper(server, ben, conversation, blob)
    with pytest.raises(Exception, match="no longer there"):
        await paper(server, ben, conversation, "0" * 32)
    await paper(server, ann, conversation, blob)
    await paper(server, ben, conversation, blob)  # what one may read, one may pass on


async def test_a_deleted_message_takes_its_file_along(
    server: ServerProcess, people: People
) -> None:
    _, ann = await people.register()
    ben_name, ben = await people.register()
    conversation = await group(server, ann, ben_name)
    blob = upload(server, ann, b"gone").json["id"]
    sent = await paper(server, ann, conversation, blob)
    assert ask(server, "GET", f"/blobs/{blob}", ben).status == 200
    await post(server.url, "message.delete", {"message": sent["id"]}, token=ann)
    assert ask(server, "GET", f"/blobs/{blob}", ben).status == 404


async def test_a_file_that_an_edit_takes_away_is_for_nobody_else_any_more(
    server: ServerProcess, people: People
) -> None:
    _, ann = await people.register()
    ben_name, ben = await people.register()
    conversation = await group(server, ann, ben_name)
    first, second = [upload(server, ann, word).json["id"] for word in (b"first", b"second")]
    sent = await paper(server, ann, conversation, first)
    assert ask(server, "GET", f"/blobs/{first}", ben).status == 200
    assert ask(server, "GET", f"/blobs/{second}", ben).status == 404
    edit = {"message": sent["id"], "client_id": uuid.uuid4().hex, "content": {"blob": second}}
    await post(server.url, "message.edit", edit, token=ann)
    assert ask(server, "GET", f"/blobs/{first}", ben).status == 404
    assert ask(server, "GET", f"/blobs/{second}", ben).body == b"second"


async def test_too_large_a_file_is_refused_and_leaves_nothing(
    server: ServerProcess, people: People
) -> None:
    _, ann = await people.register()
    whole = upload(server, ann, bytes(1_000_000))
    assert whole.status == 201
    for content in (bytes(1_000_001), bytes(3_000_000)):
        answer = upload(server, ann, content)
        assert (answer.status, answer.json["error"]["key"]) == (413, "too_large")
    await nothing_incoming(server)


@pytest.mark.parametrize(
    ("body", "kind", "key"),
    [
        (b"{}", "application/json", "invalid_params"),
        (b"", "multipart/form-data; boundary=xyz", "invalid_params"),
        (b"--xyz--\r\n", "multipart/form-data; boundary=xyz", "invalid_params"),
        (form(b"x")[0][:-12], "multipart/form-data; boundary=xyz", "invalid_params"),
        (form(b"x")[0], "multipart/form-data", "invalid_params"),
        (
            b"--xyz\r\n" + b"A: b\r\n" * 160_000,
            "multipart/form-data; boundary=xyz",
            "invalid_params",
        ),
        (b"no form at all", "multipart/form-data; boundary=xyz", "invalid_params"),
    ],
)
async def test_what_is_no_upload_is_explained(
    server: ServerProcess, people: People, body: bytes, kind: str, key: str
) -> None:
    _, ann = await people.register()
    answer = ask(server, "POST", "/blobs", ann, body, Content_Type=kind)
    assert (answer.status, answer.json["error"]["key"]) == (400, key)
    await nothing_incoming(server)


async def test_an_upload_that_breaks_off_leaves_nothing(
    server: ServerProcess, people: People
) -> None:
    _, ann = await people.register()
    parts = urlsplit(server.url)
    _, writer = await asyncio.open_connection(parts.hostname, parts.port)
    body, kind = form(bytes(500_000))
    writer.write(
        f"POST /blobs HTTP/1.1\r\nHost: x\r\nAuthorization: Bearer {ann}\r\n"
        f"Content-Type: {kind}\r\nContent-Length: {len(body)}\r\n\r\n".encode()
        + body[:300_000]
    )
    await writer.drain()
    writer.close()
    assert upload(server, ann, b"another").status == 201
    await nothing_incoming(server)
    assert not _temporary(server.data / "blobs")


async def nothing_incoming(server: ServerProcess) -> None:
    """Return once nothing is left of what was broken off or refused: a thread clears it away."""
    incoming = server.data / "blobs" / "incoming"
    async with asyncio.timeout(30):
        while incoming.is_dir() and any(incoming.iterdir()):
            await asyncio.sleep(0.01)


def _temporary(folder: Path) -> list[str]:
    """What lies about beside the contents."""
    return [str(p) for p in folder.rglob("*") if p.is_file() and len(p.name) != 62]


@pytest.mark.parametrize("origin", [None, "https://evil.example", "null"])
async def test_another_site_uploads_nothing(
    server: ServerProcess, people: People, origin: str | None
) -> None:
    username, _ = await people.register()
    body = json.dumps({"username": username, "password": "correct horse battery", "as": "cookie"})
    opened = ask(server, "POST", "/api/session.open", None, body.encode(), Origin=server.url)
    cookie = (opened.headers["Set-Cookie"] or "").partition(";")[0]
    sent, kind = form(b"x")
    headers = {"Cookie": cookie, "Content_Type": kind, **({"Origin": origin} if origin else {})}
    assert ask(server, "POST", "/blobs", None, sent, **headers).status == 403
    headers["Origin"] = server.url
    assert ask(server, "POST", "/blobs", None, sent, **headers).status == 201
    del headers["Cookie"]
    assert ask(server, "POST", "/blobs", None, sent, **headers).status == 401
