"""The settings: what is saved says so, what cannot be says why, other tabs hear of it."""

from __future__ import annotations

from typing import Any

from playwright.async_api import expect

from tests.browser.conftest import PASSWORD, forgive_network
from tests.browser.pages.any_page import becomes
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.messenger import BANNER, open_list

BELOW_THE_BANNER = """(content) => content.getBoundingClientRect().top
    - document.querySelector('.dm-banner').getBoundingClientRect().bottom"""


async def test_without_a_connection_saving_says_why_not_and_nothing_is_covered(
    person: Any, pictures: Any, size: str
) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    settings = await open_dialog(page, "Settings")
    await ann.context.set_offline(True)
    await expect(page.locator(BANNER)).to_be_visible()
    await settings.get_by_label("Name that others see").fill("Anna")
    await settings.get_by_role("button", name="Save", exact=True).click()
    why = settings.get_by_text("The server cannot be reached.")
    await expect(why).to_be_in_viewport(ratio=1)
    await page.screenshot(path=pictures / f"settings-offline-{size}.png")
    content = page.locator(".mantine-Modal-content")
    await becomes(lambda: content.evaluate(BELOW_THE_BANNER), lambda below: below >= 0)
    await expect(settings.get_by_label("Name that others see")).to_have_value("Anna")
    await ann.context.set_offline(False)
    await expect(page.locator(BANNER)).to_have_count(0)
    await settings.get_by_role("button", name="Save", exact=True).click()
    await expect(settings.get_by_text("Saved.", exact=True)).to_be_visible()
    await expect(why).to_have_count(0)
    await expect(settings.locator(".dm-portrait-name")).to_have_text("Anna")
    await page.screenshot(path=pictures / f"settings-saved-{size}.png")
    assert (await ann.call("account.get"))["user"]["display_name"] == "Anna"
    forgive_network(ann.problems)


async def test_theme_and_language_reach_the_other_tabs_of_the_browser(person: Any) -> None:
    ann = await person("Ann")
    other, page = await open_list(ann), await open_list(ann)
    settings = await open_dialog(page, "Settings")
    for theme in ("dark", "light", "dark"):
        await settings.get_by_text(theme.capitalize(), exact=True).click()
        for each in (page, other):
            html = each.locator("html")
            await expect(html).to_have_attribute("data-theme", theme)
            await expect(html).to_have_attribute("data-mantine-color-scheme", theme)
    await settings.get_by_text("Русский", exact=True).click()
    settings = page.get_by_role("dialog", name="Настройки")
    await expect(settings.get_by_text("Сохранено.", exact=True)).to_be_visible()
    await expect(other.locator("html")).to_have_attribute("lang", "ru")
    await expect(other.locator("html")).to_have_attribute("data-theme", "dark")
    await expect(other.get_by_role("dialog")).to_have_count(0)


async def test_a_section_comes_into_view_with_all_that_it_shows(person: Any, size: str) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    settings = await open_dialog(page, "Settings")
    password = settings.locator(".settings-panel", has_text="Password and devices")
    await password.locator("> summary").click()
    change = password.get_by_role("button", name="Change the password")
    await expect(change).to_be_in_viewport(ratio=1)
    steps = settings.locator(".settings-panel", has_text="Two-step log-in")
    await steps.locator("> summary").click()
    begin = steps.get_by_role("button", name="Set it up")
    await expect(begin).to_be_in_viewport(ratio=1)
    # An answer comes later, and stands at the end.
    await steps.get_by_label("Your password").fill("a wrong one, of fifteen")
    await begin.click()
    await expect(steps.get_by_role("alert").filter(has_text="wrong")).to_be_in_viewport(ratio=1)
    await steps.get_by_label("Your password").fill(PASSWORD)
    await begin.click()
    await expect(steps.get_by_label("The six digits")).to_be_in_viewport(ratio=1)
    await steps.get_by_label("The six digits").fill("000000")
    await steps.get_by_role("button", name="Turn it on").click()
    await expect(steps.get_by_role("alert").filter(has_text="wrong")).to_be_in_viewport(ratio=1)


async def test_what_is_wrong_with_a_sticker_is_seen(person: Any, size: str) -> None:
    ann = await person("Ann")
    settings = await open_dialog(await open_list(ann), "Settings")
    stickers = settings.locator(".settings-panel", has_text="Stickers")
    await stickers.locator("> summary").click()
    for title in ("One", "Two", "Three", "Four"):
        await stickers.get_by_label("Name of a new pack").fill(title)
        await stickers.get_by_role("button", name="Make a pack").click()
        await expect(stickers.locator(".pack", has_text=title)).to_be_visible()
    pack = stickers.locator(".pack", has_text="Four")
    wrong: Any = {"name": "a.png", "mimeType": "image/png", "buffer": b"words"}
    await pack.locator("input[type=file]").first.set_input_files([wrong])
    await expect(stickers.get_by_text("This is no picture.")).to_be_in_viewport(ratio=1)
