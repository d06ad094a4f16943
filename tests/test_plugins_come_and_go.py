"""A plugin is disabled, enabled, uninstalled and installed again, and nothing is lost."""

from __future__ import annotations

import asyncio
import io
import json
import subprocess
import sys
import urllib.request
from importlib.metadata import entry_points
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.client import Client
from dash_messenger.errors import UnknownCommand, UnknownType
from dash_messenger.testing import People, ServerProcess, upload
from PIL import Image

WITHOUT = "DASH_MESSENGER_PLUGINS_WITHOUT"


def picture() -> bytes:
    file = io.BytesIO()
    Image.new("RGBA", (64, 64), (200, 30, 60, 255)).save(file, "PNG")
    return file.getvalue()


async def state_of(client: Client, conversation: str) -> dict[str, Any]:
    """All that one sees of stickers."""
    page = await client.call("message.history", conversation=conversation)
    return {
        "packs": await client.call("stickers.packs"),
        "picker": await client.call("stickers.picker"),
        "messages": page["messages"],
    }


def download(url: str, token: str, blob: str) -> bytes:
    request = urllib.request.Request(f"{url}/blobs/{blob}")
    request.add_header("Authorization", f"Bearer {token}")
    with urllib.request.urlopen(request, timeout=30) as answer:
        content: bytes = answer.read()
    return content


@pytest.mark.parametrize("way", ["disabled", "uninstalled"])
async def test_packs_favourites_and_messages_are_back_when_the_plugin_is(
    tmp_path: Path, way: str
) -> None:
    server = ServerProcess(tmp_path / "data")
    people = People(server)

    async def restart() -> None:
        assert await asyncio.to_thread(server.stop) == 0
        await asyncio.to_thread(server.start)

    try:
        server.start()
        # The pack that is shipped comes in by itself.
        async with asyncio.timeout(30):
            while "stickers_brought_in" not in server.log:
                await asyncio.sleep(0.05)
        _, token = await people.register()
        ann = await people.connect(token, views=["dash:en"])
        bob = await people()
        made = await ann.call("conversation.create", kind="direct", members=[bob.me["id"]])
        conversation = made["id"]
        pack = await ann.call("stickers.make", title="Mine")
        blob = await upload(server.url, picture(), token=token, name="red.png")
        item = await ann.call("stickers.add", pack=pack["id"], blob=blob["id"], emoji="🔴")
        await ann.call("stickers.favour", sticker=item["id"])
        (message_type,) = [
            one["type"]
            for one in (await ann.call("plugin.list"))["types"]
            if one["plugin"] == "stickers"
        ]
        sending = {"conversation": conversation, "type": message_type}
        await ann.call("message.send", **sending, content={"sticker": item["id"]})
        before = await state_of(ann, conversation)
        (message,) = before["messages"]
        assert message["view"]
        stored = message["content"]["blob"]
        content = await asyncio.to_thread(download, server.url, token, stored)
        assert before["picker"]["groups"]

        if way == "disabled":
            await asyncio.to_thread(server.run, "plugins", "disable", "stickers")
        else:
            server.environment[WITHOUT] = json.dumps(["stickers"])
        await restart()
        with pytest.raises(UnknownCommand):
            await ann.call("stickers.packs")
        with pytest.raises(UnknownType):
            await ann.call("message.send", **sending, content={"sticker": item["id"]})
        page = await ann.call("message.history", conversation=conversation)
        assert [one["text"] for one in page["messages"]] == [message["text"]]
        assert page["messages"][0].get("view") is None
        assert await asyncio.to_thread(download, server.url, token, stored) == content

        if way == "disabled":
            await asyncio.to_thread(server.run, "plugins", "enable", "stickers")
        else:
            del server.environment[WITHOUT]
        await restart()
        after = await state_of(ann, conversation)
        assert after == before
        assert await asyncio.to_thread(download, server.url, token, stored) == content
    finally:
        await people.aclose()
        server.kill()


# Each belongs to the web pages, to a Dash half or to a child process. Pygments does as well, but
# the library that writes the log imports it.
ELSEWHERE = ("dash", "dash_mantine_components", "plotly", "PIL", "markdown_it", "nh3")
SERVER_HALVES = """
import asyncio, sys
from pathlib import Path
from dash_messenger.server.app import Server
from dash_messenger.settings import Settings

async def main():
    server = await Server.open(Settings(data=Path(sys.argv[1]), plugins_without=("webui",)))
    found = {one.name: one.reason for one in server.installed if one.status != "loaded"}
    names = sorted(one.name for one in server.installed)
    await server.aclose()
    print(names, found, sorted(m for m in sys.modules if m.partition(".")[0] in sys.argv[2:]))

asyncio.run(main())
"""


def test_with_every_server_half_loaded_nothing_of_the_pages_is_imported(tmp_path: Path) -> None:
    names = {entry.name for entry in entry_points(group="dash_messenger")} - {"webui"}
    assert {"markdown", "photo", "stickers", "text", "totp"} <= names
    done = subprocess.run(
        [sys.executable, "-c", SERVER_HALVES, str(tmp_path), *ELSEWHERE],
        check=True,
        capture_output=True,
        text=True,
    )
    assert done.stdout.strip() == f"{sorted(names)} {{}} []"
