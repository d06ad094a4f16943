"""A stranger's one message: how its sender sees it wait, and how it is answered from the requests."""

from __future__ import annotations

import asyncio
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.accessibility import axe, colours_are, in_both_schemes
from tests.browser.conftest import Person, at_one_size, forgive_network
from tests.browser.pages.any_page import at_rest, becomes
from tests.browser.pages.messenger import TEXT_BOX, bubbles, open_chat, open_list, write
from tests.browser.people import talk

MakePerson = Callable[..., Awaitable[Person]]
ROW = ".dm-requests"
CHATS = ".dm-chats .dm-chat"
FIRST = "Your first message is sent as a request."
SENT = "Sent as a request. You can write more once they accept."


def requests(page: Page) -> Locator:
    """The dialog of requests."""
    return page.get_by_role("dialog", name="Requests")


def request_of(page: Page, name: str) -> Locator:
    """What somebody wants, in the dialog."""
    return requests(page).locator(".dm-people-request", has_text=name)


async def asked(ann: Person, *others: Person, say: str = "Do you still have the tent?") -> str:
    """Ann takes requests alone, and the others have written; the first conversation."""
    await ann.call("privacy.update", message="contacts")
    chats = [await talk(other, ann) for other in others]
    for other, chat in zip(others, chats, strict=True):
        await other.send(chat, say)
    return chats[0]


async def said_in(person: Person, chat: str) -> list[str]:
    """What was said in a conversation, as somebody reads it."""
    history = await person.call("message.history", conversation=chat)
    return [one["text"] for one in history["messages"]]


