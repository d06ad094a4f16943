"""Who came and went, and new names of a group, stand between its messages."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import expect

from tests.browser.conftest import Person
from tests.browser.pages.any_page import drawn
from tests.browser.pages.messenger import message, open_chat
from tests.browser.people import talk

MakePerson = Callable[..., Awaitable[Person]]


async def test_lines_stand_between_messages_at_once_and_after_a_reload(person: MakePerson) -> None:
    ann, ben, cem = await person("Ann"), await person("Ben"), await person("Cem")
    chat = await talk(ann, ben, title="Friends")
    await ann.send(chat, "Before")
    page = await open_chat(ben, chat)
    line = page.locator(".dm-event")
    await expect(line).to_have_text(["Ann created the group"])
    await ann.call("conversation.add", conversation=chat, members=[cem.username])
    await ann.send(chat, "Between")
    await ann.call("conversation.update", conversation=chat, title="Garden <b>")
    await ann.call("conversation.remove", conversation=chat, user=cem.id)
    said = [
        "Ann created the group",
        "Ann added Cem",
        "Ann named the group “Garden <b>”",
        "Ann removed Cem",
    ]
    for _ in range(2):
        await expect(line).to_have_text(said)
        in_order = page.locator(".dm-event, .dm-row .dm-body")
        await expect(in_order).to_have_text([said[0], "Before", said[1], "Between", *said[2:]])
        await expect(page).to_have_title(re.compile(r"^[^(]"))
        await page.reload()


async def test_lines_are_shown_before_anything_was_said(person: MakePerson) -> None:
    ann, ben, cem = await person("Ann"), await person("Ben"), await person("Cem")
    chat = await talk(ann, ben, title="Friends")
    page = await open_chat(ann, chat)
    line = page.locator(".dm-event")
    await expect(line).to_have_text(["Ann created the group"])
    await ann.call("conversation.add", conversation=chat, members=[cem.username])
    said = ["Ann created the group", "Ann added Cem"]
    for _ in range(2):
        await expect(line).to_have_text(said)
        await expect(page.get_by_text("No messages here yet")).to_be_visible()
        await page.reload()
    page = await open_chat(cem, chat)
    await expect(page.locator(".dm-event")).to_have_text(["Ann added Cem"])


async def test_lines_from_before_one_joined_are_not_shown_and_old_ones_are_found(
    person: MakePerson,
) -> None:
    ann, ben, cem = await person("Ann"), await person("Ben"), await person("Cem")
    chat = await talk(ann, ben, title="Friends")
    await ann.call("conversation.update", conversation=chat, title="Old name")
    for number in range(30):
        await ann.send(chat, f"Line {number}")
    await ann.call("conversation.add", conversation=chat, members=[cem.username])
    for number in range(30, 90):
        await ann.send(chat, f"Line {number}")
    page = await open_chat(ann, chat)
    await expect(message(page, "Line 89")).to_be_visible()
    # Less than a screen at a time: what is passed by is mounted.
    up = "(element) => element.scrollBy(0, -200)"
    for text in ("Ann added Cem", "Ann named the group “Old name”"):
        while not await page.locator(".dm-event", has_text=text).count():
            await page.locator(".dm-scroll").evaluate(up)
            await drawn(page)
    cems = await open_chat(cem, chat)
    await expect(message(cems, "Line 30")).to_be_attached()
    await expect(cems.locator(".dm-event")).to_have_text(["Ann added Cem"])
