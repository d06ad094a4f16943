"""Plugins come and go, one at a time, from wheels: nothing that was written is ever lost."""

from __future__ import annotations

import asyncio
from collections.abc import Collection, Iterator
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.client import post
from dash_messenger.errors import UnknownType
from dash_messenger.testing import People, ServerProcess

from tests.one_of_each import PLUGINS, TYPES, Place, send_each


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An environment with every plugin."""
    return Place.make(tmp_path_factory.mktemp("everything"), *PLUGINS)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An environment with core and webui alone."""
    return Place.make(tmp_path_factory.mktemp("bare"))


@pytest.fixture
def servers() -> Iterator[list[ServerProcess]]:
    """What a test starts, and is ended after it."""
    started: list[ServerProcess] = []
    yield started
    for server in started:
        server.kill()


class Readers:
    """The two ways to read a conversation without a page: the Python client, and plain HTTP."""

    def __init__(self, server: ServerProcess, token: str, conversation: str) -> None:
        self._server = server
        self._token = token
        self._conversation = conversation

    async def messages(self, gone: Collection[str] = ()) -> dict[str, dict[str, Any]]:
        """The messages by the plugin of their type; both ways say the same.

        After a start drawings may come later than their messages. They are waited for, but for
        those of plugins that are ``gone``.
        """
        people = People(self._server)
        ask = {"conversation": self._conversation, "views": ["dash:en"]}
        try:
            client = await people.connect(self._token)
            drawn = [name not in gone for name in TYPES]
            async with asyncio.timeout(30):
                while True:
                    page = await client.call("message.history", ask)
                    if ["view" in message for message in page["messages"]] == drawn:
                        break
                    await asyncio.sleep(0.1)
            log = await client.call("log.read", log=self._conversation, after=0, limit=500)
        finally:
            await people.aclose()
        url = self._server.url
        assert (await post(url, "message.history", ask, token=self._token))["messages"] == page[
            "messages"
        ]
        created = [event for event in log["events"] if event["kind"] == "message.created"]
        assert [event["data"]["message"]["text"] for event in created] == [
            message["text"] for message in page["messages"]
        ]
        return dict(zip(TYPES, page["messages"], strict=True))


async def test_each_type_that_is_uninstalled_is_read_by_its_text_and_drawn_again_when_it_is_back(
    everything: Place, tmp_path: Path, servers: list[ServerProcess]
) -> None:
    server = everything.server(tmp_path / "data")
    servers.append(server)
    server.start()
    people = People(server)
    _, token = await people.register()
    ann, bob = await people.connect(token), await people()
    made = await ann.call("conversation.create", kind="direct", members=[bob.me["username"]])
    await send_each(ann, token, server.url, made["id"])
    await people.aclose()
    readers = Readers(server, token, made["id"])
    before = await readers.messages()
    assert all("view" in message for message in before.values())
    assert {name: message["text"] for name, message in before.items()} == {
        **TYPES,
        "stickers": before["stickers"]["content"]["emoji"].split()[0],
    }

    gone: set[str] = set()
    for name in TYPES:
        server.stop()
        everything.run("dash_messenger", "uninstall", name)
        server.start()
        gone.add(name)
        for plugin, message in (await readers.messages(gone)).items():
            plain = {key: value for key, value in before[plugin].items() if key != "view"}
            assert message == (plain if plugin in gone else before[plugin])

    server.stop()
    everything.run("dash_messenger", "install", *TYPES)
    server.start()
    assert await readers.messages() == before


async def test_from_nothing_each_plugin_arrives_by_one_install_and_a_restart(
    bare: Place, tmp_path: Path, servers: list[ServerProcess]
) -> None:
    server = bare.server(tmp_path / "data")
    servers.append(server)
    server.start()
    assert "No message type is installed" in server.log
    people = People(server)
    _, token = await people.register()
    ann, bob = await people.connect(token), await people()
    made = await ann.call("conversation.create", kind="direct", members=[bob.me["username"]])
    with pytest.raises(UnknownType):
        await send_each(ann, token, server.url, made["id"], ("text",))
    for name in TYPES:
        if name != "markdown":
            said = bare.run("dash_messenger", "install", name)
            assert name in said
        else:
            # What plain pip installs is found just as well.
            (wheel,) = bare.wheels.glob("dash_messenger_markdown-*.whl")
            bare.run("pip", "install", "--quiet", str(wheel))
        server.stop()
        server.start()
        # The old client may not have noticed that its connection is one to a server that is gone.
        ann = await people.connect(token)
        await send_each(ann, token, server.url, made["id"], (name,))
    await people.aclose()
    drawn = await Readers(server, token, made["id"]).messages()
    assert all("view" in message for message in drawn.values())
