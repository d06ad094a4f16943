"""The banner that says that there is no connection: when it comes, and what it leaves in place."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import Person, forgive_network
from tests.browser.pages.any_page import at_rest, becomes
from tests.browser.pages.messenger import BANNER, TEXT_BOX, message, open_chat, open_list
from tests.browser.people import talk

MakePerson = Callable[..., Awaitable[Person]]
OFFLINE = "() => window.dashMessenger?.store.online === false"
# The number of the first message in the lower half of what is in view.
IN_THE_MIDDLE = """(scroll) => {
    const middle = scroll.getBoundingClientRect().top + scroll.clientHeight / 2;
    const rows = [...scroll.querySelectorAll('.dm-row[data-number]')];
    return rows.find((row) => row.getBoundingClientRect().top > middle).dataset.number;
}"""


async def test_a_banner_says_after_two_seconds_that_there_is_no_connection(
    person: MakePerson,
) -> None:
    ann = await person("Ann")
    page = await ann.context.new_page()
    await page.clock.install()
    await page.goto(ann.base_url)
    await page.wait_for_function("() => window.dashMessenger?.store.synced")
    await page.clock.pause_at(await page.evaluate("() => Date.now() + 5000"))
    await ann.context.set_offline(True)
    await page.wait_for_function(OFFLINE, polling=50)
    await let_effects_run(page)
    await page.clock.run_for(1_900)
    await let_effects_run(page)
    await expect(page.locator(BANNER)).to_have_count(0)
    await page.clock.run_for(200)
    await expect(page.locator(BANNER)).to_be_visible()
    await expect(page.locator(BANNER)).to_contain_text("No connection")
    await page.clock.resume()
    await ann.context.set_offline(False)
    await expect(page.locator(BANNER)).to_have_count(0)
    forgive_network(ann.problems)


async def test_the_banner_covers_no_chat_and_no_text_box(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    await talk(ann, ben, title="Others")
    page = await open_list(ann)
    await ann.context.set_offline(True)
    banner = page.locator(BANNER)
    await expect(banner).to_be_visible()
    await at_rest(page)
    assert await overlaps(banner, page.locator(".dm-chat, .dm-header")) == []
    await page.locator(f'.dm-chat[href="/c/{chat}"]').click()
    await expect(page.locator(TEXT_BOX)).to_be_visible()
    await at_rest(page)
    assert await overlaps(banner, page.locator(".dm-chat, .dm-header, .dm-composer")) == []
    forgive_network(ann.problems)


async def test_the_banner_stands_above_an_open_dialog(person: MakePerson) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    await page.get_by_role("button", name="New chat").first.click()
    dialog = page.get_by_role("dialog")
    await expect(dialog).to_be_visible()
    await ann.context.set_offline(True)
    banner = page.locator(BANNER)
    await expect(banner).to_be_visible()
    await at_rest(page)
    box = await banner.bounding_box()
    assert box is not None
    assert (box["x"], box["y"], box["width"]) == (0, 0, await page.evaluate("innerWidth"))
    assert await overlaps(banner, dialog) == []
    forgive_network(ann.problems)


async def test_the_banner_covers_no_message_and_moves_none(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    for number in range(40):
        await ann.send(chat, f"Line {number}")
    page = await open_chat(ann, chat)
    await stays_offline_and_on_return(ann, page, message(page, "Line 39"))
    await page.locator(".dm-scroll").evaluate("(element) => element.scrollTo(0, 300)")
    await at_rest(page)
    read = await page.locator(".dm-scroll").evaluate(IN_THE_MIDDLE)
    row = page.locator(f'.dm-row[data-number="{read}"]')
    await stays_offline_and_on_return(ann, page, row)
    forgive_network(ann.problems)


async def stays_offline_and_on_return(person: Person, page: Page, row: Locator) -> None:
    """Check that the banner comes and goes, and that a row stays where it is on the screen."""

    async def top() -> float:
        box = await row.bounding_box()
        assert box is not None
        return box["y"]

    banner, before = page.locator(BANNER), await top()
    await person.context.set_offline(True)
    await expect(banner).to_be_visible()
    await at_rest(page)
    assert await overlaps(banner, page.locator(".dm-scroll")) == []
    await becomes(top, lambda now: abs(now - before) <= 1)
    await person.context.set_offline(False)
    await expect(banner).to_have_count(0)
    await becomes(top, lambda now: abs(now - before) <= 1)


async def overlaps(one: Locator, others: Locator) -> list[str]:
    """Which of the visible others share a place with the one."""
    mine = await one.bounding_box()
    assert mine is not None
    found = []
    for other in await others.all():
        theirs = await other.bounding_box() if await other.is_visible() else None
        if theirs is None:
            continue
        beside = (
            mine["x"] >= theirs["x"] + theirs["width"] or theirs["x"] >= mine["x"] + mine["width"]
        )
        above = (
            mine["y"] >= theirs["y"] + theirs["height"] or theirs["y"] >= mine["y"] + mine["height"]
        )
        if not (beside or above):
            found.append(str(await other.text_content()))
    return found


async def let_effects_run(page: Page) -> None:
    """What `drawn` waits for, while the page's clock stands still."""
    for _ in range(3):
        await page.evaluate(
            "() => new Promise((done) => { const channel = new MessageChannel();"
            " channel.port1.onmessage = done; channel.port2.postMessage(0); })"
        )
