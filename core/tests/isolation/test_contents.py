"""Types' code on content: in children that are killed, at nobody's cost but the author's."""

from __future__ import annotations

import asyncio
import os
import re
import subprocess
import sys
import uuid
from collections.abc import AsyncIterator
from functools import partial
from pathlib import Path
from typing import Annotated, Any

import pytest
from click.testing import CliRunner
from dash_messenger.cli.main import main
from dash_messenger.errors import ContentTooCostly
from dash_messenger.isolation.content_work import read_cheaply
from dash_messenger.isolation.contents import Contents
from dash_messenger.isolation.jobs import JobFailed, JobKilled, JobLimits, JobResult
from dash_messenger.isolation.pool import JobPool
from dash_messenger.plugin_api.message_types import MessageType
from dash_messenger.plugin_api.type_registry import MessageTypes
from dash_messenger.server import services
from dash_messenger.store import tables
from fixtures.local_server import LocalServer, open_server
from msgspec import Meta, Struct
from sqlalchemy import update

PLUGIN = """
import json, re
from pathlib import Path
BROKEN = Path(__file__).with_suffix(".broken")
from typing import Annotated
from dash_messenger import Acted, Change, MessageType, View, hookimpl
from msgspec import Meta, Struct

class Words(Struct, frozen=True):
    words: str
    code: Annotated[str, Meta(pattern=r"^(a+)+$")] = "a"
    count: int = 0

class Costly(MessageType[Words, int]):
    type, Content, State, editable, version = "costly", Words, int, True, 1
    def start(self, content):
        return 0
    def text(self, content, state):
        if content.words == "fail" or open(BROKEN).read():
            raise KeyError(content.words)
        re.fullmatch("(t+)+", content.words)
        return content.words
    @action()
    def ponder(self, message, *, wish: str) -> Change:
        re.fullmatch("(t+)+", wish)
        return Change(state=message.state + 1)

def draw(message, language):
    words = json.loads(bytes(message.content))["words"]
    re.fullmatch("(d+)+", words)
    return json.dumps("drawn " + words).encode()

@hookimpl
def register_message_types(context):
    assert context.name == "costly"
    return [Costly()]

@hookimpl
def register_views(sources):
    return [View("test", ("en",), draw)]
""".replace("import Acted,", "import Acted, action,")
TOO_COSTLY = "content_too_costly"
EXPONENTIAL = {"pattern": {"words": "x", "code": "a" * 60 + "!"}, "text": {"words": "t" * 60 + "!"}}


