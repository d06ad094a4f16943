"""What admins do not want is refused with a sentence; before they set anything, nothing is."""

import asyncio
import http.client
import json
import uuid
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest
from dash_messenger import Refused
from dash_messenger.client import Client
from dash_messenger.errors import Forbidden, InvalidParams
from dash_messenger.testing import People, ServerProcess


@pytest.fixture
async def admin(people: People) -> AsyncIterator[Client]:
    admin = await people.admin()
    yield admin
    await change(admin, words=[], networks=[], endings=[])


async def change(client: Client, **values: object) -> None:
    await client.call("plugin.change_settings", plugin="guard", values=values)


async def direct(people: People, client: Client) -> str:
    bob, _ = await people.register()
    made = await client.call("conversation.create", kind="direct", members=[bob])
    conversation: str = made["id"]
    return conversation


async def say(client: Client, conversation: str, text: str) -> Any:
    return await client.call(
        "message.send",
        conversation=conversation,
        client_id=uuid.uuid4().hex,
        type="text",
        content={"text": text},
    )


def upload(server: ServerProcess, token: str, name: str) -> int:
    """The status of the answer to an upload."""
    parts = urlsplit(server.url)
    connection = http.client.HTTPConnection(parts.hostname or "", parts.port, timeout=30)
    body = (
        f'--b\r\nContent-Disposition: form-data; name="file"; filename="{name}"\r\n'
        "Content-Type: application/octet-stream\r\n\r\nhello\r\n--b--\r\n"
    )
    headers = {
        "Authorization": f"Bearer {token}",
        "Content-Type": "multipart/form-data; boundary=b",
    }
    try:
        connection.request("POST", "/blobs", body, headers)
        return connection.getresponse().status
    finally:
        connection.close()


async def test_a_word_is_refused_wherever_it_stands_alone(people: People, admin: Client) -> None:
    conversation = await direct(people, admin)
    await say(admin, conversation, "such a nuisance")
    await change(admin, words=["nuisance", "c++"])
    for text in ("Nuisance!", "what a nuisance.", "I like C++"):
        with pytest.raises(Refused, match="cannot be sent here"):
            await say(admin, conversation, text)
    await say(admin, conversation, "nuisances, c")


async def test_who_is_elsewhere_cannot_log_in(people: People, admin: Client) -> None:
    name, _ = await people.register()
    await change(admin, networks=["192.0.2.0/24", "2001:db8::/32"])
    with pytest.raises(Refused, match="You cannot log in from here"):
        await people.log_in(name)
    await change(admin, networks=["127.0.0.0/8"])
    assert await people.log_in(name)


async def test_a_file_with_a_refused_ending_is_not_kept(
    server: ServerProcess, people: People, admin: Client
) -> None:
    _, token = await people.register()
    assert await asyncio.to_thread(upload, server, token, "game.exe") == 201
    await change(admin, endings=[".exe", ".BAT"])
    assert await asyncio.to_thread(upload, server, token, "game.EXE") == 422
    assert await asyncio.to_thread(upload, server, token, "game.bat") == 422
    assert await asyncio.to_thread(upload, server, token, "exe.txt") == 201


async def test_what_is_no_network_cannot_be_set(admin: Client) -> None:
    with pytest.raises(InvalidParams, match="does not appear to be an IPv4 or IPv6 network"):
        await change(admin, networks=["everywhere"])
    with pytest.raises(InvalidParams):
        await change(admin, words=["x" * 101])
    found = await admin.call("plugin.settings")
    values = {one["name"]: one["value"] for one in found["plugins"][0]["settings"]}
    assert values == {"words": [], "networks": [], "endings": []}


async def test_settings_are_for_admins(people: People) -> None:
    ann = await people()
    with pytest.raises(Forbidden):
        await change(ann, words=["a"])
    with pytest.raises(Forbidden):
        await ann.call("plugin.settings")


async def test_how_often_it_refused_stands_in_the_log_at_the_end(tmp_path: Path) -> None:
    server = ServerProcess(tmp_path / "data")
    server.start()
    people = People(server)
    try:
        admin = await people.admin()
        await change(admin, words=["nuisance"])
        conversation = await direct(people, admin)
        for _ in range(2):
            with pytest.raises(Refused):
                await say(admin, conversation, "nuisance")
        await people.aclose()
        assert await asyncio.to_thread(server.stop) == 0
        lines = [json.loads(line) for line in server.log.splitlines()]
        (said,) = (line for line in lines if line["event"] == "refused")
        assert (said["plugin"], said["messages"]) == ("guard", 2)
    finally:
        server.kill()
