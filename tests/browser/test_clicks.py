"""A press is one command, however often what was pressed goes out of sight and comes back.

Bodies are unmounted when they are scrolled away and mounted again when they come back, and Dash puts
back what it knows of a component; every page reconnects when the server comes back.
"""

from __future__ import annotations

import asyncio
import os
import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from dash_messenger.testing import ServerProcess
from playwright.async_api import Locator, Page, Request, expect

from tests.browser.conftest import Person, at_one_size, forgive_network
from tests.browser.pages.any_page import becomes, drawn
from tests.browser.pages.messenger import settled
from tests.browser.people import talk
from tests.browser.wire import frames_sent
from tests.environment import FIRST_PARTY, ROOT, serving

pytestmark = at_one_size

TIMES = 5
# So many that the first is unmounted while the last is in view.
OTHERS = 45
SCROLL = ".dm-scroll"
POLL = ("acme.poll", {"question": "Tea?", "options": ["yes", "no"]})
BELL = ("acme.bell", {"words": "bell"})


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """With a poll, and a body that needs a callback. It may be restarted: it keeps its address."""
    projects = (*FIRST_PARTY.values(), ROOT / "examples/poll", ROOT / "tests/projects/yard")
    with serving(tmp_path_factory.mktemp("clicks"), *projects) as running:
        yield running


async def revisions(person: Person, conversation: str) -> int:
    """How often a message of the conversation was changed: what commands came to, in the log."""
    page = await person.call("log.read", log=conversation, after=0, limit=500)
    return sum(event["kind"] == "message.updated" for event in page["events"])


def requests_of(page: Page) -> list[str]:
    """The callbacks of the bell's body that the page calls from now on."""
    found: list[str] = []

    def on_request(request: Request) -> None:
        body = request.post_data or ""
        if "_dash-update-component" in request.url and "yard" in body:
            found.append(body)

    page.on("request", on_request)
    return found


class Reader:
    """Somebody's page at the conversation, and what it sends."""

    def __init__(self, person: Person, page: Page, message: str) -> None:
        self.person = person
        self.page = page
        self.acts = frames_sent(page, "message.act")
        self.callbacks = requests_of(page)
        self.row = page.locator(f'.dm-row[data-id="{message}"]')

    async def there_and_back(self) -> None:
        """Scroll away until the message is unmounted, and back to it."""

        async def left() -> int:
            # A list that is still going to where it opens goes there once more.
            await self.page.locator(SCROLL).evaluate("e => (e.scrollTop = e.scrollHeight)")
            await drawn(self.page)
            return await self.row.count()

        await becomes(left, lambda count: count == 0)
        await self.to_the_message()

    async def to_the_message(self) -> None:
        await self.page.locator(SCROLL).evaluate("e => (e.scrollTop = 0)")
        await expect(self.row).to_be_visible()

    async def online(self) -> None:
        await self.page.wait_for_function("() => window.dashMessenger.store.online")

    async def offline(self) -> None:
        await self.page.wait_for_function("() => !window.dashMessenger.store.online")


# The page has heard of a change of the message, and how it is drawn.
CHANGED = """([conversation, id]) => {
  const { rev, view } = window.dashMessenger.store.message(conversation, id);
  return rev > 0 && view !== undefined;
}"""

Readers = tuple[Reader, Reader, str]


@pytest.fixture
def at_message(person: Any) -> Callable[[tuple[str, Any]], Awaitable[Readers]]:
    """Two people in two browsers, both looking at the first message of a long conversation."""

    async def at_message(what: tuple[str, Any]) -> Readers:
        ann, bob = await person("Ann"), await person("Bob")
        chat = await talk(ann, bob)
        message = str((await ann.post(chat, *what))["id"])
        for n in range(OTHERS):
            await ann.send(chat, f"number {n}")
        readers = []
        for one in (ann, bob):
            page = await one.context.new_page()
            one.pages.append(page)
            reader = Reader(one, page, message)
            await page.goto(f"{one.base_url}/c/{chat}")
            await settled(page)
            await reader.to_the_message()
            readers.append(reader)
        return readers[0], readers[1], chat

    return at_message


async def wander(server: ServerProcess, *readers: Reader) -> None:
    """Each scrolls away and back several times, before and after the server was restarted."""
    for time in range(TIMES):
        if time == TIMES // 2:
            await asyncio.to_thread(server.stop)
            for reader in readers:
                await reader.offline()
            await asyncio.to_thread(server.start)
            for reader in readers:
                await reader.online()
        for reader in readers:
            await reader.there_and_back()
    for reader in readers:
        forgive_network(reader.person.problems)


def option(reader: Reader, name: str) -> Locator:
    # One's own vote has a tick behind it.
    return reader.row.get_by_role("button", name=re.compile(rf"^{name}\b"))


