"""Details of a conversation: a column beside it on wide screens."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.pages.any_page import at_rest
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.messenger import choose_chat, message, open_chat, write
from tests.browser.people import talk

on_the_desktop = pytest.mark.parametrize("size", ["desktop"])


@on_the_desktop
async def test_details_stand_beside_a_chat_that_goes_on(person: Any, pictures: Path) -> None:
    ann, bob, cleo = await person("Ann"), await person("Bob"), await person("Cleo")
    chat = await talk(ann, bob, title="Tea")
    await talk(ann, cleo)
    page = await open_chat(ann, chat)
    details = await open_dialog(page, "Details")
    beside, pane = await details.bounding_box(), await page.locator(".pane-chat").bounding_box()
    assert beside
    assert pane
    assert pane["x"] + pane["width"] == beside["x"]
    assert (beside["width"], beside["y"]) == (320, 0)
    # Nothing lies over the chat.
    await page.locator("textarea.dm-textbox").click()
    await write(page, "Here we are")
    await expect(message(page, "Here we are")).to_have_attribute("data-state", "sent")
    await at_rest(page)
    await page.screenshot(path=pictures / "details-desktop.png")
    # They are of the chat that is open.
    await choose_chat(page, "Cleo")
    await expect(details).to_contain_text(f"@{cleo.username}")
    await expect(details.get_by_text("Members")).to_have_count(0)
    await choose_chat(page, "Tea")
    await expect(details.get_by_text(f"@{bob.username}")).to_be_visible()
    await expect(page).to_have_url(f"{ann.base_url}/c/{chat}")


@pytest.mark.parametrize("size", ["phone"])
async def test_a_phone_has_no_button_for_what_its_header_opens(person: Any) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    page = await open_chat(ann, await talk(ann, bob))
    await expect(page.locator(".dm-details")).to_be_hidden()


@on_the_desktop
async def test_details_that_were_just_hidden_come_again_at_the_next_press(person: Any) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    page = await open_chat(ann, await talk(ann, bob))
    details = await open_dialog(page, "Details")
    # In one turn of the page, as two quick presses may be.
    await page.locator(".dm-details").evaluate("(button) => (button.click(), button.click())")
    await at_rest(page)
    await expect(details).to_be_visible()
    await expect(details.get_by_text(f"@{bob.username}")).to_be_visible()
    await expect(page.locator(".dm-details")).to_have_attribute("aria-expanded", "true")


@on_the_desktop
async def test_details_are_shown_and_hidden_by_a_button_and_by_keys(person: Any) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    page = await open_chat(ann, await talk(ann, bob))
    button = page.get_by_role("button", name="Details")
    details = page.get_by_role("dialog", name="Details")
    await expect(button).to_have_attribute("aria-expanded", "false")
    await button.click()
    await expect(details).to_contain_text(f"@{bob.username}")
    await expect(button).to_have_attribute("aria-expanded", "true")
    await button.click()
    await expect(details).to_be_hidden()
    await expect(button).to_have_attribute("aria-expanded", "false")
    await button.press("Enter")
    await expect(details.get_by_role("button", name="Close")).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(details).to_be_hidden()
    await expect(button).to_be_focused()


async def test_leaving_is_asked_about_where_it_is_seen(person: Any, size: str) -> None:
    ann = await person("Ann")
    others = [await person() for _ in range(6)]
    page = await open_chat(ann, await talk(ann, *others, title="Tea"))
    details = await open_dialog(page, "Details")
    await details.get_by_text("Leave the group").click()
    await expect(details.get_by_role("button", name="Leave")).to_be_in_viewport(ratio=1)
