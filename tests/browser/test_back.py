"""The browser's Back closes what lies on top, and leaves a page only when nothing does."""

from __future__ import annotations

import asyncio
import re
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import Dialog, Locator, Page, expect

from tests.browser.pages.any_page import at_rest, becomes
from tests.browser.pages.dialogs import choose_person, open_dialog
from tests.browser.pages.forms import chosen, form, png
from tests.browser.pages.messenger import choose_chat, composer, message, open_list, open_menu
from tests.browser.people import talk, two

VIEWER = "dialog.dm-gallery"
FORM = "dialog.dm-form"
on_the_phone = pytest.mark.parametrize("size", ["phone"])


@pytest_asyncio.fixture(loop_scope="session")
async def at_chat(person: Any) -> tuple[Any, Page, str]:
    """Ann, in her chat with Bob, reached by the list; it holds a photo and a text."""
    ann, bob, chat = await two(person)
    blob = await bob.upload("lake.png", "image/png", png())
    await bob.post(chat, "photo", {"photos": [{"blob": blob}]})
    await ann.send(chat, "tea")
    page = await open_list(ann)
    await choose_chat(page, "Bob")
    await expect(message(page, "tea")).to_be_visible()
    return ann, page, f"{ann.base_url}/c/{chat}"


async def viewer(page: Page) -> Locator:
    await page.locator(".dm-body [data-gallery]").first.click()
    await expect(page.locator(VIEWER)).to_be_visible()
    return page.locator(VIEWER)


async def menu(page: Page) -> Locator:
    return await open_menu(message(page, "tea"))


async def attaching(page: Page) -> Locator:
    await page.get_by_role("button", name="Attach").click()
    return page.get_by_role("menu", name="Attach")


async def picker(page: Page) -> Locator:
    await page.get_by_role("button", name="Sticker").click()
    return page.locator(".dm-picker")


async def emoji(page: Page) -> Locator:
    await page.get_by_role("button", name="Emoji", exact=True).click()
    return page.locator(".dm-picker")


async def reacting(page: Page) -> Locator:
    await open_menu(message(page, "tea"))
    await page.get_by_role("menuitem", name="More emoji").click()
    return page.locator(".dm-reacting")


async def preview(page: Page) -> Locator:
    await page.get_by_role("button", name="Write as: Markdown").click()
    await composer(page).fill("**bold**")
    await page.get_by_role("button", name="Preview").click()
    return page.locator(".dm-preview")


async def details(page: Page) -> Locator:
    return await open_dialog(page, "Details")


async def empty_form(page: Page) -> Locator:
    await form(page, "Photo")
    return page.locator(FORM)


OVER_A_CHAT = [viewer, menu, attaching, picker, emoji, reacting, preview, empty_form]


@pytest.mark.parametrize("open_it", OVER_A_CHAT)
async def test_back_closes_what_lies_over_a_chat(at_chat: Any, open_it: Any) -> None:
    _, page, address = at_chat
    opened = await open_it(page)
    await expect(opened).to_be_visible()
    # Its place in the history is made after it is drawn.
    await page.wait_for_function("() => history.state?.layer")
    await page.go_back()
    await expect(opened).to_be_hidden()
    await expect(page).to_have_url(address)
    await expect(composer(page)).to_be_visible()
    await leaves_for_the_list(page)


@on_the_phone
async def test_back_closes_the_details_of_a_chat(at_chat: Any) -> None:
    await test_back_closes_what_lies_over_a_chat(at_chat, details)


@pytest.mark.parametrize("open_it", [*OVER_A_CHAT, details])
@on_the_phone
async def test_what_is_closed_by_a_key_costs_no_press_of_back(at_chat: Any, open_it: Any) -> None:
    _, page, _ = at_chat
    opened = await open_it(page)
    await expect(opened).to_be_visible()
    if open_it is preview:
        await page.get_by_role("button", name="Preview").click()
    else:
        await page.keyboard.press("Escape")
    await expect(opened).to_be_hidden()
    await leaves_for_the_list(page)


async def leaves_for_the_list(page: Page) -> None:
    """One press of Back leads to the list."""
    home = page.url.split("/c/")[0] + "/"
    await page.wait_for_function("() => !history.state?.layer")
    await page.go_back()
    await expect(page).to_have_url(home)
    await expect(page.locator(".dm-list")).to_be_visible()


