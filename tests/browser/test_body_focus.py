"""A body in which somebody is at work changes: the focus stays, and what they were typing."""

from __future__ import annotations

import os
from collections.abc import Iterator
from typing import Any

import pytest
from dash_messenger.testing import ServerProcess
from playwright.async_api import Locator, Page, expect

from tests.browser.pages.messenger import TEXT_BOX, open_chat, round_trip
from tests.browser.people import talk
from tests.environment import FIRST_PARTY, ROOT, serving

BODY = '.dm-body[data-plugin="yard"]'

# From now on Dash mounts a component when two seconds have passed, as on a slow device, and the test
# has seen that it is not there.
MOUNT_LATER = """() => {
  const api = window.dash_component_api, { createElement, useEffect, useState } = window.React;
  const { ExternalWrapper } = api;
  const seen = new Promise((go) => addEventListener("test:mount", go, { once: true }));
  api.ExternalWrapper = (props) => {
    const [due, setDue] = useState(false);
    useEffect(() => {
      const passed = new Promise((go) => setTimeout(go, 2000));
      void Promise.all([seen, passed]).then(() => setDue(true));
    }, []);
    return due ? createElement(ExternalWrapper, props) : null;
  };
}"""


# Another revision, whose drawing is on its way: what the last one's was.
CHANGE_UNDRAWN = """(id) => {
  const { store, route } = dashMessenger;
  const { view, ...message } = store.message(route.conversation, id);
  store.putMessage({ ...message, rev: message.rev + 1 });
  return view;
}"""
DRAW = """([id, view]) => {
  const { store, route } = dashMessenger;
  store.putView(route.conversation, id, store.message(route.conversation, id).rev, view);
}"""


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """What people here use: a stranger's field beside ours."""
    projects = (*FIRST_PARTY.values(), ROOT / "tests/projects/yard")
    with serving(tmp_path_factory.mktemp("writing"), *projects) as running:
        yield running


class Guests:
    """A guest book in a chat of two, and the page of the first."""

    def __init__(self, ann: Any, bob: Any, page: Page, message: str) -> None:
        self.ann, self.bob, self.page, self.message = ann, bob, page, message

    @property
    def line(self) -> Locator:
        return self.page.get_by_label("Line")

    @property
    def lines(self) -> Locator:
        return self.page.locator(f"{BODY} p")

    async def add(self, line: str) -> None:
        """The other one adds a line."""
        await self.bob.call(
            "message.act",
            message=self.message,
            action="add",
            params={"line": line},
            client_id=os.urandom(16).hex(),
        )
        await expect(self.lines.last).to_have_text(line)


@pytest.fixture
def guests(person: Any) -> Any:
    async def guests() -> Guests:
        ann, bob = await person("Ann"), await person("Bob")
        chat = await talk(ann, bob)
        sent = await ann.post(chat, "acme.guests", {"words": "Who was here?"})
        page = await open_chat(ann, chat)
        await expect(page.get_by_label("Line")).to_be_visible()
        return Guests(ann, bob, page, sent["id"])

    return guests


async def test_what_somebody_types_goes_on_where_they_were(guests: Any, size: str) -> None:
    book = await guests()
    await book.line.focus()
    await book.page.keyboard.type("Ann was hre")
    await book.page.keyboard.press("ArrowLeft")
    await book.page.keyboard.press("ArrowLeft")
    await book.add("Bob")
    await expect(book.line).to_be_focused()
    await book.page.keyboard.type("e")
    await book.add("Cleo")
    await expect(book.line).to_be_focused()
    await expect(book.line).to_have_value("Ann was here")
    await book.page.keyboard.press("Enter")
    await expect(book.lines).to_have_text(["Bob", "Cleo", "Ann was here"])
    # It is empty for the next line, which is written at once.
    await expect(book.line).to_have_value("")
    await expect(book.line).to_be_focused()
    await book.page.keyboard.type("and again")
    await expect(book.line).to_have_value("and again")


async def test_a_slow_device_gives_the_focus_back_however_long_it_takes(
    guests: Any, size: str
) -> None:
    book = await guests()
    # At once, while the chat is still being opened.
    await book.page.reload()
    await book.line.focus()
    await book.page.keyboard.type("Ann was here")
    await book.page.evaluate(MOUNT_LATER)
    await book.add("Bob")
    await expect(book.line).to_have_count(0)
    await book.page.evaluate("() => dispatchEvent(new Event('test:mount'))")
    await expect(book.line).to_be_focused()
    await expect(book.line).to_have_value("Ann was here")


async def test_the_focus_is_not_taken_from_where_they_went(guests: Any) -> None:
    book = await guests()
    await book.line.fill("later")
    await book.page.locator(TEXT_BOX).focus()
    await book.add("Bob")
    await expect(book.line).to_have_value("later")
    await expect(book.page.locator(TEXT_BOX)).to_be_focused()


async def test_a_button_keeps_the_focus_while_its_message_changes(guests: Any) -> None:
    book = await guests()
    sign = book.page.get_by_role("button", name="Sign")
    await sign.focus()
    await book.page.keyboard.press("Enter")
    await expect(sign).to_have_attribute("aria-pressed", "true")
    await expect(book.lines).to_have_text(["signed"])
    await book.add("Bob")
    await expect(sign).to_be_focused()
    await book.page.keyboard.press("Enter")
    await expect(sign).to_have_attribute("aria-pressed", "false")
    await expect(book.lines).to_have_text(["signed", "Bob", "signed"])


async def test_the_old_drawing_stands_until_the_new_one_has_come(guests: Any) -> None:
    book = await guests()
    sign = book.page.get_by_role("button", name="Sign")
    await sign.focus()
    # As where a drawing takes longer than its event waits for it.
    view = await book.page.evaluate(CHANGE_UNDRAWN, book.message)
    await round_trip(book.page)
    await expect(sign).to_be_focused()
    await book.page.evaluate(DRAW, [book.message, view])
    await round_trip(book.page)
    await expect(sign).to_be_focused()
    await book.page.clock.install()
    # One that never comes leaves the text.
    await book.page.evaluate(CHANGE_UNDRAWN, book.message)
    await round_trip(book.page)
    await expect(sign).to_be_focused()
    await book.page.clock.run_for(11_000)
    await expect(sign).to_have_count(0)
