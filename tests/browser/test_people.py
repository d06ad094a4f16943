"""Who did something with a message: reacted to it, has read it."""

from __future__ import annotations

import re
from pathlib import Path
from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.browser.pages.any_page import at_rest
from tests.browser.pages.messenger import message, open_chat, settled
from tests.browser.people import talk


async def press_long(page: Page, target: Locator, size: str) -> None:
    """A right click, or a finger that stays and is lifted."""
    if size == "desktop":
        await target.click(button="right")
        return
    # What scrolls under a finger is no long press.
    await settled(page)
    await at_rest(page)
    box = await target.bounding_box()
    assert box
    devtools = await page.context.new_cdp_session(page)
    point = {"x": box["x"] + box["width"] / 2, "y": box["y"] + box["height"] / 2}
    touch = "Input.dispatchTouchEvent"
    await devtools.send(touch, {"type": "touchStart", "touchPoints": [point]})
    await expect(page.get_by_role("menu")).to_be_visible()
    await devtools.send(touch, {"type": "touchEnd", "touchPoints": []})


async def test_a_reaction_says_who_put_it(person: Any, size: str, pictures: Path) -> None:
    ann, bob, cleo = await person("Ann"), await person("Bob"), await person("Cleo")
    chat = await talk(ann, bob, cleo)
    sent = (await ann.send(chat, "Tea?"))["id"]
    for who, emoji in ((bob, "👍"), (cleo, "👍"), (cleo, "🎉")):
        await who.call("message.react", message=sent, emoji=emoji)
    page = await open_chat(ann, chat)
    reaction = message(page, "Tea?").locator(".dm-reactions button").first
    await press_long(page, reaction, size)
    menu = page.get_by_role("menu", name="👍 2")
    await expect(menu.get_by_role("menuitem")).to_contain_text(
        [f"Bob@{bob.username}", f"Cleo@{cleo.username}"]
    )
    await at_rest(page)
    await page.screenshot(path=pictures / f"reacted-by-{size}.png")
    if size == "phone":
        await page.go_back()
    else:
        await page.keyboard.press("Escape")
        await expect(reaction).to_be_focused()
    await expect(menu).to_have_count(0)
    # Looking puts none.
    await expect(reaction).to_have_text("👍 2")
    await expect(reaction).to_have_attribute("aria-pressed", "false")
    if size == "phone":
        return
    await page.mouse.move(0, 0)
    await reaction.hover()
    await expect(reaction).to_have_attribute("title", "Bob and Cleo")
    # By the keyboard.
    await reaction.focus()
    await page.keyboard.press("Shift+F10")
    await expect(menu.get_by_role("menuitem").first).to_be_focused()


async def test_the_menu_of_a_message_says_who_has_read_it(
    person: Any, size: str, pictures: Path
) -> None:
    ann, bob, cleo = await person("Ann"), await person("Bob"), await person("Cleo")
    chat = await talk(ann, bob, cleo)
    await ann.send(chat, "Tea?")
    await ann.send(chat, "Or coffee?")
    await bob.call("read.advance", conversation=chat, message_no=1)
    page = await open_chat(ann, chat)

    async def readers(text: str, entry: re.Pattern[str]) -> Locator:
        await press_long(page, message(page, text).locator(".dm-bubble"), size)
        found = page.get_by_role("menuitem", name=entry)
        await expect(found).to_be_visible()
        return found

    nobody = await readers("Or coffee?", re.compile("Nobody else has read it yet"))
    await expect(nobody).to_have_attribute("aria-disabled", "true")
    await page.keyboard.press("Escape")
    entry = await readers("Tea?", re.compile("Read by 1"))
    await at_rest(page)
    await page.screenshot(path=pictures / f"read-by-entry-{size}.png")
    await entry.click()
    menu = page.get_by_role("menu", name="Read by 1")
    await expect(menu.get_by_role("menuitem")).to_contain_text([f"Bob@{bob.username}"])
    await at_rest(page)
    await page.screenshot(path=pictures / f"read-by-{size}.png")


async def test_people_of_one_name_are_told_apart_wherever_they_are_named(
    person: Any, size: str, pictures: Path
) -> None:
    # The second begins with a Cyrillic letter.
    ann, ben, other = await person("Ann"), await person("Ben"), await person("Вen")
    await talk(ann, ben)
    direct = await talk(ann, other)
    await other.send(direct, "Lunch?")
    chat = await talk(ann, ben, other)
    tea = (await ben.send(chat, "Tea?"))["id"]
    await other.call("message.react", message=tea, emoji="👍")
    await other.post(chat, "text", {"text": "Yes"}, reply_to=tea)
    page = await ann.context.new_page()
    await page.goto(ann.base_url)
    row = page.locator(f'.dm-chat[href="/c/{direct}"]')
    await expect(row.locator(".dm-chat-title")).to_contain_text(f"@{other.username}")
    preview = page.locator(f'.dm-chat[href="/c/{chat}"] .dm-chat-preview')
    await expect(preview).to_contain_text(f"@{other.username}")
    await page.screenshot(path=pictures / f"one-name-list-{size}.png")
    page = await open_chat(ann, chat)
    await expect(message(page, "Yes").locator(".dm-quote b")).to_contain_text(f"@{ben.username}")
    await page.screenshot(path=pictures / f"one-name-chat-{size}.png")
    if size == "desktop":
        reaction = message(page, "Tea?").locator(".dm-reactions button")
        await reaction.hover()
        await expect(reaction).to_have_attribute("title", re.compile(f"@{other.username}"))
