"""Item 7: a message counts as read when somebody can have read it, and then in every tab."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import Page, expect

from tests.browser.conftest import PASSWORD, Person
from tests.browser.pages.any_page import becomes, drawn, like_a_window
from tests.browser.pages.messenger import message, open_chat, open_list, round_trip, settled
from tests.browser.people import talk
from tests.browser.wire import frames_sent

MakePerson = Callable[..., Awaitable[Person]]
ONE_UNREAD, THREE_UNREAD = (re.compile(rf"^\({n}\) ") for n in (1, 3))
NONE_UNREAD = re.compile(r"^[^(]")
# No Chromium without a screen ever hides a page, so the page is told so.
HIDE = """(state) => {
    Object.defineProperty(document, 'visibilityState', { value: state, configurable: true });
    document.dispatchEvent(new Event('visibilitychange'));
}"""

NOTE_TITLES = """() => {
    window.titles = [];
    new MutationObserver(() => window.titles.push(document.title)).observe(
        document.querySelector('title'), { childList: true, characterData: true, subtree: true });
}"""


async def is_unread(page: Page, reader: Person, conversation: str, count: int) -> None:
    """Check that neither the page nor the server takes the last messages for read."""
    await drawn(page)
    await expect(page).to_have_title(re.compile(rf"^\({count}\) "))
    await round_trip(page)
    found = await reader.call("conversation.get", conversation=conversation)
    assert found["conversation"]["unread"] == count


async def test_a_message_in_view_is_read_and_its_author_sees_it(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    anns, bens = await open_chat(ann, chat), await open_chat(ben, chat)
    await ann.send(chat, "Are you there?")
    await expect(message(bens, "Are you there?")).to_be_visible()
    await expect(message(anns, "Are you there?")).to_have_attribute("data-state", "read")
    await expect(bens).to_have_title(NONE_UNREAD)


async def test_a_message_that_is_read_as_it_comes_is_not_counted_in_the_title(
    person: MakePerson,
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    anns, bens = await open_chat(ann, chat), await open_chat(ben, chat)
    await expect(bens).to_have_title(NONE_UNREAD)
    plain = await bens.title()
    await bens.evaluate(NOTE_TITLES)
    await ann.send(chat, "You see this")
    await expect(message(anns, "You see this")).to_have_attribute("data-state", "read")
    await bens.evaluate(HIDE, "hidden")
    await ann.send(chat, "You are away")
    await expect(bens).to_have_title(ONE_UNREAD)
    assert await bens.evaluate("() => window.titles") == [f"(1) {plain}"]


async def test_a_message_is_not_read_while_the_page_lacks_the_focus(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    await ann.send(chat, "An old one")
    page = await ben.context.new_page()
    read = frames_sent(page, "read.advance")
    await page.goto(f"{ben.base_url}/c/{chat}")
    await settled(page)
    await expect(page).to_have_title(NONE_UNREAD)
    await round_trip(page)
    await like_a_window(page)
    other = await ben.context.new_page()
    await like_a_window(other)
    await other.bring_to_front()
    await becomes(lambda: page.evaluate("() => document.hasFocus()"), lambda has: has is False)
    already = len(read)
    await ann.send(chat, "First")
    await ann.send(chat, "Second")
    await expect(message(page, "Second")).to_be_visible()
    await is_unread(page, ben, chat, 2)
    assert len(read) == already
    anns = await open_chat(ann, chat)
    await expect(message(anns, "Second")).to_have_attribute("data-state", "sent")
    await page.bring_to_front()
    await expect(page).to_have_title(NONE_UNREAD)
    await expect(message(anns, "Second")).to_have_attribute("data-state", "read")


async def test_a_message_is_not_read_while_the_page_is_hidden(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    page = await open_chat(ben, chat)
    await page.evaluate(HIDE, "hidden")
    await ann.send(chat, "Unseen")
    await expect(message(page, "Unseen")).to_be_attached()
    await is_unread(page, ben, chat, 1)
    await page.evaluate(HIDE, "visible")
    await expect(page).to_have_title(NONE_UNREAD)


async def test_a_message_below_what_is_in_view_is_not_read(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    for number in range(40):
        await ben.send(chat, f"Line {number}")
    page = await open_chat(ben, chat)
    await page.locator(".dm-scroll").evaluate("(element) => element.scrollTo(0, 0)")
    await expect(page.locator(".dm-down")).to_be_visible()
    await ann.send(chat, "Far below")
    await expect(page).to_have_title(ONE_UNREAD)
    await is_unread(page, ben, chat, 1)
    await page.locator(".dm-down").click()
    await expect(message(page, "Far below")).to_be_in_viewport()
    await expect(page).to_have_title(NONE_UNREAD)


async def test_opening_a_chat_reads_what_is_in_view_and_no_more(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    for number in range(1, 41):
        await ann.send(chat, f"Line {number}" + "\nand more of it" * 3)
    page = await open_chat(ben, chat)
    await drawn(page)
    last_in_view = await page.locator(".dm-scroll").evaluate(
        """(scroll) => {
            const end = scroll.getBoundingClientRect().bottom;
            const rows = [...scroll.querySelectorAll('.dm-row[data-number]')];
            const seen = rows.filter((row) => row.getBoundingClientRect().top < end);
            return Number(seen.at(-1).dataset.number);
        }"""
    )
    assert last_in_view < 30
    left = 40 - last_in_view
    await expect(page).to_have_title(re.compile(rf"^\(({left}|{left + 1})\) "))
    # As a wheel does: on, until nothing lies below, also when what came in view is higher.
    await page.locator(".dm-scroll").evaluate(
        """async (element) => {
            const frame = () => new Promise(requestAnimationFrame);
            do {
                element.scrollTo(0, element.scrollHeight);
                await frame();
                await frame();
            } while (element.scrollHeight - element.scrollTop - element.clientHeight > 1);
        }"""
    )
    await expect(page).to_have_title(NONE_UNREAD)


async def test_reading_clears_the_counts_in_every_open_tab(person: MakePerson) -> None:
    ann, cem, ben = await person("Ann"), await person("Cem"), await person("Ben")
    chat, other_chat = await talk(ann, ben), await talk(cem, ben)
    first, second = await open_list(ben), await open_list(ben)
    for text in ("One", "Two"):
        await ann.send(chat, text)
    await cem.send(other_chat, "Three")
    row = f'a.dm-chat[href="/c/{chat}"]'
    for tab in (first, second):
        await expect(tab).to_have_title(THREE_UNREAD)
        await expect(tab.locator(f"{row} .dm-badge")).to_contain_text("2")
    await second.locator(row).click()
    await expect(message(second, "Two")).to_be_visible()
    for tab in (second, first):
        await expect(tab).to_have_title(ONE_UNREAD)
        await expect(tab.locator(f"{row} .dm-badge")).to_have_count(0)


async def test_reading_clears_the_counts_on_another_device(
    person: MakePerson, new_context: Callable[..., Awaitable[tuple[object, list[str]]]]
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    context, problems = await new_context()
    device = Person(ben.username, ben.id, context, ben.base_url, problems)  # type: ignore[arg-type]
    await device.call("session.open", username=ben.username, password=PASSWORD, **{"as": "cookie"})
    there = await open_list(device)
    for text in ("One", "Two", "Three"):
        await ann.send(chat, text)
    await expect(there).to_have_title(THREE_UNREAD)
    await open_chat(ben, chat)
    await expect(there).to_have_title(NONE_UNREAD)
    await expect(there.locator(".dm-chats .dm-badge")).to_have_count(0)
    again = await open_list(device)
    await expect(again).to_have_title(NONE_UNREAD)


async def test_ones_own_messages_never_count_as_unread(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    page = await open_list(ben)
    await ben.send(chat, "From my other device")
    await expect(page.locator(".dm-chat-preview")).to_contain_text("From my other device")
    await expect(page).to_have_title(NONE_UNREAD)
    await page.reload()
    await expect(page.locator(".dm-chat-preview")).to_contain_text("From my other device")
    await expect(page).to_have_title(NONE_UNREAD)
    await expect(page.locator(".dm-badge")).to_have_count(0)


async def test_deleted_messages_are_not_unread_and_the_list_says_so(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben, title="Friends")
    page = await open_list(ben)
    row = page.locator(f'a.dm-chat[href="/c/{chat}"]')
    sent = [await ann.send(chat, text) for text in ("First", "Second")]
    await expect(row.locator(".dm-badge")).to_contain_text("2")
    await ann.call("message.delete", message=sent[1]["id"])
    for _ in range(2):
        await expect(row.locator(".dm-badge")).to_contain_text("1")
        await expect(row.locator(".dm-chat-preview")).to_have_text("Message deleted")
        await page.reload()
    await ann.call("message.delete", message=sent[0]["id"])
    for _ in range(2):
        await expect(row.locator(".dm-badge")).to_have_count(0)
        await expect(page).to_have_title(NONE_UNREAD)
        await page.reload()
