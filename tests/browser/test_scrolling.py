"""Where the time line stands: at the end, at the unread line, or exactly where it was left."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.pages.any_page import at_rest, becomes
from tests.browser.pages.forms import chosen, form, sent
from tests.browser.pages.messenger import bubbles, scroller, settled, write
from tests.browser.people import talk, two

LEFT = "e => e.scrollHeight - e.scrollTop - e.clientHeight"


async def long_chat(person: Any, count: int, *, read: bool = True) -> tuple[Any, Any, str]:
    says = tuple(f"message {number}" + " and more words" * (number % 7) for number in range(count))
    ann, bob, conversation = await two(person, say=says)
    if read:
        await ann.call("read.advance", conversation=conversation, message_no=count)
    return ann, bob, conversation


async def is_at_the_end(page: Page) -> None:
    """Wait until nothing is left below."""
    await becomes(lambda: scroller(page).evaluate(LEFT), lambda left: left <= 2)


async def place_of(page: Page, number: int) -> float:
    place: float = await page.locator(f".dm-row[data-number='{number}']").evaluate(
        "e => e.getBoundingClientRect().top"
    )
    return place


async def test_opens_at_the_end_and_stays_there_when_messages_come(person: Any) -> None:
    ann, bob, conversation = await long_chat(person, 60)
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    await is_at_the_end(page)
    for number in range(5):
        await bob.send(conversation, f"new {number}")
        await expect(bubbles(page, f"new {number}")).to_be_in_viewport()
    await is_at_the_end(page)


async def test_scrolled_up_an_incoming_message_moves_nothing_and_is_counted(person: Any) -> None:
    ann, bob, conversation = await long_chat(person, 60)
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    await scroller(page).evaluate("e => { e.scrollTop -= 700 }")
    down = page.locator(".dm-down")
    await expect(down).to_be_visible()
    await at_rest(page)
    visible = await page.locator(".dm-row[data-number]").evaluate_all(
        """rows => rows.filter(r => { const b = r.getBoundingClientRect();
             return b.top > 150 && b.bottom < innerHeight - 150 }).map(r => +r.dataset.number)"""
    )
    number = visible[0]
    before = await place_of(page, number)
    await bob.send(conversation, "down here")
    await bob.send(conversation, "and here")
    await expect(down.locator(".dm-badge")).to_have_text("2")
    assert await place_of(page, number) == pytest.approx(before, abs=1)
    await down.click()
    await expect(bubbles(page, "and here")).to_be_in_viewport()
    await expect(down).to_have_count(0)


async def test_who_scrolls_up_while_the_end_grows_stays_there(person: Any) -> None:
    ann, _, conversation = await long_chat(person, 60)
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    left = await scroller(page).evaluate(
        """async (e) => {
          const frame = () => new Promise(requestAnimationFrame);
          const last = [...e.querySelectorAll('.dm-row')].at(-1);
          for (let n = 1; n <= 12; n++) {
            last.style.minHeight = 100 + 20 * n + 'px';
            await frame();
            await new Promise((resolve) => setTimeout(resolve));
            if (n === 8) {
              e.dispatchEvent(new WheelEvent('wheel', { bubbles: true, deltaY: -500 }));
              e.scrollTop = 600;
            }
          }
          for (let n = 0; n < 3; n++) await frame();
          return e.scrollHeight - e.scrollTop - e.clientHeight;
        }"""
    )
    assert left > 200


async def test_what_grows_at_the_end_is_followed_though_it_was_looked_at_before(
    person: Any,
) -> None:
    ann, _, conversation = await long_chat(person, 60)
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    # As a photo does when the server has drawn it: it is looked at before its size is measured.
    left = await scroller(page).evaluate(
        """async (e) => {
          const frame = () => new Promise(requestAnimationFrame);
          for (let n = 0; n < 4; n++) await frame();
          [...e.querySelectorAll('.dm-row')].at(-1).style.minHeight = '400px';
          window.dispatchEvent(new Event('focus'));
          for (let n = 0; n < 6; n++) await frame();
          return e.scrollHeight - e.scrollTop - e.clientHeight;
        }"""
    )
    assert left <= 2


async def test_one_s_own_photo_comes_into_view_where_the_page_did_not_reach_the_end(
    person: Any, size: str
) -> None:
    ann, _, conversation = await long_chat(person, 120, read=False)
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    await expect(page.locator(".dm-row[data-number='1']")).to_be_in_viewport()
    await (await form(page, "Photo")).set_input_files(chosen("a.png", "b.png", "c.png"))
    await sent(page)
    await expect(page.locator(".dm-row[data-number='121'] img").last).to_be_in_viewport()
    await expect(page.locator(".dm-down")).to_have_count(0)
    await is_at_the_end(page)


async def test_one_s_own_message_goes_to_the_end_from_anywhere(person: Any) -> None:
    ann, _, conversation = await long_chat(person, 60)
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    await scroller(page).evaluate("e => { e.scrollTop -= 900 }")
    await expect(page.locator(".dm-down")).to_be_visible()
    await write(page, "mine")
    await expect(bubbles(page, "mine")).to_be_in_viewport()


async def test_older_pages_come_in_without_moving_what_is_seen(person: Any) -> None:
    ann, _, conversation = await long_chat(person, 180)
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    # Where one message stands is noted at each frame while older ones are loaded above it.
    moved = await page.evaluate(
        """async () => {
          const scroller = document.querySelector('.dm-scroll');
          const frame = () => new Promise(requestAnimationFrame);
          const oldest = () => Math.min(...[...document.querySelectorAll('.dm-row[data-number]')]
            .map(row => +row.dataset.number));
          let worst = 0, waited = 0;
          while (oldest() > 1 && waited < 400) {
            const rows = [...document.querySelectorAll('.dm-row[data-number]')];
            const seen = rows.find(row => row.getBoundingClientRect().top > 120);
            const number = seen.dataset.number;
            const find = () => document.querySelector(`.dm-row[data-number="${number}"]`);
            scroller.scrollTop -= 200;
            await frame();
            const before = find() && find().getBoundingClientRect().top;
            for (let i = 0; i < 4; i++) {
              await frame();
              const now = find();
              if (before !== null && now) {
                worst = Math.max(worst, Math.abs(now.getBoundingClientRect().top - before));
              }
            }
            waited++;
          }
          return { worst, oldest: oldest() };
        }"""
    )
    assert moved["oldest"] == 1
    assert moved["worst"] <= 1


async def test_rows_that_get_their_sizes_do_not_undo_a_scroll(person: Any) -> None:
    ann, _, conversation = await long_chat(person, 120)
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    await scroller(page).evaluate("e => { e.scrollTop -= 900 }")
    await expect(page.locator(".dm-down")).to_be_visible()
    await at_rest(page)
    # More moves, and a row changes its size, in the frame after the reader's scroll.
    moved = await scroller(page).evaluate(
        """async (e) => {
          const frame = () => new Promise(requestAnimationFrame);
          const seen = [...e.querySelectorAll('.dm-row[data-number]')]
            .find(row => row.getBoundingClientRect().top > 120);
          e.scrollTop -= 200;
          await frame();
          const before = seen.getBoundingClientRect().top;
          e.dispatchEvent(new Event('scroll', { bubbles: true }));
          seen.style.minHeight = seen.offsetHeight + 40 + 'px';
          for (let n = 0; n < 3; n++) await frame();
          return seen.getBoundingClientRect().top - before;
        }"""
    )
    assert abs(moved) <= 1


async def test_opens_at_the_unread_line(person: Any) -> None:
    ann, _, conversation = await long_chat(person, 80, read=False)
    await ann.call("read.advance", conversation=conversation, message_no=30)
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    line = page.get_by_text("Unread messages", exact=True)
    await expect(line).to_be_in_viewport()
    await expect(page.locator(".dm-row[data-number='31']")).to_be_in_viewport()
    box = await line.bounding_box()
    assert box is not None
    assert box["y"] < 400
    assert await scroller(page).evaluate(LEFT) > 500


FIRST_READ = """(scroller) => {
    const { top } = scroller.getBoundingClientRect();
    const rows = [...scroller.querySelectorAll('.dm-row[data-number]')];
    return +rows.find((row) => row.getBoundingClientRect().top >= top).dataset.number;
}"""


async def test_what_is_read_stays_when_a_message_at_the_upper_edge_gets_a_reaction(
    person: Any,
) -> None:
    ann, bob, conversation = await long_chat(person, 60)
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    await scroller(page).evaluate("e => { e.scrollTop -= 700 }")
    await expect(page.locator(".dm-down")).to_be_visible()
    await at_rest(page)
    number = await scroller(page).evaluate(FIRST_READ)
    # A few pixels of the message before it are seen.
    gap = "(e, n) => e.querySelector(`[data-number='${n}']`).getBoundingClientRect().bottom"
    bottom = await scroller(page).evaluate(gap, number - 1)
    top = await scroller(page).evaluate("e => e.getBoundingClientRect().top")
    await scroller(page).evaluate("(e, by) => { e.scrollTop += by }", bottom - top - 12)
    await at_rest(page)
    before = await place_of(page, number)
    assert before > top
    found = await ann.call("message.history", conversation=conversation, around=number - 1, limit=5)
    edge = next(each for each in found["messages"] if each["number"] == number - 1)
    await bob.call("message.react", message=edge["id"], emoji="👍", on=True)
    reaction = page.locator(f".dm-row[data-number='{number - 1}'] [data-react]")
    await expect(reaction).to_be_attached()
    await at_rest(page)
    assert await place_of(page, number) == pytest.approx(before, abs=1)


@pytest.mark.parametrize("size", ["desktop"])
async def test_one_comes_back_to_where_one_left_off(person: Any) -> None:
    ann, _, conversation = await long_chat(person, 130)
    await talk(ann, await person("Carl"))
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    # Further up than the newest page reaches.
    await page.evaluate("id => dashMessenger.history.load(id, 'before')", conversation)
    await page.evaluate("id => dashMessenger.history.load(id, 'before')", conversation)
    await scroller(page).evaluate("e => { e.scrollTop = 900 }")
    await expect(page.locator(".dm-row[data-number='20']")).to_be_attached()
    await at_rest(page)
    number = await scroller(page).evaluate(FIRST_READ)
    before = await place_of(page, number)
    await page.locator(".dm-chat", has_text="Carl").click()
    await expect(page.locator(".dm-timeline").get_by_text("No messages here yet")).to_be_visible()
    await page.locator(".dm-chat", has_text="Bob").click()
    await settled(page)
    await at_rest(page)
    assert await place_of(page, number) == pytest.approx(before, abs=1)
    await page.reload()
    await settled(page)
    await at_rest(page)
    assert await place_of(page, number) == pytest.approx(before, abs=2)
    for width, height in ((390, 844), (1280, 800)):
        await page.set_viewport_size({"width": width, "height": height})
        await at_rest(page)
        assert await place_of(page, number) == pytest.approx(before, abs=2)
    # From the end one comes back to the end.
    await page.locator(".dm-down").click()
    await expect(page.locator(".dm-row[data-number='130']")).to_be_in_viewport()
    await page.reload()
    await settled(page)
    assert await scroller(page).evaluate(LEFT) <= 2


@pytest.mark.parametrize("size", ["desktop"])
async def test_messages_can_be_pressed_while_the_list_moves(person: Any) -> None:
    ann, _, conversation = await long_chat(person, 40)
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    takes = await scroller(page).evaluate(
        """async (scroller) => {
            const seen = new Set();
            for (let n = 0; n < 6; n++) {
                scroller.scrollTop -= 20;
                await new Promise(requestAnimationFrame);
                await new Promise((next) => setTimeout(next));
                seen.add(getComputedStyle(scroller.querySelector('.dm-row')).pointerEvents);
            }
            return [...seen];
        }"""
    )
    assert takes == ["auto"]
