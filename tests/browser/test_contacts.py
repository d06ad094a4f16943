"""Contacts: asked for and answered on a person's card, and found by a code in an address."""

from __future__ import annotations

import uuid
from collections.abc import Awaitable, Callable
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import PASSWORD, Person
from tests.browser.pages.any_page import reload_after_closing
from tests.browser.pages.messenger import open_chat
from tests.browser.people import talk

MakePerson = Callable[..., Awaitable[Person]]
CARD = "dialog.dm-card"


async def card_of(page: Page, name: str) -> Locator:
    """The card of the author of the last message."""
    await page.locator(".dm-row-avatar").last.click()
    card = page.locator(CARD)
    await expect(card.get_by_role("heading", name=name)).to_be_visible()
    return card


async def in_a_group(person: MakePerson) -> tuple[Person, Person, Page, Page]:
    """Two people who have both said something in a group, and their pages."""
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben, title="Hikers")
    await ann.send(chat, "Where to?")
    pages = await open_chat(ben, chat), await open_chat(ann, chat)
    await ben.send(chat, "Up the hill")
    return ann, ben, pages[1], pages[0]


async def code_of(one: Person, **params: Any) -> str:
    """The address of a code of theirs."""
    made = await one.call("contact.code_create", client_id=uuid.uuid4().hex, **params)
    return "/j/" + str(made["code"])


async def test_two_become_contacts_and_both_see_it_at_once(person: MakePerson) -> None:
    ann, ben, anns, bens = await in_a_group(person)
    card = await card_of(anns, "Ben")
    await card.get_by_role("button", name="Add to contacts").click()
    await expect(card.get_by_text("You asked to be contacts")).to_be_visible()
    await ann.send((await ann.call("sync"))["conversations"][0]["id"], "Look at my card")
    asked = await card_of(bens, "Ann")
    await expect(asked.get_by_text("Wants to be your contact")).to_be_visible()
    await asked.get_by_role("button", name="Accept").click()
    for each in (asked, card):
        await expect(each.get_by_text("In your contacts")).to_be_visible()
    found = await ben.call("contact.list")
    assert [one["user"] for one in found["contacts"]] == [ann.id]
    await card.get_by_role("button", name="Remove from contacts").click()
    for each in (asked, card):
        await expect(each.get_by_role("button", name="Add to contacts")).to_be_visible()


async def test_what_was_asked_elsewhere_is_on_the_card_and_declining_tells_nobody(
    person: MakePerson,
) -> None:
    ann, ben, anns, bens = await in_a_group(person)
    await ben.call("contact.request", user=ann.id, note="From the hill")
    card = await card_of(anns, "Ben")
    await expect(card.get_by_text("From the hill")).to_be_visible()
    await card.get_by_role("button", name="Decline").click()
    await expect(card.get_by_role("button", name="Add to contacts")).to_be_visible()
    await ann.send((await ann.call("sync"))["conversations"][0]["id"], "Nothing to see")
    own = await card_of(bens, "Ann")
    await expect(own.get_by_text("You asked to be contacts")).to_be_visible()
    await own.get_by_role("button", name="Take it back").click()
    await expect(own.get_by_role("button", name="Add to contacts")).to_be_visible()


async def test_a_code_in_the_address_shows_whose_it_is(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    page = await ben.open(await code_of(ann))
    card = page.locator(CARD)
    await expect(card.get_by_role("heading", name="Ann")).to_be_visible()
    await expect(page).to_have_url(f"{ben.base_url}/")
    await card.get_by_role("button", name="Add to contacts").click()
    await expect(card.get_by_text("You asked to be contacts")).to_be_visible()
    await card.get_by_role("button", name="Close").click()
    await expect(card).to_have_count(0)
    await reload_after_closing(page)
    await expect(page.get_by_role("heading", name="Chats")).to_be_visible()
    await expect(card).to_have_count(0)


async def test_a_code_that_works_no_more_is_told(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    address = await code_of(ann)
    (code,) = (await ann.call("contact.code_list"))["codes"]
    await ann.call("contact.code_revoke", id=code["id"])
    page = await ben.open(address)
    card = page.locator(CARD)
    await expect(card.get_by_text("This link does not work, or not any more.")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(card).to_have_count(0)


async def test_who_is_logged_out_logs_in_first_and_then_sees_the_card(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    address = await code_of(ann)
    await ben.context.clear_cookies()
    page = await ben.open(address)
    await page.locator("#login-username").fill(ben.username)
    await page.locator("#login-password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.locator(CARD).get_by_role("heading", name="Ann")).to_be_visible()


@pytest.mark.parametrize("language", ["ru-RU"])
async def test_the_card_speaks_russian(person: MakePerson) -> None:
    _, _, anns, _ = await in_a_group(person)
    card = await card_of(anns, "Ben")
    await card.get_by_role("button", name="Добавить в контакты").click()
    await expect(card.get_by_text("Вы отправили запрос")).to_be_visible()
    await expect(card.get_by_role("button", name="Отозвать")).to_be_visible()
