"""Long messages: folded as they come, and whole when somebody wants to read them."""

from __future__ import annotations

from typing import Any

from playwright.async_api import expect

from tests.browser.pages.any_page import becomes
from tests.browser.pages.messenger import open_chat, rows
from tests.browser.people import two

LONG = "\n".join(f"line {n}" for n in range(1, 32))


async def test_a_long_message_is_folded_until_it_is_wanted(person: Any) -> None:
    ann, _, chat = await two(person, say=("\n".join(LONG.split("\n")[:30]), "a " * 400, LONG))
    await ann.send(chat, "end")
    page = await open_chat(ann, chat)
    short, wide, long = (rows(page).nth(n) for n in range(3))
    # 30 lines, or a few wide ones, are no long message.
    await expect(short.locator(".dm-unfold")).to_have_count(0)
    await expect(wide.locator(".dm-unfold")).to_have_count(0)
    folded = await long.locator(".dm-long").evaluate("(one) => one.clientHeight / one.scrollHeight")
    assert 30 / 31 - 0.02 < folded < 30 / 31 + 0.02
    await long.get_by_role("button", name="Show more").click()
    await expect(long.locator(".dm-unfold")).to_have_count(0)
    whole = "(one) => one.clientHeight >= one.scrollHeight"
    await becomes(lambda: long.locator(".dm-long").evaluate(whole), bool)


async def test_a_text_of_sixteen_thousand_characters_is_sent_and_read(person: Any) -> None:
    ann, bob, chat = await two(person)
    page = await open_chat(ann, chat)
    text = "\U0001f600" * 15_999 + "x"
    await page.locator("textarea.dm-textbox").fill(text)
    await page.get_by_role("button", name="Send").click()
    await expect(rows(page)).to_have_attribute("data-state", "sent")
    (message,) = (await bob.call("message.history", conversation=chat))["messages"]
    assert message["text"] == text
