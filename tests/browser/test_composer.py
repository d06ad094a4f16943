"""The text box: focus, keys, height, drafts, limits."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.pages.any_page import drawn
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.messenger import (
    SEND_KEY,
    bubbles,
    choose_chat,
    composer,
    open_chat,
    open_list,
    open_menu,
    rows,
    write,
)
from tests.browser.people import two

# The text box asks once more for the focus, a moment after its chat has opened. The moment is the test's.
HELD_BACK = """(() => {
    const held = [];
    const later = window.setTimeout;
    window.setTimeout = (work, ms, ...rest) => ms === 300 ? held.push(work) : later(work, ms, ...rest);
    window.runHeldBack = () => held.splice(0).map((work) => work()).length;
})()"""


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


@pytest.mark.parametrize("size", ["desktop"])
async def test_what_is_pressed_after_a_chat_opened_keeps_the_focus(person: Any) -> None:
    ann, _, conversation = await two(person)
    await ann.context.add_init_script(HELD_BACK)
    page = await open_chat(ann, conversation)
    await expect(composer(page)).to_be_focused()
    button = page.get_by_role("button", name="Details")
    await button.click()
    await expect(page.get_by_role("dialog", name="Details")).to_be_visible()
    await button.click()
    await expect(button).to_be_focused()
    assert await page.evaluate("runHeldBack()") > 0
    await expect(button).to_be_focused()


@pytest.mark.parametrize("size", ["desktop"])
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
    await expect(rows(page).locator(".dm-body")).to_have_js_property("innerText", "one\ntwo")


@pytest.mark.parametrize("size", ["phone"])
async def test_enter_begins_a_line_on_a_touch_screen_and_the_button_sends(person: Any) -> None:
    ann, _, conversation = await two(person)
    page = await ann.open(f"/c/{conversation}")
    await expect(composer(page)).to_have_attribute("enterkeyhint", "enter")
    await composer(page).tap()
    await page.keyboard.type("one")
    await page.keyboard.press("Enter")
    await page.keyboard.type("two")
    await expect(composer(page)).to_have_value("one\ntwo")
    await page.get_by_role("button", name="Send").tap()
    await expect(rows(page).locator(".dm-body")).to_have_js_property("innerText", "one\ntwo")


async def test_what_enter_does_is_chosen_for_the_device(person: Any, size: str) -> None:
    ann, _, _ = await two(person)
    page = await open_list(ann)
    settings = await open_dialog(page, "Settings")
    choice = settings.get_by_role("radiogroup", name="The Enter key on this device")
    names = {"send": "Sends", "line": "New line"}
    usual, other = ("send", "line") if size == "desktop" else ("line", "send")
    await expect(choice.get_by_role("radio", name=names[usual])).to_be_checked()
    await choice.get_by_text(names[other]).click()
    await expect(choice.get_by_role("radio", name=names[other])).to_be_checked()
    await settings.get_by_role("button", name="Close", exact=True).click()
    for _ in range(2):
        await choose_chat(page, "Bob")
        hint = "send" if other == "send" else "enter"
        await expect(composer(page)).to_have_attribute("enterkeyhint", hint)
        await composer(page).fill("tea")
        await composer(page).press("Enter")
        await expect(composer(page)).to_have_value("" if other == "send" else "tea\n")
        await composer(page).fill("cake")
        await composer(page).press(SEND_KEY)
        await expect(composer(page)).to_have_value("")
        await page.goto(ann.base_url)
    settings = await open_dialog(page, "Settings")
    chosen = settings.get_by_role("radio", name=names[other], exact=True)
    await expect(chosen).to_be_checked()


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
    await page.keyboard.press(SEND_KEY)
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
    await composer(page).press(SEND_KEY)
    await expect(bubbles(page, "not finished")).to_be_visible()
    await page.reload()
    await expect(bubbles(page, "not finished")).to_be_visible()
    await expect(composer(page)).to_have_value("")


async def test_text_that_is_too_long_is_kept_and_explained(person: Any) -> None:
    ann, _, conversation = await two(person)
    page = await ann.open(f"/c/{conversation}")
    await composer(page).fill("x" * 16_001)
    await expect(page.get_by_text("1 character too many")).to_be_visible()
    await composer(page).press(SEND_KEY)
    await expect(composer(page)).to_have_value("x" * 16_001)
    assert await rows(page).count() == 0
    await composer(page).press("Backspace")
    await expect(page.get_by_text("too many")).to_have_count(0)
    await write(page, "short")
    await expect(bubbles(page, "short")).to_be_visible()


@pytest.mark.parametrize("size", ["desktop"])
async def test_what_is_typed_right_after_an_edit_was_ended_stays(person: Any) -> None:
    ann, _, chat = await two(person)
    page = await open_chat(ann, chat)
    box = composer(page)
    await write(page, "tea")
    await open_menu(rows(page).first)
    await page.get_by_role("menuitem", name="Edit", exact=True).click()
    await expect(box).to_have_value("tea")
    # Sooner than the next frame, as somebody fast is on a busy machine.
    await box.evaluate(
        """async (box) => {
            const options = { bubbles: true, cancelable: true };
            box.dispatchEvent(new KeyboardEvent('keydown', { key: 'Escape', ...options }));
            await new Promise((next) => {
                const channel = new MessageChannel();
                channel.port1.onmessage = next;
                channel.port2.postMessage(0);
            });
            box.value = 'coffee';
            box.dispatchEvent(new InputEvent('input', options));
        }"""
    )
    await drawn(page)
    await expect(box).to_have_value("coffee")
    await expect(page.get_by_text("Edit message")).to_have_count(0)


@pytest.mark.parametrize("size", ["desktop"])
async def test_marks_in_the_ordinary_box_make_it_markdown(person: Any) -> None:
    ann, _, chat = await two(person)
    page = await open_list(ann)
    await choose_chat(page, "Bob")
    box = composer(page)
    await write(page, "2*3*4 of snake_case in src/*/test/*")
    await box.fill("tea")
    await box.select_text()
    await box.press("Control+b")
    await expect(box).to_have_value("**tea**")
    await box.press("Control+Enter")
    await expect(rows(page).last.locator("strong")).to_have_text("tea")
    # What became Markdown is edited as it was written, and says what it is.
    await open_menu(rows(page).last)
    await page.get_by_role("menuitem", name="Edit", exact=True).click()
    await expect(box).to_have_value("**tea**")
    await expect(page.get_by_text("Edit message: Markdown", exact=True)).to_be_visible()
    await box.fill("**tea** and *milk*")
    await box.press("Control+Enter")
    await expect(rows(page).last.locator("em")).to_have_text("milk")
    await expect(page.locator(".dm-composing")).to_have_count(0)
    # A text stays one when it is edited, and says so.
    await open_menu(rows(page).first)
    await page.get_by_role("menuitem", name="Edit", exact=True).click()
    await expect(box).to_have_value("2*3*4 of snake_case in src/*/test/*")
    await box.fill("**six**")
    await expect(page.get_by_text("Marks stay as typed")).to_be_visible()
    await box.press("Escape")
    await box.fill("- one")
    await box.press("Shift+Enter")
    await expect(box).to_have_value("- one\n- ")
    await box.fill("")
    settings = await open_dialog(page, "Settings")
    await settings.get_by_text("Stay as typed").click()
    await settings.get_by_role("button", name="Close", exact=True).click()
    await write(page, "**milk**")
    await expect(bubbles(page, "**milk**")).to_be_visible()
    found = (await ann.call("message.history", conversation=chat))["messages"]
    assert [message["type"] for message in found] == ["text", "markdown", "text"]