async def test_a_vote_is_one_command_however_often_it_comes_back_into_view(
    at_message: Any, server: ServerProcess
) -> None:
    ann, bob, chat = await at_message(POLL)
    await option(ann, "0 % yes").click()
    for reader in (ann, bob):
        await expect(option(reader, "100 % yes")).to_be_visible()
    await wander(server, ann, bob)
    await expect(option(ann, "100 % yes")).to_have_attribute("aria-pressed", "true")
    await expect(option(bob, "100 % yes")).to_have_attribute("aria-pressed", "false")
    assert (len(ann.acts), len(bob.acts)) == (1, 0)
    assert await revisions(ann.person, chat) == 1


async def test_a_callback_of_a_body_is_called_once_however_often_it_comes_back_into_view(
    at_message: Any, server: ServerProcess
) -> None:
    ann, bob, chat = await at_message(BELL)
    await ann.row.get_by_role("button", name="Ring").click()
    for reader in (ann, bob):
        await expect(reader.row.get_by_text("bell: 1")).to_be_visible()
    await wander(server, ann, bob)
    for reader in (ann, bob):
        await expect(reader.row.get_by_text("bell: 1")).to_be_visible()
    assert (len(ann.callbacks), len(bob.callbacks)) == (1, 0)
    assert await revisions(ann.person, chat) == 1
    # It still answers: what was put back is not deaf.
    await ann.row.get_by_role("button", name="Ring").click()
    await expect(bob.row.get_by_text("bell: 2")).to_be_visible()
    assert len(ann.callbacks) == 2


async def test_two_who_press_at_once_both_count(at_message: Any) -> None:
    ann, bob, chat = await at_message(POLL)
    # Not by its words: the first press changes those of the second reader's button.
    yes = '[data-act="vote"]'
    await asyncio.gather(*(reader.row.locator(yes).first.click() for reader in (ann, bob)))
    for reader in (ann, bob):
        await expect(option(reader, "100 % yes")).to_have_attribute("aria-pressed", "true")
        await expect(reader.row.get_by_text("2 votes")).to_be_visible()
    assert (len(ann.acts), len(bob.acts)) == (1, 1)
    assert await revisions(ann.person, chat) == 2


async def test_two_who_call_back_at_once_both_count(at_message: Any) -> None:
    ann, bob, chat = await at_message(BELL)
    rings = [reader.row.get_by_role("button", name="Ring").click() for reader in (ann, bob)]
    await asyncio.gather(*rings)
    for reader in (ann, bob):
        await expect(reader.row.get_by_text("bell: 2")).to_be_visible()
    assert (len(ann.callbacks), len(bob.callbacks)) == (1, 1)
    assert await revisions(ann.person, chat) == 2


async def test_a_body_that_changes_under_the_finger_is_pressed(at_message: Any) -> None:
    ann, bob, chat = await at_message(BELL)
    ring = bob.row.get_by_role("button", name="Ring")
    await ring.hover()
    await bob.page.mouse.down()
    await ann.row.get_by_role("button", name="Ring").click()
    await expect(ann.row.get_by_text("bell: 1")).to_be_visible()
    message = await bob.row.get_attribute("data-id")
    await bob.page.wait_for_function(CHANGED, arg=[chat, message])
    await expect(bob.row.get_by_text("bell: 0")).to_be_visible()
    await bob.page.mouse.up()
    for reader in (ann, bob):
        await expect(reader.row.get_by_text("bell: 2")).to_be_visible()
    assert (len(ann.callbacks), len(bob.callbacks)) == (1, 1)


async def test_a_press_while_the_server_is_away_is_shown_as_waiting_and_done_once(
    at_message: Any, server: ServerProcess
) -> None:
    ann, bob, chat = await at_message(POLL)
    await asyncio.to_thread(server.stop)
    try:
        await ann.offline()
        await option(ann, "0 % no").click()
        # Not at a place of the screen: the note that comes may have moved what stands there.
        await option(ann, "0 % no").evaluate("(button) => button.click()")
        note = ann.page.locator(".dm-note")
        await expect(note).to_contain_text("This will be done when the connection is back.")
        await expect(option(ann, "0 % no")).to_have_attribute("aria-busy", "true")
        # What waits is shown as waiting when it comes back into view, too.
        await ann.there_and_back()
        await expect(option(ann, "0 % no")).to_have_attribute("aria-busy", "true")
    finally:
        await asyncio.to_thread(server.start)
    for reader in (ann, bob):
        await expect(option(reader, "100 % no")).to_be_visible()
        forgive_network(reader.person.problems)
    await expect(note).to_have_count(0)
    assert len(ann.acts) == 1
    assert await revisions(ann.person, chat) == 1


async def test_a_refused_press_says_why(at_message: Any) -> None:
    ann, bob, _ = await at_message(POLL)
    message = await ann.row.get_attribute("data-id")
    await ann.person.call(
        "message.act", message=message, action="close", client_id=os.urandom(16).hex()
    )
    await expect(option(bob, "0 % yes")).to_be_disabled()
    # As if the page had not heard of it yet.
    await option(bob, "0 % yes").evaluate("e => (e.disabled = false)")
    await option(bob, "0 % yes").click()
    await expect(bob.page.locator(".dm-note")).to_contain_text("This poll is closed.")
