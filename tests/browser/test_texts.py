"""Texts as people write them: marks upon marks, both directions, numbers, links."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Locator, Page, expect

from tests.browser.pages.any_page import at_rest
from tests.browser.pages.messenger import rows, settled
from tests.browser.people import talk, two

PILED = "a" + "\u0301\u0317" * 60


async def picture(page: Page, row: Locator) -> bytes:
    """What a message's words look like at last, without what the pointer does to them."""
    await page.mouse.move(0, 0)
    await settled(page)
    await at_rest(page)
    return await row.locator(".dm-body").screenshot()


async def test_marks_upon_marks_stay_within_their_message(person: Any) -> None:
    ann, bob, conversation = await two(person, say=("above", "middle", "below"))
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    before = [await picture(page, rows(page).nth(place)) for place in (0, 2)]
    page_of = await ann.call("message.history", conversation=conversation)
    middle = page_of["messages"][1]
    writer = bob if middle["sender"] == bob.id else ann
    await writer.call(
        "message.edit", message=middle["id"], content={"text": PILED}, client_id="a" * 32
    )
    await expect(rows(page).nth(1)).to_contain_text("\u0301")
    after = [await picture(page, rows(page).nth(place)) for place in (0, 2)]
    assert after == before


async def test_two_of_one_name_in_a_group_have_their_user_names_beside_it(person: Any) -> None:
    ann, bob, twin = await person("Ann"), await person("Вова"), await person("Boвa")
    group = await talk(ann, bob, twin, title="Group")
    for who in (bob, twin, ann):
        await who.send(group, "hello")
    page = await ann.open(f"/c/{group}")
    await settled(page)
    names = rows(page).locator(".dm-author")
    await expect(names).to_have_text([f"Вова@{bob.username}", f"Boвa@{twin.username}"])
    await twin.call("account.update", display_name="Wladimir")
    await page.reload()
    await expect(names).to_have_text(["Вова", "Wladimir"])


async def test_code_in_text_from_right_to_left_is_not_mirrored(person: Any) -> None:
    ann, _, conversation = await two(person)
    text = "שלום `f(x) > 0` עולם\n\nEnglish (here).\n\n```\nif (a) {\n```\n\n- אחד"
    await ann.post(conversation, "markdown", {"text": text})
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    body = rows(page).first.locator(".dm-body")
    styles = "e => [getComputedStyle(e).direction, getComputedStyle(e).unicodeBidi]"
    for one in ("p code", "pre", ".code"):
        assert await body.locator(one).first.evaluate(styles) == ["ltr", "isolate"], one
    assert await body.evaluate("e => e.matches(':dir(rtl)')")
    # The full stop stands behind the English words, to the right of them.
    assert await body.locator("p", has_text="English").evaluate(
        """p => { const text = p.firstChild, place = (at) => { const range = new Range();
             range.setStart(text, at); range.setEnd(text, at + 1);
             return range.getBoundingClientRect().left; };
             return place(text.length - 1) > place(0) }"""
    )


async def test_numbers_of_lists_are_shown_whole(person: Any) -> None:
    ann, _, conversation = await two(person)
    for text in ("2026. A good year", "123456789. Many"):
        await ann.post(conversation, "markdown", {"text": text})
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    for row in await rows(page).all():
        # The number stands in the padding; measured, as markers have no box that can be asked for.
        room, needed = await row.locator("ol").evaluate(
            """list => { const span = document.createElement('span');
                 span.textContent = `${list.start}. `; list.firstElementChild.append(span);
                 const width = span.getBoundingClientRect().width; span.remove();
                 return [parseFloat(getComputedStyle(list).paddingLeft), width] }"""
        )
        assert room >= needed
