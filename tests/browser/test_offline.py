"""Item 8: no connection, a server that restarts, a session closed elsewhere: nothing is lost."""

from __future__ import annotations

import asyncio
import re
from collections.abc import Awaitable, Callable
from pathlib import Path
from urllib.parse import parse_qs, urlsplit

from dash_messenger.testing import ServerProcess, post
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import PASSWORD, Person, at_one_size, forgive_network
from tests.browser.pages.any_page import becomes, drawn
from tests.browser.pages.dialogs import people_field
from tests.browser.pages.forms import FORM, SEND, chosen, form
from tests.browser.pages.messenger import BANNER, TEXT_BOX, message, open_chat, open_list, write
from tests.browser.people import talk
from tests.browser.wire import sit_in_the_middle

MakePerson = Callable[..., Awaitable[Person]]
OFFLINE = "() => window.dashMessenger?.store.online === false"
ONLINE = "() => window.dashMessenger?.store.online"
IS_ON_TOP = """(element) => {
    const { left, top, width, height } = element.getBoundingClientRect();
    return element.contains(document.elementFromPoint(left + width / 2, top + height / 2));
}"""
# Remembers what the page was called and whether anything like an error box was ever there.
WATCH = """() => {
    window.watched = { titles: [document.title], boxes: [] };
    new MutationObserver(() => {
        const { titles, boxes } = window.watched;
        if (titles.at(-1) !== document.title) titles.push(document.title);
        const box = document.querySelector(
            '[class*="dash-error"], [class*="dash-debug"], ._dash-error, #_dash-global-error-container > *'
        );
        if (box) boxes.push(box.className);
    }).observe(document, { childList: true, subtree: true, characterData: true });
}"""


