"""Editing: what a type is told of the message that is edited, and what becomes of its files."""

from __future__ import annotations

import uuid
from collections.abc import AsyncIterator, Iterable
from pathlib import Path
from typing import Any

import pytest
from dash_messenger import MessageType, Preparing, Refused
from fixtures.local_server import LocalServer, open_server
from msgspec import Struct
from msgspec.structs import replace

DAY_S = 86_400


class Paper(Struct, frozen=True, forbid_unknown_fields=True):
    """A title and files; the server says which edit this is."""

    title: str
    files: list[str] = []
    edits: int = 0


class Papers(MessageType[Paper]):
    type, Content, editable, inline = "papers", Paper, True, True

    def __init__(self) -> None:
        self.told: list[Paper | None] = []

    def text(self, content: Paper, state: None) -> str:
        return content.title

    def blobs(self, content: Paper) -> Iterable[str]:
        return content.files

    async def prepare(self, content: Paper, preparing: Preparing) -> Paper:
        before = preparing.before
        self.told.append(before)
        if content.title == "blank":
            raise Refused(reason="It says nothing.", field="title")
        return replace(content, edits=0 if before is None else before.edits + 1)


@pytest.fixture
def papers() -> Papers:
    return Papers()


@pytest.fixture
async def local(tmp_path: Path, papers: Papers) -> AsyncIterator[LocalServer]:
    async with open_server(tmp_path) as local:
        local.server.installed.types.add(papers, "papers")
        await local.add("ann", "ben")
        yield local


async def put(local: LocalServer, by: str, content: bytes) -> str:
    async def chunks() -> AsyncIterator[bytes]:
        yield content

    blob = await local.server.blobs.keep(chunks(), owner=local.users[by], name="a")
    return blob.id


async def send(local: LocalServer, **content: Any) -> str:
    group = await local.group("ann", "ben")
    params = {"conversation": group, "client_id": uuid.uuid4().hex, "type": "papers"}
    sent = await local.call("ann", "message.send", **params, content=content)
    return str(sent["id"])


def edit(message: str, **content: Any) -> dict[str, Any]:
    return {"message": message, "content": content, "client_id": uuid.uuid4().hex}


async def content_of(local: LocalServer, message: str) -> Any:
    found = await local.call("ben", "message.get", messages=[message])
    return found["messages"][0]["content"]


async def test_a_type_is_told_what_is_edited_and_keeps_what_it_made(
    local: LocalServer, papers: Papers
) -> None:
    message = await send(local, title="one", edits=7)
    await local.call("ann", "message.edit", **edit(message, title="two", edits=7))
    await local.call("ann", "message.edit", **edit(message, title="three", edits=7))
    assert papers.told == [None, Paper("one"), Paper("two", edits=1)]
    assert await content_of(local, message) == {"title": "three", "files": [], "edits": 2}


async def test_an_edit_that_the_type_refuses_changes_nothing(local: LocalServer) -> None:
    message = await send(local, title="one")
    failure = await local.failure("ann", "message.edit", **edit(message, title="blank"))
    assert (failure.key, failure.params["field"]) == ("refused", "title")
    assert (await content_of(local, message))["title"] == "one"


async def test_what_an_older_version_wrote_is_told_as_it_would_be_written_now(
    local: LocalServer, papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await send(local, title="one")
    monkeypatch.setattr(Papers, "version", 2)
    monkeypatch.setattr(Papers, "upgrades", {1: lambda old: {"title": old["title"].upper()}})
    await local.call("ann", "message.edit", **edit(message, title="two"))
    assert papers.told[-1] == Paper("ONE")


async def test_an_upgrade_that_fails_refuses_the_edit(
    local: LocalServer, monkeypatch: pytest.MonkeyPatch
) -> None:
    message = await send(local, title="one")
    monkeypatch.setattr(Papers, "version", 2)
    monkeypatch.setattr(Papers, "upgrades", {1: lambda old: {"title": old["name"]}})
    failure = await local.failure("ann", "message.edit", **edit(message, title="two"))
    assert failure.key == "plugin_failed"


async def test_what_newer_code_wrote_is_edited_as_if_it_were_new(
    local: LocalServer, papers: Papers, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(Papers, "version", 2)
    message = await send(local, title="one")
    monkeypatch.setattr(Papers, "version", 1)
    await local.call("ann", "message.edit", **edit(message, title="two"))
    assert papers.told == [None, None]


async def test_an_edit_lets_go_of_the_files_it_takes_away_and_of_no_other(
    local: LocalServer,
) -> None:
    kept, gone, new = [await put(local, "ann", word) for word in (b"kept", b"gone", b"new")]
    message = await send(local, title="one", files=[kept, gone])
    await local.call("ann", "message.edit", **edit(message, title="one", files=[new, kept]))
    blobs = local.server.blobs
    local.clock.advance(s=DAY_S - 1)
    assert await blobs.collect() == 0
    local.clock.advance(s=2)
    assert await blobs.collect() == 1
    held = [
        b"".join([part async for part in blobs.stream(id, 0, size)])
        for id, size in ((kept, 4), (new, 3))
    ]
    assert held == [b"kept", b"new"]
    assert (await content_of(local, message))["files"] == [new, kept]


async def test_an_edit_cannot_bring_in_what_its_author_may_not_read(local: LocalServer) -> None:
    own, theirs = await put(local, "ann", b"own"), await put(local, "ben", b"theirs")
    message = await send(local, title="one", files=[own])
    failure = await local.failure(
        "ann", "message.edit", **edit(message, title="two", files=[own, theirs])
    )
    assert failure.key == "blob_unusable"
    assert await content_of(local, message) == {"title": "one", "files": [own], "edits": 0}
    # What it holds is held still.
    local.clock.advance(s=DAY_S + 1)
    assert await local.server.blobs.collect() == 1
