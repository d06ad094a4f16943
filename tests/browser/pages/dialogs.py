"""The dialogs of the messenger."""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect

from tests.browser.pages.any_page import at_rest


async def open_dialog(page: Page, name: str) -> Locator:
    """The dialog with this heading, when it has come to rest."""
    if name == "Details":
        # The title closes what it has opened, until the page has heard that it was closed.
        await expect(page.locator(".dm-details")).to_have_attribute("aria-expanded", "false")
        await page.locator(".dm-header-chat").click()
    else:
        button = "Menu" if name == "Settings" else name
        await page.locator(".dm-list .dm-header").get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog", name=name)
    await expect(dialog).to_be_visible()
    await at_rest(page)
    return dialog