@pytest.fixture(scope="module")
def plugins_dir(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """One for all: this process imports a single file once."""
    folder = tmp_path_factory.mktemp("plugins")
    (folder / "costly.py").write_text(PLUGIN)
    (folder / "costly.broken").write_text("")
    return folder


@pytest.fixture
async def local(
    tmp_path: Path, plugins_dir: Path, monkeypatch: pytest.MonkeyPatch
) -> AsyncIterator[LocalServer]:
    async with opened(tmp_path, plugins_dir, monkeypatch) as local:
        await local.add("ann", "ben")
        yield local


def opened(tmp_path: Path, plugins_dir: Path, monkeypatch: pytest.MonkeyPatch) -> Any:
    limits = JobLimits(cpu_s=0.3)
    monkeypatch.setattr(services, "JobPool", partial(JobPool, limits=limits))
    return open_server(tmp_path / "data", plugins_dir=plugins_dir, loaded=("costly",))


@pytest.fixture
def killed(monkeypatch: pytest.MonkeyPatch) -> list[str]:
    """The jobs that were killed."""
    jobs: list[str] = []
    run = JobPool.run

    async def watched(self: JobPool, job: str, payload: bytes, **options: Any) -> JobResult:
        try:
            return await run(self, job, payload, **options)
        except JobKilled:
            jobs.append(job)
            raise

    monkeypatch.setattr(JobPool, "run", watched)
    return jobs


def sending(conversation: str, **content: Any) -> dict[str, Any]:
    return {
        "conversation": conversation,
        "client_id": uuid.uuid4().hex,
        "type": "costly",
        "content": content,
    }


async def send(local: LocalServer, conversation: str, **content: Any) -> str:
    sent = await local.call("ann", "message.send", **sending(conversation, **content))
    return str(sent["id"])


def editing(message: str, **content: Any) -> dict[str, Any]:
    return {"message": message, "client_id": uuid.uuid4().hex, "content": content}


async def shown(local: LocalServer, message: str) -> Any:
    found = await local.call("ben", "message.get", messages=[message], views=["test:en"])
    return found["messages"][0]


@pytest.mark.parametrize("kind", EXPONENTIAL)
async def test_exponential_content_is_refused_while_others_go_on(
    local: LocalServer, killed: list[str], kind: str
) -> None:
    group = await local.group("ann", "ben")
    message = await send(local, group, words="hi")
    content = EXPONENTIAL[kind]
    refused = asyncio.create_task(local.failure("ann", "message.send", **sending(group, **content)))
    await local.say("ben", group)
    assert not refused.done()
    for _ in range(4):
        await local.say("ben", group)
    assert (await refused).key == "content_too_costly"
    assert not (await refused).retryable
    failure = await local.failure("ann", "message.edit", **editing(message, **content))
    assert failure.key == "content_too_costly"
    preview = {"type": "costly", "content": content}
    assert (await local.failure("ann", "message.preview", **preview)).key == "content_too_costly"
    # The edit and the preview knew it.
    assert killed == ["new"]
    assert (await shown(local, message))["text"] == "hi"


async def test_costly_parameters_of_an_action_change_nothing(
    local: LocalServer, killed: list[str]
) -> None:
    message = await send(local, await local.group("ann", "ben"), words="hi")
    act: dict[str, Any] = {"message": message, "action": "ponder"}
    for _ in range(2):
        failure = await local.failure(
            "ben",
            "message.act",
            **act,
            client_id=uuid.uuid4().hex,
            params={"wish": "t" * 60 + "!"},
        )
        assert failure.key == "content_too_costly"
    assert killed == ["act"]
    assert (await shown(local, message))["state"] == 0
    done = await local.call(
        "ben", "message.act", **act, client_id=uuid.uuid4().hex, params={"wish": "tt"}
    )
    assert done["rev"] == 2
    assert (await shown(local, message))["state"] == 1


async def test_a_drawing_that_is_killed_leaves_the_text_and_is_not_tried_again(
    local: LocalServer, killed: list[str]
) -> None:
    group = await local.group("ann", "ben")
    message, other = (
        await send(local, group, words="d" * 60 + "!"),
        await send(local, group, words="e"),
    )
    page = await local.call("ben", "message.history", conversation=group, views=["test:en"])
    assert "view" not in page["messages"][0]
    async with asyncio.timeout(60):
        while (await shown(local, other)).get("view") != "drawn e":
            await asyncio.sleep(0.01)
        while not killed:
            await asyncio.sleep(0.01)
    local.server.installed.renderer.forget_drawn()
    assert "view" not in await shown(local, message)
    assert killed == ["draw"]


async def test_code_that_raises_refuses_its_message_and_quarantines_nothing(
    local: LocalServer,
) -> None:
    group = await local.group("ann", "ben")
    await send(local, group, words="hi")
    for _ in range(21):
        failure = await local.failure("ann", "message.send", **sending(group, words="fail"))
        assert failure.key == "plugin_failed"
    await send(local, group, words="hi")


async def test_a_type_that_fails_on_what_worked_before_is_quarantined(
    local: LocalServer, plugins_dir: Path
) -> None:
    group = await local.group("ann", "ben")
    await send(local, group, words="hi")
    (plugins_dir / "costly.broken").write_text("broken")
    try:
        async with asyncio.timeout(30):
            while local.server.installed.plugins.loaded("costly"):
                await local.failure("ann", "message.send", **sending(group, words="hello"))
    finally:
        (plugins_dir / "costly.broken").write_text("")


@pytest.mark.parametrize(
    "content", [{"words": "x", "count": 10**400}, {"words": 7}, {"words": ["x"]}, {"words": {}}, 7]
)
async def test_claims_of_a_preview_are_validated_like_sends(
    local: LocalServer, content: Any
) -> None:
    raw = {"type": "costly", "content": content}
    assert (await local.failure("ann", "message.preview", **raw)).key == "content_invalid"


async def test_a_restart_does_not_try_again_and_an_admin_may_ask_for_it(
    tmp_path: Path, plugins_dir: Path, monkeypatch: pytest.MonkeyPatch, killed: list[str]
) -> None:
    content = {"type": "costly", "content": EXPONENTIAL["text"]}
    async with opened(tmp_path, plugins_dir, monkeypatch) as local:
        await local.add("ann", "ben")
        users = local.users
        assert (await local.failure("ann", "message.preview", **content)).key == TOO_COSTLY
    assert killed == ["new"]
    async with opened(tmp_path, plugins_dir, monkeypatch) as local:
        local.users = users
        assert (await local.failure("ann", "message.preview", **content)).key == TOO_COSTLY
        assert killed == ["new"]
        assert (await local.failure("ann", "plugin.forget_costly")).key == "forbidden"
        await local.server.store.write(
            lambda transaction: transaction.connection.execute(
                update(tables.users).where(tables.users.c.id == users["ann"]).values(role="admin")
            )
        )
        assert await local.call("ann", "plugin.forget_costly") == {"contents": 1}
        assert (await local.failure("ann", "message.preview", **content)).key == TOO_COSTLY
    assert killed == ["new", "new"]
    command = ["plugins", "forget-costly", "--data", str(tmp_path / "data")]
    done = await asyncio.to_thread(CliRunner().invoke, main, command)
    assert done.output == "Contents to be tried again: 1. Restart the server.\n"
    async with opened(tmp_path, plugins_dir, monkeypatch) as local:
        local.users = users
        assert (await local.failure("ann", "message.preview", **content)).key == TOO_COSTLY
    assert killed == ["new"] * 3
    # Another version may be quicker.
    os.utime(plugins_dir / "costly.py", ns=(0, 1))
    async with opened(tmp_path, plugins_dir, monkeypatch) as local:
        local.users = users
        assert (await local.failure("ann", "message.preview", **content)).key == TOO_COSTLY
    assert killed == ["new"] * 4


# Without a server.


class Word(Struct, frozen=True):
    word: Annotated[str, Meta(pattern=r"^((a|aa)+!|a+)$")]


class Inline(MessageType[Word]):
    type, Content, inline = "inline", Word, True

    def text(self, content: Word, state: None) -> str:
        re.fullmatch("(a|aa)+", content.word[:30] + "!")
        return content.word


class Children:
    """Runs nothing; fails as it is told."""

    def __init__(self, error: Exception) -> None:
        self.error = error
        self.jobs: list[str] = []

    async def run(self, job: str, payload: bytes, *, charged_to: str, label: str = "") -> JobResult:
        self.jobs.append(job)
        raise self.error


def contents_of(error: Exception) -> tuple[Contents, Children]:
    types, children = MessageTypes(), Children(error)
    types.add(Inline())
    return Contents(types, children), children


def test_an_inline_type_that_takes_long_runs_in_children_from_then_on() -> None:
    contents, _ = contents_of(RuntimeError())
    assert contents.at_once("inline", b'{"word":"a"}').text == "a"
    assert contents.is_inline("inline")
    word = "a" * 12
    while contents.is_inline("inline") and len(word) < 40:
        word += "a"
        assert contents.at_once("inline", b'{"word":"%s"}' % word.encode()).text == word
    assert not contents.is_inline("inline")


def test_content_that_takes_long_to_decode_is_refused() -> None:
    types = MessageTypes()
    types.add(Inline())
    assert read_cheaply(types, "inline", b'{"word":"a"}') == Word("a")

    def read_longer_and_longer() -> None:
        for length in range(15, 45):
            read_cheaply(types, "inline", b'{"word":"%s"}' % (b"a" * length))

    with pytest.raises(ContentTooCostly):
        read_longer_and_longer()


async def test_what_the_machine_is_to_blame_for_is_not_remembered_and_cost_is() -> None:
    for killed, key, times in (
        (JobKilled("wall"), "timed_out", 2),
        # All places for costly jobs were taken.
        (JobKilled("cpu", certain=False), "timed_out", 2),
        (JobKilled("cpu"), "content_too_costly", 1),
        (JobKilled("memory"), "content_too_costly", 1),
    ):
        contents, children = contents_of(killed)
        contents.types.never_inline("inline")
        for _ in range(2):
            with pytest.raises(Exception) as raised:  # noqa: PT011
                await contents.new("inline", b'{"word":"a"}', "ann")
            assert raised.value.key == key  # type: ignore[attr-defined]
        assert len(children.jobs) == times


async def test_a_failure_is_told_to_who_counts_them() -> None:
    failures: list[str] = []
    types = MessageTypes()
    types.add(Inline())
    types.never_inline("inline")
    contents = Contents(
        types, Children(JobFailed("KeyError")), failed=lambda type, error: failures.append(type)
    )
    with pytest.raises(Exception, match="went wrong"):
        await contents.new("inline", b'{"word":"a"}', "ann")
    assert failures == ["inline"]


def test_children_load_no_database_and_no_web_server() -> None:
    loaded = "import sys, dash_messenger.plugins.content_child; print(*sys.modules)"
    modules = subprocess.run(
        [sys.executable, "-c", loaded], capture_output=True, text=True, check=True
    ).stdout.split()
    assert "dash_messenger.isolation.content_work" in modules
    assert not {"sqlalchemy", "quart", "uvicorn"} & set(modules)
