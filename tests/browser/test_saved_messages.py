"""What somebody writes to themselves: one conversation, found by New chat, as any other in the list."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

from playwright.async_api import expect

from tests.browser.conftest import Person
from tests.browser.pages.any_page import at_rest, becomes
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.messenger import message, open_list, write

MakePerson = Callable[..., Awaitable[Person]]


async def test_one_writes_to_oneself_and_finds_it_again(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    await page.get_by_role("button", name="New chat").first.click()
    dialog = page.get_by_role("dialog", name="New chat")
    await dialog.get_by_role("button", name="Saved messages").click()
    header = page.locator(".dm-header-chat")
    await expect(header).to_contain_text("Saved messages")
    await expect(header).to_contain_text("Only you see these")
    await write(page, "To buy: tea")
    await expect(message(page, "To buy: tea")).to_have_attribute("data-state", "sent")
    await at_rest(page)
    await page.screenshot(path=pictures / f"saved-{size}.png")

    again = await open_list(ann)
    row = again.locator(".dm-chats > li").filter(has_text="Saved messages")
    # Nobody is told that it was oneself who said it.
    await expect(row.locator(".dm-chat-preview")).to_have_text("To buy: tea")
    await at_rest(again)
    await again.screenshot(path=pictures / f"saved-list-{size}.png")
    await again.get_by_role("button", name="New chat").first.click()
    await again.get_by_role("dialog").get_by_role("button", name="Saved messages").click()
    await expect(message(again, "To buy: tea")).to_be_visible()
    details = await open_dialog(again, "Details")
    await expect(details).to_contain_text("for you alone")
    await at_rest(again)
    await again.screenshot(path=pictures / f"saved-details-{size}.png")
    await details.get_by_role("button", name="Close").click()

    await page.bring_to_front()
    if size == "phone":
        await page.get_by_role("button", name="Back").click()
    mine = page.locator(".dm-chats > li").filter(has_text="Saved messages")
    await at_rest(page)
    await mine.locator("a").click(button="right")
    menu = page.get_by_role("menu")
    await menu.get_by_role("menuitem", name="Delete").click()
    await menu.get_by_role("menuitem", name="Delete").click()
    await expect(mine).to_have_count(0)
    await becomes(row.count, lambda count: count == 0)
