"""How messages stand together: groups, days, times, faces."""

from __future__ import annotations

import re
import sqlite3
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from playwright.async_api import expect

from tests.browser.pages.messenger import choose_chat, rows, settled
from tests.browser.people import two

CONTRAST = """element => {
  const channel = v => { v /= 255; return v <= 0.03928 ? v / 12.92 : ((v + 0.055) / 1.055) ** 2.4 };
  const light = c => { const [r, g, b] = c.match(/[\\d.]+/g).map(Number);
    return 0.2126 * channel(r) + 0.7152 * channel(g) + 0.0722 * channel(b) };
  const style = getComputedStyle(element);
  let back = element, behind = style.backgroundColor;
  while (/, 0\\)$|transparent/.test(behind)) {
    back = back.parentElement; behind = getComputedStyle(back).backgroundColor }
  const [one, two] = [light(style.color), light(behind)].sort((a, b) => b - a);
  return (one + 0.05) / (two + 0.05);
}"""


async def test_messages_of_one_person_within_five_minutes_are_one_group(person: Any) -> None:
    ann, bob, carl = await person("Ann"), await person("Bob"), await person("Carl")
    made = await ann.call(
        "conversation.create", kind="group", title="Three", members=[bob.username, carl.username]
    )
    for who, text in ((bob, "b1"), (bob, "b2"), (bob, "b3"), (carl, "c1"), (bob, "b4")):
        await who.send(made["id"], text)
    page = await ann.open(f"/c/{made['id']}")
    await settled(page)
    shape = await rows(page).evaluate_all(
        """rows => rows.map(row => [row.querySelector('.dm-body').textContent.slice(0, 2),
             row.classList.contains('dm-first'), row.classList.contains('dm-last'),
             !!row.querySelector('.dm-author'), !!row.querySelector('.dm-avatar')])"""
    )
    assert shape == [
        ["b1", True, False, True, False],
        ["b2", False, False, False, False],
        ["b3", False, True, False, True],
        ["c1", True, True, True, True],
        ["b4", True, True, True, True],
    ]


async def test_time_is_local_and_its_full_date_is_told_on_hover(person: Any) -> None:
    ann, _, conversation = await two(person, say=("when?",))
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    time = rows(page).locator("time")
    iso = await time.get_attribute("datetime")
    expected = await page.evaluate(
        """iso => { const d = new Date(iso);
             return [d.getHours(), d.getMinutes(), d.getFullYear()] }""",
        iso,
    )
    shown = await time.text_content() or ""
    assert re.fullmatch(r"\d\d:\d\d", shown)
    assert [int(part) for part in shown.split(":")] == expected[:2]
    assert str(expected[2]) in (await time.get_attribute("title") or "")


@pytest.mark.parametrize("scheme", ["light", "dark"])
async def test_a_face_has_the_same_colour_everywhere_and_can_be_read(person: Any) -> None:
    ann = await person("Ann")
    people = [await person(f"Person {letter}") for letter in "QRSTUVWX"]
    made = await ann.call(
        "conversation.create",
        kind="group",
        title="Faces",
        members=[someone.username for someone in people],
    )
    for someone in people:
        await someone.send(made["id"], f"I am {someone.username}")
    direct = await ann.call("conversation.create", kind="direct", members=[people[0].username])
    page = await ann.open(f"/c/{made['id']}")
    await settled(page)
    avatars = page.locator(".dm-row .dm-avatar")
    await expect(avatars).to_have_count(len(people))
    for contrast in await avatars.evaluate_all(f"all => all.map({CONTRAST})"):
        assert contrast >= 4.5
    for contrast in await page.locator(".dm-author").evaluate_all(f"all => all.map({CONTRAST})"):
        assert contrast >= 4.5
    hue = await avatars.first.get_attribute("data-hue")
    assert hue is not None
    await page.goto(f"{ann.base_url}/c/{direct['id']}")
    header = page.locator(".dm-header-chat .dm-avatar")
    await expect(header).to_have_attribute("data-hue", hue)
    await expect(header).to_have_text("PQ")


@pytest_asyncio.fixture(loop_scope="session")
async def old_chat(person: Any, server: Any) -> tuple[Any, str]:
    """A conversation whose messages are of three days, the last two six minutes apart."""
    ann, _, conversation = await two(person, say=("long ago", "yesterday", "now", "now too"))
    minute, day = 60_000, 86_400_000
    server.stop()
    with sqlite3.connect(database(server.data)) as connection:
        for number, back in ((1, 400 * day), (2, day), (3, 6 * minute)):
            connection.execute(
                "UPDATE messages SET sent_at_ms = sent_at_ms - ?"
                " WHERE conversation_id = ? AND number = ?",
                (back, bytes.fromhex(conversation), number),
            )
    server.start()
    return ann, conversation


def database(data: Path) -> Path:
    """The database file of a data folder."""
    found = [path for path in data.iterdir() if path.suffix in (".db", ".sqlite", ".sqlite3")]
    assert len(found) == 1, found
    return found[0]


async def test_days_are_separated_and_five_minutes_end_a_group(old_chat: Any) -> None:
    ann, conversation = old_chat
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    days = await page.locator(".dm-day").all_text_contents()
    assert len(days) in (2, 3)  # shortly after midnight the last two are of two days
    assert days[1] == "Yesterday" or len(days) == 3
    assert re.search(r"\d{4}", days[0])
    firsts = await rows(page).evaluate_all("all => all.map(r => r.classList.contains('dm-first'))")
    assert firsts == [True, True, True, True]


async def test_list_shows_the_same_face_as_the_chat(person: Any) -> None:
    ann, _, _ = await two(person, say=("hello",))
    page = await ann.open()
    face = page.locator(".dm-chat", has_text="Bob").locator(".dm-avatar")
    hue = await face.get_attribute("data-hue")
    await choose_chat(page, "Bob")
    await expect(page.locator(".dm-header-chat .dm-avatar")).to_have_attribute(
        "data-hue", hue or ""
    )


WORDS_UNDER_TIME = """(bubbles) => bubbles.flatMap((bubble) => {
    const time = bubble.querySelector('.dm-meta').getBoundingClientRect();
    const words = document.createRange();
    words.selectNodeContents(bubble.querySelector('.dm-body > :not(.dm-space)'));
    const under = [...words.getClientRects()].filter((line) => line.width
        && line.right > time.left + 1 && line.left < time.right - 1
        && line.bottom > time.top + 2 && line.top < time.bottom - 2);
    return under.length ? [bubble.querySelector('.dm-body').textContent] : [];
})"""


async def test_text_that_leaves_a_direction_open_is_not_drawn_under_its_time(
    person: Any,
) -> None:
    ann, bob, conversation = await two(person)
    for opens in "\u2066\u2067\u2068\u202a\u202b\u202d\u202e":
        for type in ("text", "markdown"):
            for text in (f"{opens}hello", f"see example.org {opens}and more words"):
                await bob.post(conversation, type, {"text": text})
    page = await ann.open(f"/c/{conversation}")
    await settled(page)
    await expect(rows(page)).to_have_count(28)
    assert await page.locator(".dm-bubble").evaluate_all(WORDS_UNDER_TIME) == []
