"""Keys where messages are written: those that scroll, end a preview, send a form, choose a sticker."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.pages.any_page import becomes
from tests.browser.pages.forms import FORM, chosen, form
from tests.browser.pages.messenger import composer, message, open_chat, scroller
from tests.browser.people import two

pytestmark = pytest.mark.parametrize("size", ["desktop"])
ABOVE = "(e) => e.scrollHeight - e.scrollTop - e.clientHeight"


async def test_page_up_and_end_scroll_the_messages_from_the_text_box(person: Any) -> None:
    ann, _, chat = await two(person, say=tuple(f"message {n}" for n in range(60)))
    page = await open_chat(ann, chat)
    box = composer(page)
    await expect(box).to_be_focused()
    await page.keyboard.press("PageUp")
    await page.keyboard.press("PageUp")
    await expect(page.locator(".dm-down")).to_be_visible()
    await becomes(lambda: scroller(page).evaluate(ABOVE), lambda above: above > 500)
    await page.keyboard.type("x")
    await page.keyboard.press("End")
    await expect(page.locator(".dm-down")).to_be_visible()
    await box.fill("")
    await page.keyboard.press("End")
    await expect(message(page, "message 59")).to_be_in_viewport()
    await expect(page.locator(".dm-down")).to_have_count(0)


async def test_keys_pressed_beside_an_open_menu_write_nothing(person: Any) -> None:
    ann, _, chat = await two(person, say=("hello",))
    page = await open_chat(ann, chat)
    await message(page, "hello").click(button="right")
    await page.evaluate("() => document.activeElement.blur()")
    await page.keyboard.type("hi")
    await expect(page.get_by_role("menu")).to_be_visible()
    await expect(composer(page)).to_have_value("")
    await page.get_by_role("menuitem", name="More emoji").click()
    emoji = page.get_by_role("dialog", name="Emoji")
    await expect(emoji.get_by_role("searchbox")).to_be_focused()
    await page.evaluate("() => document.activeElement.blur()")
    await page.keyboard.type("hi")
    await expect(emoji).to_be_visible()
    await expect(composer(page)).to_have_value("")


async def test_escape_ends_the_preview(person: Any) -> None:
    ann, _, chat = await two(person, say=("hello",))
    page = await open_chat(ann, chat)
    await page.get_by_role("button", name="Write as: Markdown").click()
    await composer(page).fill("**bold**")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.locator(".dm-preview strong")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.locator(".dm-preview")).to_have_count(0)
    await expect(composer(page)).to_be_focused()
    await expect(composer(page)).to_have_value("**bold**")


async def test_ctrl_enter_sends_a_form(person: Any) -> None:
    ann, _, chat = await two(person, say=("hello",))
    page = await open_chat(ann, chat)
    await (await form(page, "Photo")).set_input_files(chosen("a.png"))
    await page.get_by_label("Caption").fill("By key")
    await expect(page.locator(f"{FORM} footer button[type=submit]")).to_be_enabled()
    await page.keyboard.press("Control+Enter")
    await expect(page.locator(FORM)).to_have_count(0)
    await expect(message(page, "By key")).to_be_visible()
