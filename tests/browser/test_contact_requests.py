"""Contact requests in the list of chats and in their dialog: answered, taken back, live."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.accessibility import axe, colours_are, in_both_schemes
from tests.browser.conftest import Person, at_one_size, forgive_network
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.messenger import open_list

MakePerson = Callable[..., Awaitable[Person]]
ROW = ".dm-requests"


def requests(page: Page) -> Locator:
    """The dialog of requests."""
    return page.get_by_role("dialog", name="Requests")


async def test_who_asks_stands_above_the_chats_and_is_accepted(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    page = await open_list(ann)
    await expect(page.locator(ROW)).to_have_count(0)
    # While the page is open, and with it.
    await ben.call("contact.request", user=ann.id, note="From the hill")
    await expect(page.locator(ROW)).to_contain_text("1 request")
    await cleo.call("contact.request", user=ann.id)
    await expect(page.locator(ROW)).to_contain_text("2 requests")
    await page.reload()
    await page.locator(ROW).click()
    dialog = requests(page)
    people = dialog.locator(".dm-people-request")
    await expect(people).to_contain_text(["Cleo", "Ben"])
    await expect(people.nth(1)).to_contain_text("From the hill")
    await page.screenshot(path=pictures / f"requests-{size}.png")
    await people.nth(1).get_by_role("button", name="Accept").click()
    await expect(dialog.get_by_text("Ben is in your contacts now.")).to_be_visible()
    await expect(people).to_contain_text(["Cleo"])
    await people.get_by_role("button", name="Decline").click()
    await expect(people).to_have_count(0)
    await expect(page.locator(ROW)).to_have_count(0)
    assert [one["user"] for one in (await ann.call("contact.list"))["contacts"]] == [ben.id]
    # As if nobody had answered.
    asked = await cleo.call("contact.list", state="sent")
    assert [one["user"] for one in asked["contacts"]] == [ann.id]
    await dialog.get_by_role("button", name="Back").click()
    contacts = page.get_by_role("dialog", name="New chat").locator("li")
    await expect(contacts).to_contain_text(["Ben"])


async def test_what_one_asked_oneself_is_taken_back(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await ann.call("contact.request", user=ben.id)
    page, theirs = await open_list(ann), await open_list(ben)
    await expect(theirs.locator(ROW)).to_be_visible()
    dialog = await open_dialog(page, "New chat")
    await dialog.get_by_role("button", name="Requests").click()
    mine = requests(page).locator(".dm-people-request")
    await expect(mine).to_contain_text(["Ben"])
    await mine.get_by_role("button", name="Take it back").click()
    await expect(mine).to_have_count(0)
    await expect(requests(page).get_by_text("No requests.")).to_be_visible()
    await expect(theirs.locator(ROW)).to_have_count(0)


@at_one_size
async def test_what_is_answered_elsewhere_goes_and_the_focus_stays(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await ben.call("contact.request", user=ann.id)
    page = await open_list(ann)
    await page.locator(ROW).click()
    dialog = requests(page)
    await dialog.get_by_role("button", name="Accept").focus()
    await ann.call("contact.accept", user=ben.id)
    await expect(dialog.locator(".dm-people-request")).to_have_count(0)
    await expect(dialog).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)


@at_one_size
async def test_a_request_leads_to_the_card_of_who_asks(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await ben.call("contact.request", user=ann.id)
    page = await open_list(ann)
    await page.locator(ROW).click()
    await requests(page).get_by_role("button", name="Profile: Ben").click()
    card = page.locator("dialog.dm-card")
    await expect(card.get_by_text(f"@{ben.username}")).to_be_visible()
    # One after another, from the top.
    await page.go_back()
    await expect(card).to_have_count(0)
    await expect(requests(page)).to_be_visible()
    await page.go_back()
    await expect(requests(page)).to_have_count(0)
    await expect(page).to_have_url(f"{ann.base_url}/")


@at_one_size
async def test_an_answer_without_a_connection_is_not_lost_without_a_word(
    person: MakePerson,
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await ben.call("contact.request", user=ann.id)
    page = await open_list(ann)
    await page.locator(ROW).click()
    dialog = requests(page)
    # Its script has come.
    await expect(dialog.get_by_role("button", name="Accept")).to_be_visible()
    await ann.context.set_offline(True)
    await page.wait_for_function("() => !window.dashMessenger.store.online")
    await dialog.get_by_role("button", name="Accept").click()
    await expect(dialog.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    await ann.context.set_offline(False)
    await page.wait_for_function("() => window.dashMessenger.store.online")
    await dialog.get_by_role("button", name="Accept").click()
    await expect(dialog.get_by_text("Ben is in your contacts now.")).to_be_visible()
    forgive_network(ann.problems)


@in_both_schemes
async def test_axe_finds_nothing_in_requests(person: MakePerson, scheme: str) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    await ben.call("contact.request", user=ann.id, note="From the hill")
    await ann.call("contact.request", user=cleo.id)
    page = await open_list(ann)
    await expect(page.locator(ROW)).to_be_visible()
    await colours_are(page, scheme)
    assert await axe(page) == []
    await page.locator(ROW).click()
    await expect(requests(page).locator(".dm-people-request")).to_have_count(2)
    assert await axe(page) == []


@pytest.mark.parametrize("language", ["ru-RU"])
async def test_requests_speak_russian(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await ben.call("contact.request", user=ann.id)
    page = await open_list(ann)
    await page.locator(ROW, has_text="Запросы").click()
    dialog = page.get_by_role("dialog", name="Запросы")
    await expect(dialog.get_by_text("об этом не узнает")).to_be_visible()
    await dialog.get_by_role("button", name="Принять").click()
    await expect(dialog.get_by_text("Ben теперь в ваших контактах.")).to_be_visible()
