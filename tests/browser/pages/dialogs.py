"""The dialogs of the messenger."""

from __future__ import annotations

from playwright.async_api import Locator, Page, expect

from tests.browser.pages.any_page import at_rest


def people_field(dialog: Locator) -> Locator:
    """The field of a dialog in which people are looked for."""
    return dialog.get_by_label("Name or user name")


async def choose_person(dialog: Locator, username: str) -> None:
    """Look for somebody in a dialog about people, and choose them."""
    await people_field(dialog).fill(username)
    await dialog.locator(".dm-people-row", has_text=f"@{username}").click()


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
