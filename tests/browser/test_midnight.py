"""A page that stays open over midnight does not go on saying "Today" of the day before."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable

from playwright.async_api import expect

from tests.browser.conftest import Person, at_one_size
from tests.browser.pages.messenger import message
from tests.browser.people import talk

pytestmark = at_one_size


async def test_at_the_readers_midnight_today_becomes_yesterday(
    person: Callable[..., Awaitable[Person]],
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    sent_at_ms = (await ann.send(chat, "Good night"))["sent_at_ms"]
    page = await ben.context.new_page()
    await page.clock.install(time=sent_at_ms / 1000)
    await page.goto(f"{ben.base_url}/c/{chat}")
    await expect(message(page, "Good night")).to_be_visible()
    midnight_ms = await page.evaluate("(ms) => new Date(ms).setHours(24, 0, 0, 0)", sent_at_ms)
    await page.clock.pause_at(midnight_ms / 1000 - 1)
    day, row = page.locator(".dm-day"), page.locator(".dm-chat time")
    await expect(day).to_have_text("Today")
    await expect(row).to_have_text(re.compile(r"\d\d:\d\d"))
    await page.clock.run_for(1_200)
    await expect(day).to_have_text("Yesterday")
    await expect(row).to_have_text(re.compile(r"^\D+$"))