async def test_a_stranger_writes_once_and_goes_on_when_it_is_accepted(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await ann.call("privacy.update", message="contacts")
    page = await open_list(ann)
    await expect(page.locator(ROW)).to_have_count(0)
    theirs = await open_chat(ben, await talk(ben, ann))
    await expect(theirs.get_by_text(FIRST)).to_be_visible()
    await theirs.screenshot(path=pictures / f"request-first-{size}.png")
    await write(theirs, "Do you still have the tent?")
    await expect(theirs.get_by_text(SENT)).to_be_visible()
    await expect(theirs.locator(TEXT_BOX)).to_have_count(0)
    await expect(bubbles(theirs, "Do you still have the tent?")).to_be_visible()
    await theirs.screenshot(path=pictures / f"request-sent-{size}.png")
    # Live, above chats in which it is not.
    await expect(page.locator(ROW)).to_contain_text("1 request")
    await expect(page.locator(CHATS)).to_have_count(0)
    await page.screenshot(path=pictures / f"request-row-{size}.png")
    await page.locator(ROW).click()
    one = request_of(page, "Ben")
    await expect(one).to_contain_text(f"@{ben.username}")
    await expect(one.locator("blockquote")).to_have_text("Do you still have the tent?")
    await at_rest(page)
    await page.screenshot(path=pictures / f"request-dialog-{size}.png")
    await one.get_by_role("button", name="Accept").click()
    await expect(bubbles(page, "Do you still have the tent?")).to_be_visible()
    await expect(requests(page)).to_have_count(0)
    await expect(page.locator(ROW)).to_have_count(0)
    await expect(theirs.get_by_text(SENT)).to_have_count(0)
    await write(theirs, "It is for May")
    await expect(bubbles(page, "It is for May")).to_be_visible()
    await write(page, "Yes")
    await expect(bubbles(theirs, "Yes")).to_be_visible()


async def test_who_is_declined_sees_what_they_saw(person: MakePerson) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    chat = await asked(ann, ben, cleo)
    theirs = await open_chat(ben, chat)
    await expect(theirs.get_by_text(SENT)).to_be_visible()
    page = await open_list(ann)
    await expect(page.locator(ROW)).to_contain_text("2 requests")
    await page.locator(ROW).click()
    await request_of(page, "Ben").get_by_role("button", name="Decline").click()
    await expect(request_of(page, "Ben")).to_have_count(0)
    await expect(request_of(page, "Cleo")).to_be_visible()
    await expect(page.locator(ROW)).to_contain_text("1 request")
    await theirs.reload()
    await expect(theirs.get_by_text(SENT)).to_be_visible()
    await expect(bubbles(theirs, "Do you still have the tent?")).to_be_visible()


@at_one_size
async def test_who_is_blocked_from_the_requests_is_asked_about_first(person: MakePerson) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    await asked(ann, ben)
    await cleo.call("contact.request", user=ann.id)
    page = await open_list(ann)
    await expect(page.locator(ROW)).to_contain_text("2 requests")
    await page.locator(ROW).click()
    await expect(request_of(page, "Cleo")).to_contain_text("wants to be your contact")
    await expect(request_of(page, "Ben")).not_to_contain_text("wants to be your contact")
    block = request_of(page, "Ben").get_by_role("button", name="Block Ben")
    await block.click()
    question = page.get_by_role("dialog", name="Block Ben?")
    await question.get_by_role("button", name="Cancel").click()
    await block.click()
    await question.get_by_role("button", name="Block", exact=True).click()
    await expect(request_of(page, "Ben")).to_have_count(0)
    await expect(request_of(page, "Cleo")).to_be_visible()
    assert [one["user"] for one in (await ann.call("user.blocked"))["blocked"]] == [ben.id]


@at_one_size
async def test_a_second_message_that_was_too_quick_says_why_it_was_not_sent(
    person: MakePerson,
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await ann.call("privacy.update", message="contacts")
    chat = await talk(ben, ann)
    theirs = await open_chat(ben, chat)
    # Both wait until there is a connection again.
    await ben.context.set_offline(True)
    await theirs.wait_for_function("() => !window.dashMessenger.store.online")
    await write(theirs, "One", "Two")
    await ben.context.set_offline(False)
    refused = theirs.locator(".dm-failed")
    await expect(refused).to_contain_text("once this person accepts your first message")
    await expect(theirs.get_by_text(SENT)).to_be_visible()
    await ann.call("request.accept", user=ben.id)
    await refused.get_by_role("button", name="Retry").click()
    await expect(refused).to_have_count(0)
    await becomes(lambda: said_in(ann, chat), lambda texts: texts == ["One", "Two"])
    forgive_network(ben.problems)


@at_one_size
async def test_writing_to_who_asks_accepts_in_every_tab(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await asked(ann, ben)
    page, tab = await open_list(ann), await ann.context.new_page()
    await tab.goto(f"{ann.base_url}/")
    await asyncio.gather(*(expect(one.locator(ROW)).to_be_visible() for one in (page, tab)))
    await page.locator(ROW).click()
    await requests(page).get_by_role("button", name="Profile: Ben").click()
    await page.locator("dialog.dm-card").get_by_role("button", name="Send a message").click()
    await expect(page).to_have_url(f"{ann.base_url}/c/{chat}")
    await expect(bubbles(page, "Do you still have the tent?")).to_be_visible()
    for one in (page, tab):
        await expect(one.locator(ROW)).to_have_count(0)
    await expect(tab.locator(CHATS, has_text="Ben")).to_be_visible()


@at_one_size
async def test_an_answer_that_is_not_heard_says_so(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await asked(ann, ben)
    page = await open_list(ann)
    await page.locator(ROW).click()
    await expect(request_of(page, "Ben").get_by_role("button", name="Accept")).to_be_visible()
    await ann.context.set_offline(True)
    await page.wait_for_function("() => !window.dashMessenger.store.online")
    await request_of(page, "Ben").get_by_role("button", name="Accept").click()
    await expect(requests(page).get_by_role("alert")).to_contain_text("cannot be reached")
    await expect(request_of(page, "Ben")).to_be_visible()
    await ann.context.set_offline(False)
    forgive_network(ann.problems)


@at_one_size
async def test_what_a_stranger_wrote_is_text_and_nothing_else(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await asked(ann, ben, say="**See** https://example.org <img src=x>")
    page = await open_list(ann)
    await page.locator(ROW).click()
    said = request_of(page, "Ben").locator("blockquote")
    await expect(said).to_contain_text("https://example.org <img src=x>")
    await expect(said.locator("a, img, strong")).to_have_count(0)


@in_both_schemes
async def test_axe_finds_nothing_in_requests(
    person: MakePerson, scheme: str, size: str, pictures: Path
) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    chat = await asked(ann, ben)
    await cleo.call("contact.request", user=ann.id, note="From the hill")
    page = await open_list(ann)
    await colours_are(page, scheme)
    await page.locator(ROW).click()
    await expect(request_of(page, "Ben")).to_be_visible()
    await at_rest(page)
    assert await axe(page) == []
    await page.screenshot(path=pictures / f"requests-{scheme}-{size}.png")
    theirs = await open_chat(ben, chat)
    await colours_are(theirs, scheme)
    await expect(theirs.get_by_text(SENT)).to_be_visible()
    assert await axe(theirs) == []


@pytest.mark.parametrize("language", ["ru-RU"])
async def test_requests_speak_russian(person: MakePerson, size: str, pictures: Path) -> None:
    ann, ben = await person("Аня"), await person("Борис")
    chat = await asked(ann, ben, say="Палатка ещё у вас?")
    page = await open_list(ann)
    await expect(page.locator(ROW)).to_contain_text("1 запрос")
    await page.locator(ROW).click()
    dialog = page.get_by_role("dialog", name="Запросы")
    await expect(dialog).to_contain_text("могут отправить вам одно сообщение")
    await expect(dialog.get_by_role("button", name="Заблокировать: Борис")).to_be_visible()
    await at_rest(page)
    await page.screenshot(path=pictures / f"request-ru-{size}.png")
    theirs = await open_chat(ben, chat)
    await expect(theirs.get_by_text("Отправлено как запрос.")).to_be_visible()
    await theirs.screenshot(path=pictures / f"request-sent-ru-{size}.png")