@pytest.mark.parametrize("name", ["New chat", "New group", "Settings"])
async def test_back_closes_a_dialog_over_the_list(person: Any, name: str, size: str) -> None:
    ann, _, _ = await two(person)
    page = await open_list(ann)
    before = await page.evaluate("history.length")
    dialog = await open_dialog(page, name)
    await page.go_back()
    await expect(dialog).to_be_hidden()
    await expect(page).to_have_url(ann.base_url + "/")
    # By its own button, and opened again: no entry of it is left.
    dialog = await open_dialog(page, name)
    await dialog.get_by_role("button", name="Close", exact=True).click()
    await expect(dialog).to_be_hidden()
    await page.wait_for_function("() => !history.state?.layer")
    await choose_chat(page, "Bob")
    assert await page.evaluate("history.length") == before + 1
    await page.go_back()
    await expect(page).to_have_url(ann.base_url + "/")


@on_the_phone
async def test_back_from_a_chat_that_a_dialog_began_leads_to_the_list(person: Any) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    await talk(ann, await person("Carl"))
    page = await open_list(ann)
    dialog = await open_dialog(page, "New chat")
    await choose_person(dialog, bob.username)
    await expect(composer(page)).to_be_visible()
    await expect(dialog).to_be_hidden()
    await leaves_for_the_list(page)
    await expect(dialog).to_be_hidden()


async def test_back_asks_before_a_form_loses_its_files(at_chat: Any, size: str) -> None:
    _, page, address = at_chat
    await (await form(page, "Photo")).set_input_files(chosen("lake.png"))
    await page.get_by_label("Caption").fill("Dusk")
    shown = page.locator(FORM)
    question = shown.get_by_text("Discard what you wrote?")
    await page.go_back()
    await expect(question).to_be_visible()
    await expect(shown.locator(".dm-file-name")).to_have_text("lake.png")
    # Again is "no", as Esc is; so is a browser that closes the dialog by itself.
    await page.go_back()
    await expect(question).to_have_count(0)
    await shown.evaluate("(dialog) => dialog.close()")
    await expect(page.get_by_label("Caption")).to_have_value("Dusk")
    await expect(page).to_have_url(address)
    await page.evaluate("() => history.go(-2)")
    await expect(question).to_be_visible()
    await expect(page).to_have_url(address)
    await shown.get_by_role("button", name="Discard").click()
    await expect(shown).to_have_count(0)
    await leaves_for_the_list(page)


@on_the_phone
async def test_back_closes_one_after_the_other(at_chat: Any) -> None:
    _, page, address = at_chat
    shown = await menu(page)
    await page.get_by_role("menuitem", name="Reply").click()
    await expect(shown).to_have_count(0)
    over = await viewer(page)
    await page.reload()
    await expect(over).to_have_count(0)
    await expect(page.locator(".dm-composing")).to_be_visible()
    await expect(page).to_have_url(address)
    await leaves_for_the_list(page)


@pytest.mark.parametrize("size", ["desktop"])
async def test_forward_opens_nothing_that_is_closed(at_chat: Any) -> None:
    _, page, address = at_chat
    over = await viewer(page)
    await page.go_back()
    await expect(over).to_have_count(0)
    await page.go_forward()
    await page.wait_for_function("() => !history.state.layer")
    await at_rest(page)
    await expect(over).to_have_count(0)
    await expect(page).to_have_url(address)


@pytest.mark.parametrize("size", ["desktop"])
async def test_a_reload_asks_before_a_form_loses_what_was_written(at_chat: Any) -> None:
    ann, page, address = at_chat
    await form(page, "Photo")
    await page.get_by_label("Caption").fill("Dusk")
    asked: list[str] = []

    async def keep(dialog: Dialog) -> None:
        asked.append(dialog.type)
        await dialog.dismiss()

    page.on("dialog", keep)
    await page.evaluate("() => void setTimeout(() => location.assign('/plugins'))")
    await becomes(lambda: asyncio.sleep(0, asked), len)
    assert asked == ["beforeunload"]
    await expect(page).to_have_url(address)
    await expect(page.get_by_label("Caption")).to_have_value("Dusk")
    # A session that ends keeps nothing on the screen.
    await ann.call("session.close")
    await expect(page).to_have_url(re.compile("/login"))
    assert asked == ["beforeunload"]
