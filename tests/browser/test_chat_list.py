"""The list of chats: what one wishes of a chat, in every tab and on every device, and filters."""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Person, at_one_size
from tests.browser.pages.any_page import at_rest, becomes
from tests.browser.pages.messenger import open_chat, open_list
from tests.browser.people import talk

MESSAGES = ".dm-body"
MakePerson = Callable[..., Awaitable[Person]]
ALWAYS = 2**53 - 1


def row(page: Page, title: str) -> Locator:
    named = page.locator(f".dm-chat-title:text-is('{title}')")
    return page.locator(".dm-chats > li").filter(has=named)


async def titles(page: Page) -> list[str]:
    return await page.locator(".dm-chat-title").all_inner_texts()


async def shows(page: Page, *expected: str) -> None:
    """Wait until these chats are in the list, in this order."""
    await becomes(lambda: titles(page), lambda found: found == [*expected])


async def open_menu(page: Page, title: str) -> Locator:
    await page.bring_to_front()
    await at_rest(page)
    await row(page, title).locator("a").click(button="right")
    menu = page.get_by_role("menu")
    await expect(menu).to_be_visible()
    return menu


async def choose(page: Page, title: str, *entries: str) -> None:
    menu = await open_menu(page, title)
    for entry in entries:
        await menu.get_by_role("menuitem", name=entry, exact=True).click()
    await expect(menu).to_have_count(0)


async def three_chats(person: MakePerson) -> tuple[Person, Person, list[str], list[Page]]:
    """Ann's chats Ben, Club and Den, the last on top; what Ben sees, and two tabs of Ann's."""
    ann, ben = await person("Ann"), await person("Ben")
    chats = [await talk(ann, ben)]
    chats += [await talk(ann, ben, title=title) for title in ("Club", "Den")]
    for chat in chats:
        await ben.send(chat, "Hello")
    pages = [await open_list(ann) for _ in range(2)]
    for page in pages:
        await shows(page, "Den", "Club", "Ben")
    return ann, ben, chats, pages


async def test_what_is_pinned_stands_on_top_in_every_tab(person: MakePerson) -> None:
    ann, ben, chats, pages = await three_chats(person)
    await choose(pages[0], "Ben", "Pin")
    for page in pages:
        await shows(page, "Ben", "Den", "Club")
    await choose(pages[1], "Club", "Pin")
    for page in pages:
        await shows(page, "Club", "Ben", "Den")
    await choose(pages[0], "Ben", "Move up")
    await shows(pages[1], "Ben", "Club", "Den")
    await choose(pages[1], "Ben", "Move down")
    await shows(pages[0], "Club", "Ben", "Den")
    # What is said moves nothing that is pinned, and comes below.
    await ben.send(chats[0], "Again")
    await expect(row(pages[0], "Ben").locator(".dm-badge")).to_have_text("2 2 unread messages")
    await shows(pages[0], "Club", "Ben", "Den")
    # One thing stands at a row's end: what is unread, else the pin.
    pin = row(pages[0], "Club").get_by_role("img", name="Pinned")
    await expect(pin).to_have_count(0)
    await choose(pages[1], "Club", "Mark as read")
    await expect(pin).to_be_visible()
    await choose(pages[0], "Club", "Unpin")
    await shows(pages[1], "Ben", "Den", "Club")
    # A device that comes later finds it so, and so does a reload.
    await shows(await open_list(ann), "Ben", "Den", "Club")
    await pages[0].reload()
    await shows(pages[0], "Ben", "Den", "Club")


async def test_what_is_muted_is_grey_until_the_mute_ends(person: MakePerson) -> None:
    ann, _, chats, pages = await three_chats(person)
    await choose(pages[0], "Club", "Mute", "Always")
    bells = [row(page, "Club").get_by_role("img", name="Muted") for page in pages]
    for page, bell in zip(pages, bells, strict=True):
        await expect(bell).to_be_visible()
        await expect(row(page, "Club").locator(".dm-badge-muted")).to_be_visible()
    # What is muted is not counted in the title.
    await becomes(pages[1].title, lambda title: title.startswith("(2) "))
    menu = await open_menu(pages[1], "Ben")
    await menu.get_by_role("menuitem", name="Mute").click()
    await expect(menu.get_by_role("menuitem", name="For an hour")).to_be_focused()
    await pages[1].keyboard.press("Escape")
    await choose(pages[1], "Club", "Unmute")
    for bell in bells:
        await expect(bell).to_have_count(0)
    await choose(pages[1], "Den", "Mute", "For a day")
    await expect(row(pages[0], "Den").get_by_role("img", name="Muted")).to_be_visible()
    until = int(time.time() * 1_000) + 4_000
    await ann.call("conversation.set", conversation=chats[1], muted_until_ms=until)
    for bell in bells:
        await expect(bell).to_be_visible()
    for bell in bells:
        await expect(bell).to_have_count(0)


