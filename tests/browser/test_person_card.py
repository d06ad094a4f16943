"""A person's card: shown by whatever stands for them, and the way to write to them."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.async_api import expect

from tests.browser.pages.any_page import at_rest
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.messenger import message, open_chat, open_menu
from tests.browser.people import talk


async def test_authors_and_members_open_a_card_that_leads_to_the_chat(
    person: Any, size: str, pictures: Path
) -> None:
    ann, bob, cleo = await person("Ann"), await person("Bob"), await person("Cleo")
    chat = await talk(ann, bob, cleo, title="Tea")
    await bob.send(chat, "Hello")
    page = await open_chat(ann, chat)
    card = page.get_by_role("dialog", name="Bob")
    for shown in (".dm-author [data-user]", ".dm-row-avatar"):
        await message(page, "Hello").locator(shown).click()
        await expect(card).to_contain_text(f"@{bob.username}")
        await at_rest(page)
        await page.screenshot(path=pictures / f"card-{size}.png")
        await page.go_back()
        await expect(card).to_have_count(0)
        await expect(page).to_have_url(f"{ann.base_url}/c/{chat}")
    # By the keyboard.
    await open_menu(message(page, "Hello"))
    await page.get_by_role("menuitem", name="Profile: Bob").press("Enter")
    await expect(card).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(card).to_have_count(0)
    details = await open_dialog(page, "Details")
    await details.get_by_role("button", name=cleo.username).click()
    await page.get_by_role("dialog", name="Cleo").get_by_role("button", name="Close").click()
    await expect(details).to_be_visible()
    await details.get_by_role("button", name=bob.username).click()
    await card.get_by_role("button", name="Send a message").click()
    await expect(page.locator(".dm-header-title")).to_have_text("Bob")
    await expect(card).to_have_count(0)
    # It is the one that there is from now on.
    made = await ann.call("conversation.create", kind="direct", members=[bob.id])
    assert not made["created"]
    await expect(page).to_have_url(re.compile(f"/c/{made['id']}$"))
