"""The text box: focus, keys, height, drafts, limits."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.pages.messenger import bubbles, choose_chat, composer, rows, write
from tests.browser.people import two


async def test_text_box_has_the_focus_on_a_desktop_and_not_on_a_phone(
    person: Any, size: str
) -> None:
    ann, _, _ = await two(person)
    page = await ann.open()
    await choose_chat(page, "Bob")
    if size == "desktop":
        await expect(composer(page)).to_be_focused()
    else:
        await expect(composer(page)).not_to_be_focused()


async def test_enter_sends_and_shift_enter_breaks_the_line(person: Any) -> None:
    ann, _, conversation = await two(person)
    page = await ann.open(f"/c/{conversation}")
    await composer(page).click()
    await page.keyboard.type("one")
    await page.keyboard.press("Shift+Enter")
    await page.keyboard.type("two")
    await expect(composer(page)).to_have_value("one\ntwo")
    await page.keyboard.press("Enter")
    await expect(composer(page)).to_have_value("")
    # A row has its place, and with it is seen, once it was measured.
    await expect(rows(page).locator(".dm-body")).to_be_visible()
    assert await rows(page).locator(".dm-body").inner_text() == "one\ntwo"


async def test_enter_of_an_input_method_does_not_send(person: Any) -> None:
    ann, _, conversation = await two(person)
    page = await ann.open(f"/c/{conversation}")
    await composer(page).click()
    session = await page.context.new_cdp_session(page)
    await session.send(
        "Input.imeSetComposition", {"text": "にほん", "selectionStart": 3, "selectionEnd": 3}
    )
    # What browsers send for the Enter that chooses a word: composing, key code 229.
    await composer(page).evaluate(
        """element => element.dispatchEvent(new KeyboardEvent('keydown',
           {key: 'Enter', keyCode: 229, isComposing: true, bubbles: true, cancelable: true}))"""
    )
    await session.send("Input.insertText", {"text": "日本"})
    await expect(composer(page)).to_have_value("日本")
    assert await rows(page).count() == 0
    await page.keyboard.press("Enter")
    await expect(bubbles(page, "日本")).to_be_visible()


async def test_text_box_grows_to_eight_lines_and_then_scrolls(person: Any) -> None:
    ann, _, conversation = await two(person)
    page = await ann.open(f"/c/{conversation}")
    heights = []
    for lines in (1, 2, 8, 9, 30):
        await composer(page).fill("\n".join("x" * lines))
        heights.append(await composer(page).evaluate("e => e.getBoundingClientRect().height"))
    one, second, eight, nine, many = heights
    line = second - one
    assert line > 10
    assert eight == pytest.approx(one + 7 * line, abs=2)
    assert nine == many == pytest.approx(eight, abs=1)


async def test_draft_survives_a_switch_and_a_reload(person: Any, size: str) -> None:
    ann, _, conversation = await two(person)
    carl = await person("Carl")
    await ann.call("conversation.create", kind="direct", members=[carl.username])
    page = await ann.open(f"/c/{conversation}")
    await composer(page).fill("not finished")
    if size == "phone":
        await page.get_by_role("button", name="Back").click()
    await choose_chat(page, "Carl")
    await expect(composer(page)).to_have_value("")
    if size == "phone":
        await page.get_by_role("button", name="Back").click()
    await expect(page.locator(".dm-chat", has_text="Bob")).to_contain_text("not finished")
    await choose_chat(page, "Bob")
    await expect(composer(page)).to_have_value("not finished")
    await page.reload()
    await expect(composer(page)).to_have_value("not finished")
    await composer(page).press("Enter")
    await expect(bubbles(page, "not finished")).to_be_visible()
    await page.reload()
    await expect(bubbles(page, "not finished")).to_be_visible()
    await expect(composer(page)).to_have_value("")


async def test_text_that_is_too_long_is_kept_and_explained(person: Any) -> None:
    ann, _, conversation = await two(person)
    page = await ann.open(f"/c/{conversation}")
    await composer(page).fill("x" * 4001)
    await expect(page.get_by_text("1 character too many")).to_be_visible()
    await composer(page).press("Enter")
    await expect(composer(page)).to_have_value("x" * 4001)
    assert await rows(page).count() == 0
    await composer(page).press("Backspace")
    await expect(page.get_by_text("too many")).to_have_count(0)
    await write(page, "short")
    await expect(bubbles(page, "short")).to_be_visible()
