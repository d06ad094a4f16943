"""What one calls a contact: set and taken away on their card, shown where contacts are listed."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.accessibility import axe, colours_are, in_both_schemes
from tests.browser.conftest import Person, at_one_size
from tests.browser.pages.any_page import at_rest
from tests.browser.pages.dialogs import open_dialog, people_field
from tests.browser.pages.messenger import open_list
from tests.browser.people import befriend

MakePerson = Callable[..., Awaitable[Person]]


async def card_from_contacts(page: Page, name: str) -> Locator:
    """The card of a contact, opened from the list of contacts."""
    dialog = await open_dialog(page, "New chat")
    await dialog.get_by_role("button", name=f"Profile: {name}").click()
    card = page.locator("dialog.dm-card")
    await expect(card.get_by_text("In your contacts")).to_be_visible()
    return card


async def test_a_label_is_set_changed_and_taken_away_on_the_card(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await befriend(ann, ben)
    page = await open_list(ann)
    card = await card_from_contacts(page, "Ben")
    await card.get_by_role("button", name="Add a label").click()
    field = card.get_by_label("Label, only you see it")
    await expect(field).to_be_focused()
    await field.fill("  Climbing hall ")
    await field.press("Enter")
    shown = card.get_by_role("button", name="Climbing hall")
    await expect(shown).to_be_focused()
    await at_rest(page)
    await page.screenshot(path=pictures / f"label-{size}.png")
    row = page.locator(".dm-people li")
    await expect(row).to_contain_text("Climbing hall")
    await expect(row).to_contain_text(f"Ben · @{ben.username}")
    await shown.click()
    await expect(field).to_have_value("Climbing hall")
    await field.fill("")
    await card.get_by_role("button", name="Save").click()
    await expect(card.get_by_role("button", name="Add a label")).to_be_visible()
    await expect(row).not_to_contain_text("Climbing hall")
    assert "label" not in (await ann.call("contact.list"))["contacts"][0]


@at_one_size
async def test_a_label_is_found_and_seen_by_nobody_else(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await befriend(ann, ben)
    page = await open_list(ann)
    dialog = await open_dialog(page, "New chat")
    await expect(dialog.locator("li")).to_contain_text(["Ben"])
    # In another tab: it is there at once.
    await ann.call("contact.label", user=ben.id, label="Übermut")
    await expect(dialog.locator("li")).to_contain_text(["Übermut"])
    await people_field(dialog).fill("uberm")
    await expect(dialog.locator("li")).to_contain_text([f"Ben · @{ben.username}"])
    theirs = await open_dialog(await open_list(ben), "New chat")
    await expect(theirs.locator("li")).to_contain_text(["Ann"])
    await expect(theirs).not_to_contain_text("Übermut")


@at_one_size
async def test_what_was_not_saved_stays_in_the_field(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await befriend(ann, ben)
    page = await open_list(ann)
    card = await card_from_contacts(page, "Ben")
    await card.get_by_role("button", name="Add a label").click()
    field = card.get_by_label("Label, only you see it")
    await field.evaluate("(field) => field.removeAttribute('maxlength')")
    await field.fill("x" * 65)
    await field.press("Enter")
    await expect(card.get_by_role("alert")).to_be_visible()
    await expect(field).to_have_value("x" * 65)
    await card.get_by_role("button", name="Cancel").click()
    await expect(card.get_by_role("button", name="Add a label")).to_be_visible()


@in_both_schemes
async def test_axe_finds_nothing_on_the_card_of_a_contact(person: MakePerson, scheme: str) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await befriend(ann, ben)
    page = await open_list(ann)
    card = await card_from_contacts(page, "Ben")
    await colours_are(page, scheme)
    assert await axe(page) == []
    await card.get_by_role("button", name="Add a label").click()
    assert await axe(page) == []


@pytest.mark.parametrize("language", ["ru-RU"])
async def test_labels_speak_russian(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await befriend(ann, ben)
    page = await open_list(ann)
    await page.locator(".dm-header").get_by_role("button", name="Новый чат").click()
    await page.get_by_role("button", name="Профиль: Ben").click()
    await page.get_by_role("button", name="Добавить метку").click()
    await expect(page.get_by_label("Метка, видна только вам")).to_be_focused()