async def test_what_is_archived_comes_back_with_the_next_message(person: MakePerson) -> None:
    _, ben, chats, pages = await three_chats(person)
    await choose(pages[0], "Den", "Archive")
    for page in pages:
        await shows(page, "Club", "Ben")
        await expect(page.locator(".dm-archived")).to_have_text("Archived 1")
    await pages[1].get_by_role("button", name="Archived").click()
    await shows(pages[1], "Den")
    await ben.send(chats[2], "Come back")
    await shows(pages[0], "Den", "Club", "Ben")
    await expect(pages[1].get_by_text("No chats here.")).to_be_visible()
    await pages[1].get_by_role("button", name="Back").first.click()
    await shows(pages[1], "Den", "Club", "Ben")
    # Muted, it stays where it is.
    await choose(pages[1], "Den", "Mute", "Always")
    await choose(pages[0], "Den", "Archive")
    await shows(pages[1], "Club", "Ben")
    await ben.send(chats[2], "Still there?")
    await ben.send(chats[0], "And here")
    for page in pages:
        await shows(page, "Ben", "Club")
    await pages[0].get_by_role("button", name="Archived").click()
    await choose(pages[0], "Den", "Move to chats")
    await shows(pages[1], "Ben", "Den", "Club")


async def test_a_chat_is_marked_unread_until_it_is_opened(person: MakePerson) -> None:
    _, _, _, pages = await three_chats(person)
    await choose(pages[0], "Club", "Mark as read")
    for page in pages:
        await expect(row(page, "Club").locator(".dm-badge")).to_have_count(0)
    await choose(pages[1], "Club", "Mark as unread")
    for page in pages:
        await expect(row(page, "Club").locator(".dm-badge")).to_have_text("Marked as unread")
    await pages[0].get_by_role("button", name="Unread").click()
    await shows(pages[0], "Den", "Club", "Ben")
    await row(pages[0], "Club").locator("a").click()
    for page in pages:
        await expect(row(page, "Club").locator(".dm-badge")).to_have_count(0)


async def test_filters_show_what_they_say(person: MakePerson) -> None:
    ann, _, chats, (page, _) = await three_chats(person)
    filters = page.get_by_role("group", name="Which chats are shown")
    await expect(filters.get_by_role("button", name="Unread")).to_have_text("Unread 3")
    await filters.get_by_role("button", name="People").click()
    await shows(page, "Ben")
    await filters.get_by_role("button", name="Groups").click()
    await shows(page, "Den", "Club")
    for chat in chats[1:]:
        await ann.call("read.advance", conversation=chat, message_no=1)
    await filters.get_by_role("button", name="Unread").click()
    await expect(filters.get_by_role("button", name="Unread")).to_have_attribute(
        "aria-pressed", "true"
    )
    await shows(page, "Ben")
    await ann.call("read.advance", conversation=chats[0], message_no=1)
    await expect(page.get_by_text("You have read everything.")).to_be_visible()
    await filters.get_by_role("button", name="All").click()
    await shows(page, "Den", "Club", "Ben")


@at_one_size
async def test_what_is_read_stays_among_the_unread_while_it_is_open(person: MakePerson) -> None:
    _, _, _, (page, _) = await three_chats(person)
    await page.get_by_role("button", name="Unread").click()
    await row(page, "Club").locator("a").click()
    await expect(row(page, "Club").locator(".dm-badge")).to_have_count(0)
    await shows(page, "Den", "Club", "Ben")
    await row(page, "Ben").locator("a").click()
    await shows(page, "Den", "Ben")


async def test_what_one_deletes_is_gone_for_oneself_until_the_next_message(
    person: MakePerson,
) -> None:
    ann, ben, chats, pages = await three_chats(person)
    # It is read, kept for the next start, and open in the other tab.
    await row(pages[1], "Ben").locator("a").click()
    await expect(pages[1].locator(MESSAGES)).to_have_text("Hello")
    # Nothing is deleted without being asked for twice.
    menu = await open_menu(pages[0], "Club")
    await menu.get_by_role("menuitem", name="Delete for me").click()
    await expect(menu.get_by_text("Others keep them.")).to_be_visible()
    await menu.get_by_role("menuitem", name="Cancel").click()
    await choose(pages[0], "Ben", "Delete", "Delete for me")
    await shows(pages[0], "Den", "Club")
    await expect(pages[1].locator(MESSAGES)).to_have_count(0)
    await expect(row(pages[1], "Ben")).to_have_count(0)
    # A device that comes later finds it so, and so does a reload, in the chat itself too.
    await shows(await open_list(ann), "Den", "Club")
    await pages[0].goto(f"{ann.base_url}/c/{chats[0]}")
    await expect(pages[0].get_by_text("No messages here yet.")).to_be_visible()
    theirs = await ben.call("message.history", conversation=chats[0])
    assert [one["text"] for one in theirs["messages"]] == ["Hello"]

    await ben.send(chats[0], "Again")
    for page in pages:
        await expect(row(page, "Ben")).to_have_count(1)
        await expect(page.locator(MESSAGES)).to_have_text("Again")


