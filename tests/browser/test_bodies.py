"""Bodies and composers that plugins bring, and what is left of them when the plugin is gone."""

from __future__ import annotations

import re
from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest
from dash_messenger.testing import ServerProcess
from playwright.async_api import expect

from tests.browser.conftest import Person, at_one_size
from tests.browser.pages.messenger import composer, write
from tests.environment import FIRST_PARTY, ROOT, make_environment

pytestmark = at_one_size

SHOUT = ROOT / "tests" / "projects" / "shout"


@pytest.fixture(scope="module")
def with_shout(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with core, webui and a stranger's message type."""
    folder = tmp_path_factory.mktemp("with-shout")
    return make_environment(folder, FIRST_PARTY["core"], FIRST_PARTY["webui"], SHOUT)


@pytest.fixture(scope="module")
def bare(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with core and webui alone."""
    folder = tmp_path_factory.mktemp("bare")
    return make_environment(folder, FIRST_PARTY["core"], FIRST_PARTY["webui"])


Serve = Callable[[Path], ServerProcess]


@pytest.fixture
def serve(tmp_path: Path) -> Any:
    """Serves one data folder, at one address, with the Python that is named; one at a time."""
    running: list[ServerProcess] = []

    def serve(python: Path) -> ServerProcess:
        command = (str(python), "-m", "dash_messenger")
        if running:
            running[0].stop()
            running[0]._command = list(command)
        else:
            running.append(ServerProcess(tmp_path / "data", command=command))
        running[0].start()
        return running[0]

    yield serve
    for server in running:
        server.kill()


@pytest.fixture
def server(serve: Serve, with_shout: Path) -> ServerProcess:
    """What people here use: a server with the stranger's type and no other."""
    return serve(with_shout)


async def two_people(person: Any) -> tuple[Person, Person, str]:
    ann, bob = await person("Ann"), await person("Bob")
    made = await ann.call("conversation.create", kind="direct", members=[bob.username])
    return ann, bob, made["id"]


async def test_a_type_from_a_wheel_owns_the_composer_and_its_body_is_drawn(person: Any) -> None:
    ann, bob, conversation = await two_people(person)
    theirs = await bob.open(f"/c/{conversation}")
    await expect(theirs.get_by_label("Shout")).to_be_visible()
    page = await ann.open(f"/c/{conversation}")
    await write(page, "hey you")
    for shown in (page, theirs):
        body = shown.locator(".dm-row .dm-body.dm-component")
        await expect(body.get_by_text("HEY YOU", exact=True)).to_be_visible()
        weight = await body.get_by_text("HEY YOU").evaluate("e => getComputedStyle(e).fontWeight")
        assert weight == "900"
    await expect(page.locator(".dm-row")).to_have_count(1)
    await page.reload()
    await expect(page.locator(".dm-component").get_by_text("HEY YOU")).to_be_visible()


async def test_a_body_that_cannot_be_drawn_shows_its_text_and_leaves_its_neighbours_alone(
    person: Any,
) -> None:
    ann, bob, conversation = await two_people(person)
    page = await ann.open(f"/c/{conversation}")
    for words in ("before", "fall over", "after"):
        await write(page, words)
    await expect(page.locator(".dm-row[data-state=sent]")).to_have_count(3)
    theirs = await bob.open(f"/c/{conversation}")
    for shown in (page, theirs):
        for words in ("BEFORE", "AFTER"):
            await expect(shown.locator(".dm-component").get_by_text(words)).to_be_visible()
        fallen = shown.locator(".dm-row .dm-plain").get_by_text("FALL OVER", exact=True)
        await expect(fallen).to_be_visible()
        await write(shown, "and on")
    await expect(page.locator(".dm-component").get_by_text("AND ON")).to_have_count(2)
    for someone in (ann, bob):
        # React logs what a boundary caught.
        someone.problems[:] = [p for p in someone.problems if not p.startswith("console: ")]


async def test_a_body_shows_names_and_times_as_each_reader_knows_them(person: Any) -> None:
    ann, bob, conversation = await two_people(person)
    page, theirs = await ann.open(f"/c/{conversation}"), await bob.open(f"/c/{conversation}")
    await write(page, "sign")
    for shown in (page, theirs):
        await expect(shown.locator(".dm-body [data-person]")).to_have_text("Ann")
        await expect(shown.locator(".dm-body time")).to_have_text(re.compile(r"\w+ \d+|\d+ \w+, "))
    await ann.call("account.update", display_name="Ann Other")
    await theirs.reload()
    await expect(theirs.locator(".dm-body [data-person]")).to_have_text("Ann Other")


async def test_without_its_plugin_a_message_shows_its_text_and_nothing_can_be_written(
    person: Any, serve: Serve, bare: Path
) -> None:
    ann, _, conversation = await two_people(person)
    page = await ann.open(f"/c/{conversation}")
    await write(page, "hey you")
    await expect(page.locator(".dm-component").get_by_text("HEY YOU")).to_be_visible()
    await page.close()
    serve(bare)
    page = await ann.open(f"/c/{conversation}")
    await expect(page.locator(".dm-row .dm-plain").get_by_text("HEY YOU")).to_be_visible()
    await expect(page.get_by_text("No message type is installed.")).to_be_visible()
    await expect(composer(page)).to_have_count(0)
