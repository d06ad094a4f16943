"""Messages that live: answered, changed, deleted, reacted to; in every open page at once."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import forgive_network
from tests.browser.pages.messenger import (
    SEND_KEY,
    TEXT_BOX,
    open_chat,
    open_menu,
    until_kept,
    write,
)
from tests.browser.people import talk
from tests.browser.wire import sit_in_the_middle

WAITING = "This will be done when the connection is back."


def row(page: Page, text: str) -> Locator:
    return page.locator(".dm-row", has_text=text)


async def menu(page: Page, text: str) -> Locator:
    await row(page, text).locator(".dm-bubble").click(button="right")
    opened = page.get_by_role("menu")
    await expect(opened).to_be_visible()
    return opened


async def choose(page: Page, text: str, entry: str) -> None:
    await (await menu(page, text)).get_by_role("menuitem", name=entry, exact=True).click()


async def test_a_reaction_is_seen_by_all_and_taken_back(person: Any, size: str) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    await ann.send(chat, "Tea?")
    here, there = await open_chat(ann, chat), await open_chat(bob, chat)
    await (await menu(there, "Tea?")).get_by_role("menuitemcheckbox", name="👍").click()
    chip = row(there, "Tea?").locator(".dm-reactions button")
    await expect(chip).to_have_attribute("aria-pressed", "true")
    await expect(row(here, "Tea?").locator(".dm-reactions button")).to_have_text("👍 1")
    await row(here, "Tea?").locator(".dm-reactions button").click()
    await expect(chip).to_have_text("👍 2")
    await chip.click()
    await expect(row(here, "Tea?").locator(".dm-reactions button")).to_have_text("👍 1")
    await expect(chip).to_have_attribute("aria-pressed", "false")
    await there.reload()
    await expect(chip).to_have_text("👍 1")


async def test_an_answer_shows_what_it_answers_and_leads_there(person: Any, size: str) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    await ann.send(chat, "The first of many")
    for n in range(40):
        await ann.send(chat, f"number {n}")
    there = await open_chat(ann, chat)
    await choose(there, "number 39", "Reply")
    await expect(there.locator(".dm-composing")).to_contain_text("Reply to Ann")
    await there.locator(TEXT_BOX).fill("I saw it")
    await there.keyboard.press(SEND_KEY)
    quote = row(there, "I saw it").locator(".dm-quote")
    await expect(quote).to_contain_text("number 39")
    await expect(there.locator(".dm-composing")).to_have_count(0)
    first = (await ann.call("message.history", conversation=chat, after=0, limit=1))["messages"][0]
    await ann.post(chat, "text", {"text": "far back"}, reply_to=first["id"])
    await row(there, "far back").locator(".dm-quote").click()
    await expect(row(there, "The first of many").first).to_be_in_viewport()


async def test_an_edit_and_a_deletion_are_seen_at_once(person: Any, size: str) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    await ann.send(chat, "Black tea")
    await ann.send(chat, "nonsense")
    here, there = await open_chat(ann, chat), await open_chat(bob, chat)
    await choose(here, "Black tea", "Edit")
    await expect(here.locator(TEXT_BOX)).to_have_value("Black tea")
    await here.locator(TEXT_BOX).fill("Green tea")
    await here.keyboard.press(SEND_KEY)
    await expect(row(there, "Green tea")).to_contain_text("edited")
    await expect(here.locator(TEXT_BOX)).to_have_value("")
    await choose(here, "nonsense", "Delete")
    await here.get_by_role("menuitem", name="Delete for everybody").click()
    await expect(row(there, "Message deleted")).to_be_visible()
    await expect(row(there, "nonsense")).to_have_count(0)


async def test_what_is_asked_for_offline_survives_a_reload_and_is_done_once(
    person: Any, size: str, pictures: Path
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    # The oldest message that was kept is drawn when it is known what precedes it.
    await bob.send(chat, "Hello")
    await bob.send(chat, "Which tea?")
    await bob.send(chat, "soon gone")
    await ann.send(chat, "Black tea")
    await ann.send(chat, "nonsense")
    page = await ann.context.new_page()
    wire = await sit_in_the_middle(page)
    await page.goto(f"{ann.base_url}/c/{chat}")
    await page.wait_for_function("() => Object.keys(window.dashMessenger?.types ?? {}).length")
    await expect(row(page, "nonsense")).to_be_visible()
    await until_kept(page, ann, chat, 5)
    wire.refuse = True
    await wire.cut()
    await page.wait_for_function("() => !window.dashMessenger.store.online")
    for text in ("Which tea?", "soon gone"):
        await (await menu(page, text)).get_by_role("menuitemcheckbox", name="👍").click()
    await choose(page, "Black tea", "Edit")
    await expect(page.locator(TEXT_BOX)).to_have_value("Black tea")
    await page.locator(TEXT_BOX).fill("Green tea")
    await page.locator(".dm-send").click()
    await choose(page, "nonsense", "Delete")
    await page.get_by_role("menuitem", name="Delete for everybody").click()
    waiting = [f"{each}: {WAITING}" for each in ("👍", "👍", "Edit “Green tea”", "Delete")]
    notes = page.locator(".dm-note span")
    await expect(notes).to_have_text(waiting)
    await page.reload()
    await expect(notes).to_have_text(waiting)
    assert await page.locator(".dm-note:not(.dm-note-pending)").count() == 0
    await page.screenshot(path=pictures / f"waiting-{size}.png")
    found = await bob.call("message.history", conversation=chat)
    gone = next(each["id"] for each in found["messages"] if each["text"] == "soon gone")
    await bob.call("message.delete", message=gone)
    wire.refuse = False
    await expect(page.locator(".dm-note span")).to_have_text(["👍: Message deleted"])
    await expect(row(page, "Green tea")).to_contain_text("edited")
    await expect(row(page, "Which tea?").locator(".dm-reactions")).to_contain_text("👍 1")
    await expect(row(page, "Message deleted")).to_have_count(2)
    await page.screenshot(path=pictures / f"not-done-{size}.png")
    found = await bob.call("message.history", conversation=chat)
    await page.reload()
    await expect(page.locator(".dm-note span")).to_have_text(["👍: Message deleted"])
    await page.locator(".dm-note").get_by_role("button", name="Discard").click()
    await expect(page.locator(".dm-note")).to_have_count(0)
    await page.reload()
    await expect(row(page, "Green tea")).to_be_visible()
    await expect(page.locator(".dm-note")).to_have_count(0)
    again = await bob.call("message.history", conversation=chat)
    assert again["messages"] == found["messages"]
    forgive_network(ann.problems)


async def test_what_waits_for_a_connection_can_be_taken_back(person: Any) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    await ann.send(chat, "Do not lose this")
    page = await ann.context.new_page()
    wire = await sit_in_the_middle(page)
    await page.goto(f"{ann.base_url}/c/{chat}")
    await expect(row(page, "Do not lose this")).to_be_visible()
    wire.refuse = True
    await wire.cut()
    await page.wait_for_function("() => !window.dashMessenger.store.online")
    await choose(page, "Do not lose this", "Delete")
    await page.get_by_role("menuitem", name="Delete for everybody").click()
    await page.locator(".dm-note").get_by_role("button", name="Discard").click()
    await expect(page.locator(".dm-note")).to_have_count(0)
    wire.refuse = False
    await page.wait_for_function("() => window.dashMessenger.store.online")
    await write(page, "Phew")
    await expect(row(page, "Phew")).to_have_attribute("data-state", re.compile("sent|read"))
    await expect(row(page, "Do not lose this")).to_be_visible()
    forgive_network(ann.problems)


async def test_a_menu_closes_by_escape_and_gives_the_focus_back(person: Any) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    await ann.send(chat, "Tea?")
    here = await open_chat(ann, chat)
    button = row(here, "Tea?").get_by_role("button", name="What to do with this message")
    opened = await open_menu(row(here, "Tea?"))
    await expect(opened.locator("[role^=menuitem]").first).to_be_focused()
    await here.keyboard.press("Escape")
    await expect(here.get_by_role("menu")).to_have_count(0)
    await expect(button).to_be_focused()


async def test_only_what_one_may_do_is_offered(person: Any) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    await ann.send(chat, "Tea?")
    opened = await menu(await open_chat(bob, chat), "Tea?")
    await expect(opened.get_by_role("menuitem", name="Reply")).to_be_visible()
    for entry in ("Edit", "Delete"):
        await expect(opened.get_by_role("menuitem", name=entry, exact=True)).to_have_count(0)


async def test_deleting_is_offered_to_who_owns_the_group_after_its_owner_left(person: Any) -> None:
    ann, bob, cleo = await person("Ann"), await person("Bob"), await person("Cleo")
    made = await ann.call(
        "conversation.create",
        kind="group",
        title="Tea",
        members=[bob.username, cleo.username],
    )
    await cleo.send(made["id"], "nonsense")
    page = await open_chat(bob, made["id"])
    entry = (await menu(page, "nonsense")).get_by_role("menuitem", name="Delete", exact=True)
    await expect(entry).to_have_count(0)
    await page.keyboard.press("Escape")
    await ann.call("conversation.leave", conversation=made["id"])
    await expect(page.get_by_text("2 members")).to_be_visible()
    await choose(page, "nonsense", "Delete")
    await page.get_by_role("menuitem", name="Delete for everybody").click()
    await expect(row(page, "Message deleted")).to_be_visible()


async def test_markup_never_acts_whatever_it_claims(person: Any) -> None:
    """A body of HTML is looked at, nothing more: only components act."""
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    await ann.post(chat, "markdown", {"text": "**bold**"})
    page = await open_chat(bob, chat)
    await page.locator(".dm-body strong").evaluate(
        """bold => bold.innerHTML = '<i data-react="👍">one</i>' +
        '<b class="dm-body dm-component"><b data-act="vote">two</b></b><i data-more>three</i>'"""
    )
    for word in ("one", "two", "three"):
        await page.get_by_text(word, exact=True).click()
    await expect(page.get_by_role("menu")).to_have_count(0)
    await bob.send(chat, "after it")
    await expect(row(page, "after it")).to_be_visible()
    found = await bob.call("message.history", conversation=chat)
    assert "reactions" not in found["messages"][0]
    await expect(page.locator(".dm-note")).to_have_count(0)