async def test_what_one_deletes_for_both_is_gone_for_the_other_at_once(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, ben, chats, (page, _) = await three_chats(person)
    theirs = await open_chat(ben, chats[0])
    await expect(theirs.locator(MESSAGES)).to_have_text("Hello")
    menu = await open_menu(page, "Ben")
    await menu.get_by_role("menuitem", name="Delete").click()
    await expect(menu.get_by_text("Delete all messages of this chat?")).to_be_visible()
    await at_rest(page)
    await page.screenshot(path=pictures / f"delete-for-both-{size}.png")
    await menu.get_by_role("menuitem", name="Delete for both").click()
    await shows(page, "Den", "Club")
    await expect(theirs.locator(MESSAGES)).to_have_count(0)
    await expect(theirs.locator(f"li[data-id='{chats[0]}']")).to_have_count(0)
    await theirs.reload()
    await expect(theirs.get_by_text("No messages here yet.")).to_be_visible()
    await ann.send(chats[0], "Again")
    for each in (page, theirs):
        await expect(row(each, "Ben" if each is page else "Ann")).to_have_count(1)
    await expect(theirs.locator(MESSAGES)).to_have_text("Again")


@at_one_size
async def test_the_menu_goes_by_button_and_keys(person: MakePerson) -> None:
    _, _, _, (page, _) = await three_chats(person)
    button = row(page, "Den").get_by_role("button", name="What to do with this chat")
    await row(page, "Den").hover()
    await expect(button).to_have_css("opacity", "1")
    await button.click()
    menu = page.get_by_role("menu", name="What to do with this chat")
    await expect(menu.get_by_role("menuitem", name="Pin")).to_be_focused()
    await page.keyboard.press("End")
    await expect(menu.get_by_role("menuitem", name="Leave the group")).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(menu.get_by_text("Leave this group?")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(menu).to_have_count(0)
    await expect(row(page, "Den").locator("a")).to_be_focused()
    await choose(page, "Den", "Leave the group", "Leave the group")
    await shows(page, "Club", "Ben")


@pytest.mark.parametrize("size", ["phone"])
async def test_a_swipe_archives_or_marks_and_a_long_press_opens_the_menu(
    person: MakePerson,
) -> None:
    _, _, _, (page, other) = await three_chats(person)
    await page.bring_to_front()
    cdp = await page.context.new_cdp_session(page)

    async def touch(kind: str, *points: tuple[float, float]) -> None:
        touches = [{"x": x, "y": y} for x, y in points]
        await cdp.send("Input.dispatchTouchEvent", {"type": kind, "touchPoints": touches})

    async def swipe(title: str, by: int) -> None:
        box: Any = await row(page, title).bounding_box()
        x, y = 195.0, box["y"] + box["height"] / 2
        await touch("touchStart", (x, y))
        for step in range(1, 11):
            await touch("touchMove", (x + by * step / 10, y))
        await touch("touchEnd")

    # Too short: nothing happens, and no chat is opened.
    await swipe("Den", -60)
    await at_rest(page)
    await shows(page, "Den", "Club", "Ben")
    await expect(page.locator("[data-swipe]")).to_have_count(0)
    await swipe("Den", -150)
    await shows(page, "Club", "Ben")
    await shows(other, "Club", "Ben")
    await swipe("Club", 150)
    await expect(row(page, "Club").locator(".dm-badge")).to_have_count(0)
    await swipe("Club", 150)
    await expect(row(page, "Club").locator(".dm-badge")).to_have_text("Marked as unread")
    box: Any = await row(page, "Ben").bounding_box()
    await touch("touchStart", (195, box["y"] + 30))
    await expect(page.get_by_role("menuitem", name="Pin")).to_be_visible()
    await touch("touchEnd")
    await page.get_by_role("menuitem", name="Pin").click()
    await shows(page, "Ben", "Club")
    assert page.url.endswith("/")


@at_one_size
async def test_why_nothing_more_is_pinned_is_told(person: MakePerson) -> None:
    ann, ben, _, (page, _) = await three_chats(person)
    made = [await talk(ann, ben, title=f"Group {n}") for n in range(20)]
    for chat in made:
        await ann.call("conversation.set", conversation=chat, pinned=True)
    await choose(page, "Club", "Pin")
    await expect(page.get_by_text("You have pinned 20 chats. Unpin one of them")).to_be_visible()


@pytest.mark.parametrize("language", ["ru-RU"])
async def test_the_menu_speaks_russian(person: MakePerson) -> None:
    _, _, _, (page, other) = await three_chats(person)
    await choose(page, "Club", "Закрепить")
    await choose(page, "Den", "Отключить уведомления", "На день")
    await choose(page, "Ben", "В архив")
    await shows(other, "Club", "Den")
    await expect(other.locator(".dm-archived")).to_have_text("Архив 1")
    await other.get_by_role("button", name="Новые").click()
    await asyncio.gather(shows(page, "Club", "Den"), shows(other, "Club", "Den"))
