"""Plugins as strangers ship them: built as wheels, installed beside core and webui, found at start.

The environments hold wheels only, so that nothing is found because a checkout lies about.
"""

from __future__ import annotations

import asyncio
import json
import re
import subprocess
from pathlib import Path

import pytest
from dash_messenger.client import Client
from dash_messenger.errors import UnknownType
from dash_messenger.testing import People, ServerProcess

from tests.environment import FIRST_PARTY, ROOT, make_environment

PROJECTS = Path(__file__).parent / "projects"


@pytest.fixture(scope="module")
def without_text(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with core and webui alone."""
    folder = tmp_path_factory.mktemp("without-text")
    return make_environment(folder, FIRST_PARTY["core"], FIRST_PARTY["webui"])


@pytest.fixture(scope="module")
def with_strangers(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The same with a type of somebody else's and a plugin that raises on import."""
    return make_environment(
        tmp_path_factory.mktemp("with-strangers"),
        FIRST_PARTY["core"],
        FIRST_PARTY["webui"],
        PROJECTS / "shout",
        PROJECTS / "broken",
    )


def start(python: Path, folder: Path) -> ServerProcess:
    server = ServerProcess(folder / "data", command=(str(python), "-m", "dash_messenger"))
    server.start()
    return server


async def chat(people: People) -> tuple[Client, str]:
    ann, bob = await people(), await people()
    made = await ann.call("conversation.create", kind="direct", members=[bob.me["username"]])
    return ann, made["id"]


def listed(python: Path) -> dict[tuple[str, str], dict[str, str]]:
    """What ``dash-messenger plugins --json`` says, by group and name."""
    done = subprocess.run(
        [python, "-m", "dash_messenger", "plugins", "--json"],
        check=True,
        capture_output=True,
        text=True,
    )
    return {(plugin["group"], plugin["name"]): plugin for plugin in json.loads(done.stdout)}


async def test_core_and_webui_run_without_any_message_type(
    without_text: Path, tmp_path: Path
) -> None:
    server = start(without_text, tmp_path)
    people = People(server)
    try:
        ann, conversation = await chat(people)
        assert (await ann.call("plugin.list"))["types"] == []
        with pytest.raises(UnknownType):
            await ann.call(
                "message.send",
                conversation=conversation,
                client_id="0" * 32,
                type="text",
                content={"text": "hi"},
            )
    finally:
        await people.aclose()
        server.kill()


async def test_a_type_from_a_wheel_is_sent_stored_and_drawn(
    with_strangers: Path, tmp_path: Path
) -> None:
    server = start(with_strangers, tmp_path)
    people = People(server)
    try:
        ann, conversation = await chat(people)
        await ann.call(
            "message.send",
            conversation=conversation,
            client_id="0" * 32,
            type="acme.shout",
            content={"words": "hey you"},
        )
        history = {"conversation": conversation, "views": ["dash:en"]}
        async with asyncio.timeout(30):
            # A page goes out without what is still being drawn.
            while True:
                (message,) = (await ann.call("message.history", **history))["messages"]
                if "view" in message:
                    break
        assert message["text"] == "HEY YOU"
        assert message["view"]["namespace"] == "dash_mantine_components"
        assert message["view"]["props"]["children"] == "HEY YOU"
    finally:
        await people.aclose()
        server.kill()


def test_a_plugin_that_raises_on_import_is_listed_with_its_reason(with_strangers: Path) -> None:
    plugins = listed(with_strangers)
    broken = plugins["dash_messenger", "broken"]
    assert broken["status"] == "quarantined"
    assert broken["reason"] == "RuntimeError: this plugin was built on a Friday"
    assert broken["distribution"] == "dash-messenger-broken"
    assert plugins["dash_messenger", "shout"]["status"] == "loaded"
    assert plugins["dash_messenger_webui", "shout"]["status"] == "loaded"


def test_no_message_type_is_named_in_core_or_webui() -> None:
    named = re.compile(r"""\btype\b\W{1,6}["']?(text|markdown|photo|stickers?)["']""")
    found = []
    for path in [
        *(ROOT / "core" / "dash_messenger").rglob("*.py"),
        *(ROOT / "webui" / "dash_messenger_webui").rglob("*.py"),
        *(ROOT / "webui" / "src").rglob("*.ts*"),
    ]:
        for number, line in enumerate(path.read_text().splitlines(), 1):
            # The type of a form's field is HTML's, not ours.
            if named.search(line) and "<input" not in line and "Input" not in line:
                found.append(f"{path.relative_to(ROOT)}:{number}: {line.strip()}")
    assert found == []