@at_one_size
async def test_what_is_written_offline_is_sent_once_and_in_order_on_return(
    person: MakePerson,
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    page, bens = await open_chat(ann, chat), await open_chat(ben, chat)
    await ann.context.set_offline(True)
    await page.wait_for_function(OFFLINE)
    written = ["First", "Second", "Third"]
    await write(page, *written)
    for text in written:
        await expect(message(page, text)).to_have_attribute("data-state", "pending")
    preview = page.locator(f'.dm-chat[href="/c/{chat}"] .dm-chat-preview')
    await expect(preview).to_have_text(re.compile(r"You:\s+Third"))
    state = await preview.get_by_role("img", name="Sending").bounding_box()
    words = await preview.get_by_text("You:").bounding_box()
    assert state is not None
    assert words is not None
    assert state["x"] + state["width"] <= words["x"] + 1
    await ben.send(chat, "Meanwhile")
    await expect(message(bens, "Meanwhile")).to_be_visible()
    await expect(page.locator(BANNER)).to_be_visible()
    await ann.context.set_offline(False)
    for text in written:
        await expect(message(page, text)).to_have_attribute("data-state", re.compile("sent|read"))
        await expect(message(bens, text)).to_be_visible()
    await expect(page.locator(BANNER)).to_have_count(0)
    await expect(preview).to_have_text(re.compile(r"You:\s+Third"))
    await expect(preview.get_by_role("img")).to_have_count(0)
    for each in (page, bens):
        await expect(message(each, "Third")).to_have_count(1)
        await shows_texts(each, "Meanwhile", *written)
    assert await texts_stored(ann, chat) == ["Meanwhile", *written]
    forgive_network(ann.problems)


@at_one_size
async def test_a_message_whose_answer_was_lost_is_there_once(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    bens = await open_chat(ben, chat)
    page = await ann.context.new_page()
    wire = await sit_in_the_middle(page)
    await page.goto(f"{ann.base_url}/c/{chat}")
    await page.wait_for_function(ONLINE)
    wire.keep_all = True
    await write(page, "Did you get this?")
    await expect(message(bens, "Did you get this?")).to_be_visible()
    await expect(message(page, "Did you get this?")).to_have_attribute("data-state", "pending")
    await wire.cut()
    await expect(message(page, "Did you get this?")).to_have_attribute(
        "data-state", re.compile("sent|read")
    )
    await write(page, "And this?")
    await expect(message(bens, "And this?")).to_be_visible()
    await shows_texts(bens, "Did you get this?", "And this?")
    await shows_texts(page, "Did you get this?", "And this?")
    assert await texts_stored(ann, chat) == ["Did you get this?", "And this?"]


async def test_a_connection_that_went_silent_is_noticed_and_what_met_it_is_sent_on_the_next(
    person: MakePerson, pictures: Path, size: str
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    await ben.send(chat, "Are you there?")
    page = await ann.context.new_page()
    wire = await sit_in_the_middle(page)
    await page.clock.install()
    await page.goto(f"{ann.base_url}/c/{chat}")
    await expect(message(page, "Are you there?")).to_be_visible()
    # As behind a proxy that forgot the connection: it stays open, and nothing passes. So does the next.
    wire.hold_requests = wire.keep_all = True
    await page.clock.run_for(45_000)
    await page.wait_for_function(OFFLINE)
    await expect(page.locator(BANNER)).to_be_visible()
    await write(page, "I am")
    await expect(message(page, "I am")).to_have_attribute("data-state", "pending")
    await page.screenshot(path=pictures / f"silent-connection-{size}.png")
    wire.hold_requests = wire.keep_all = False
    await passes_until(page, message(page, "I am"), "sent")
    # A message that is the first to meet one.
    wire.hold_requests = wire.keep_all = True
    await write(page, "Still here")
    await page.clock.run_for(20_000)
    await expect(message(page, "Still here")).to_have_attribute("data-state", "pending")
    wire.hold_requests = wire.keep_all = False
    await passes_until(page, message(page, "Still here"), "sent")
    await expect(page.locator(BANNER)).to_have_count(0)
    assert await texts_stored(ann, chat) == ["Are you there?", "I am", "Still here"]


async def passes_until(page: Page, row: Locator, state: str) -> None:
    """Let time pass until a message has this state."""

    async def look() -> str | None:
        # No more at once: an answer that is under way must not come too late by the page's clock.
        await page.clock.run_for(400)
        return await row.get_attribute("data-state")

    await becomes(look, lambda now: now == state)


@at_one_size
async def test_what_was_not_sent_survives_a_reload(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    page = await ann.context.new_page()
    wire = await sit_in_the_middle(page)
    await page.goto(f"{ann.base_url}/c/{chat}")
    await page.wait_for_function(ONLINE)
    wire.hold_requests = True
    await write(page, "Before the reload")
    await expect(message(page, "Before the reload")).to_have_attribute("data-state", "pending")
    wire.hold_requests = False
    await page.reload()
    await expect(message(page, "Before the reload")).to_have_attribute("data-state", "sent")
    assert await texts_stored(ann, chat) == ["Before the reload"]


async def test_photos_chosen_offline_wait_outlive_a_reload_and_are_sent(
    person: MakePerson, pictures: Path, size: str
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    page = await ann.context.new_page()
    wire = await sit_in_the_middle(page)
    await page.goto(f"{ann.base_url}/c/{chat}")
    await page.wait_for_function(ONLINE)
    wire.refuse = True
    await page.route("**/blobs", lambda route: route.abort("internetdisconnected"))
    await wire.cut()
    await page.wait_for_function(OFFLINE)
    for caption, names in (("Lakes", ("a.png", "b.png")), ("Not this", ("c.png",))):
        await (await form(page, "Photo")).set_input_files(chosen(*names))
        await page.get_by_label("Caption").fill(caption)
        await expect(page.locator(FORM)).to_contain_text("sent when the connection is back")
        await page.screenshot(path=pictures / f"offline-form-{size}.png")
        await page.locator(SEND).click()
        await expect(message(page, caption)).to_have_attribute("data-state", "pending")
    notes = page.locator(".dm-note-pending")
    await expect(notes).to_have_text([re.compile("when the connection is back")] * 2)
    await expect(notes).not_to_contain_text(["Keep this page open"] * 2)
    await page.screenshot(path=pictures / f"offline-photos-{size}.png")
    await notes.last.get_by_role("button", name="Discard").click()
    await expect(message(page, "Not this")).to_have_count(0)
    await page.reload()
    await expect(message(page, "Lakes").locator(".dm-unsent img")).to_have_count(2)
    await page.unroute("**/blobs")
    wire.refuse = False
    state = re.compile("sent|read")
    await expect(message(page, "Lakes")).to_have_attribute("data-state", state)
    await expect(message(page, "Lakes").locator('.dm-body[data-plugin="photo"] img')).to_have_count(
        2
    )
    assert await texts_stored(ann, chat) == ["Lakes"]
    forgive_network(ann.problems)


@at_one_size
async def test_what_happened_meanwhile_is_there_on_return(person: MakePerson) -> None:
    ann, ben, cem = await person("Ann"), await person("Ben"), await person("Cem")
    chat = await talk(ann, ben)
    page = await open_chat(ann, chat)
    await ann.context.set_offline(True)
    await page.wait_for_function(OFFLINE)
    for number in range(5):
        await ben.send(chat, f"Missed {number}")
    new_chat = await talk(cem, ann)
    await cem.send(new_chat, "I am new")
    await ann.context.set_offline(False)
    await expect(message(page, "Missed 4")).to_be_visible()
    await shows_texts(page, *(f"Missed {number}" for number in range(5)))
    row = page.locator(f'a.dm-chat[href="/c/{new_chat}"]')
    await expect(row).to_contain_text("I am new")
    forgive_network(ann.problems)


@at_one_size
async def test_a_server_restart_is_no_reload_and_shows_no_error(
    person: MakePerson, server: ServerProcess
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    await ben.send(chat, "Before")
    page = await open_chat(ann, chat)
    await page.evaluate(WATCH)
    await asyncio.to_thread(server.stop)
    try:
        await expect(page.locator(BANNER)).to_be_visible()
        await write(page, "Written while it was away")
        await expect(message(page, "Written while it was away")).to_have_attribute(
            "data-state", "pending"
        )
    finally:
        await asyncio.to_thread(server.start)
    await expect(page.locator(BANNER)).to_have_count(0)
    await expect(message(page, "Written while it was away")).to_have_attribute("data-state", "sent")
    await ben.send(chat, "After")
    await expect(message(page, "After")).to_be_visible()
    await shows_texts(page, "Before", "Written while it was away", "After")
    watched = await page.evaluate("() => window.watched")
    assert watched["boxes"] == []
    assert [title for title in watched["titles"] if "pdating" in title] == []
    forgive_network(ann.problems)
    assert ann.problems == []


async def test_a_dialog_used_while_the_server_is_away_says_so_and_works_later(
    person: MakePerson, server: ServerProcess, size: str
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    page = await open_list(ann)
    await page.evaluate(WATCH)
    await page.locator(".dm-list").get_by_role("button", name="New chat").first.click()
    dialog = page.get_by_role("dialog", name="New chat")
    await people_field(dialog).fill(ben.username)
    found = dialog.locator(".dm-people-row", has_text=f"@{ben.username}")
    await expect(found).to_be_visible()
    await asyncio.to_thread(server.kill)
    try:
        await found.click()
        await expect(page.locator(BANNER)).to_be_visible()
        await expect(dialog.get_by_role("alert")).not_to_be_empty()
        assert await page.locator(BANNER).evaluate(IS_ON_TOP), "the dialog covers the banner"
        await expect(people_field(dialog)).to_have_value(ben.username)
    finally:
        await asyncio.to_thread(server.start)
    await expect(page.locator(BANNER)).to_have_count(0)
    await found.click()
    await expect(page).to_have_url(re.compile("/c/[0-9a-f]{32}$"))
    await expect(page.locator(TEXT_BOX)).to_be_visible()
    watched = await page.evaluate("() => window.watched")
    assert watched["boxes"] == []
    assert [title for title in watched["titles"] if "pdating" in title] == []
    forgive_network(ann.problems)


@at_one_size
async def test_a_session_closed_elsewhere_leads_to_the_log_in_and_back_to_the_chat(
    person: MakePerson,
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    await ben.send(chat, "Welcome back")
    page = await open_chat(ann, chat)
    await page.locator(TEXT_BOX).fill("Half a sent")
    await close_all_sessions(ann)
    await expect(page).to_have_url(re.compile("/login"))
    wanted = parse_qs(urlsplit(page.url).query)
    assert wanted == {"why": ["closed"], "next": [f"/c/{chat}"]}
    await expect(
        page.get_by_text("You were logged out in another tab or on another device.")
    ).to_be_visible()
    await log_in(page, ann)
    await expect(page).to_have_url(f"{ann.base_url}/c/{chat}")
    await expect(message(page, "Welcome back")).to_be_visible()
    # Whoever ended the session may have feared for what stands on this device.
    await expect(page.locator(TEXT_BOX)).to_have_value("")


@at_one_size
async def test_a_session_closed_while_offline_is_noticed_on_return(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    page = await open_chat(ann, chat)
    await ann.context.set_offline(True)
    await page.wait_for_function(OFFLINE)
    await write(page, "Written offline")
    await close_all_sessions(ann)
    await ann.context.set_offline(False)
    await expect(page).to_have_url(re.compile(r"/login\?why=expired"))
    await expect(page.get_by_text("Please log in again to go on.")).to_be_visible()
    await log_in(page, ann)
    await expect(page).to_have_url(f"{ann.base_url}/c/{chat}")
    await expect(message(page, "Written offline")).to_have_attribute("data-state", "sent")
    forgive_network(ann.problems)


@at_one_size
async def test_the_log_in_leads_nowhere_but_to_a_chat_of_this_server(person: MakePerson) -> None:
    ann = await person("Ann")
    await ann.context.clear_cookies()
    page = await ann.open("/login?next=https%3A%2F%2Fexample.org%2Fc%2F" + "0" * 32)
    await log_in(page, ann)
    await expect(page).to_have_url(f"{ann.base_url}/")
    await expect(page.locator(".dm-list")).to_be_visible()


async def close_all_sessions(person: Person) -> None:
    """What somebody does on another device who fears for this one."""
    credentials = {"username": person.username, "password": PASSWORD, "as": "token"}
    opened = await post(person.base_url, "session.open", credentials)
    token = opened["token"]
    sessions = await post(person.base_url, "session.list", token=token)
    for session in sessions["sessions"]:
        if session["id"] != opened["session"]:
            await post(person.base_url, "session.close", {"session": session["id"]}, token=token)


async def log_in(page: Page, person: Person) -> None:
    """By the form that is shown."""
    form = page.locator(".page-login form")
    await form.get_by_label("User name").fill(person.username)
    await form.get_by_label("Password", exact=True).fill(PASSWORD)
    await form.get_by_label("Password", exact=True).press("Enter")


async def shows_texts(page: Page, *texts: str) -> None:
    """Wait until these, and no others, are the texts of all messages on the page."""
    await drawn(page)
    await expect(page.locator(".dm-row .dm-body")).to_have_text(texts)


async def texts_stored(person: Person, conversation: str) -> list[str]:
    """The texts of all messages, as the server has them."""
    page = await person.call("message.history", conversation=conversation)
    return [each["text"] for each in page["messages"]]
