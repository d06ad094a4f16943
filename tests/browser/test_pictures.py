"""The picture in the README: the demo that its first command serves, as somebody in it sees it."""

from __future__ import annotations

import os
import re
from pathlib import Path

import pytest
from playwright.async_api import Browser, ViewportSize, expect

from tests.browser.pages.messenger import SETTLED
from tests.environment import ROOT
from tests.readme import served_by_readme

PICTURE = ROOT / "docs" / "images" / "messenger.png"
WIDTH, HEIGHT = 1280, 800


@pytest.mark.asyncio(loop_scope="session")
async def test_demo_is_worth_a_picture(browser: Browser, tmp_path: Path, pictures: Path) -> None:
    """Written to docs/images where ``DASH_MESSENGER_PICTURES`` says ``write``."""
    async with served_by_readme(tmp_path / "data") as said:
        address, name, password = told_by(said)
        context = await browser.new_context(
            viewport=ViewportSize(width=WIDTH, height=HEIGHT), locale="en-GB", timezone_id="UTC"
        )
        try:
            for command, params in (
                ("session.open", {"username": name, "password": password, "as": "cookie"}),
                ("account.update", {"language": "en"}),
            ):
                answer = await context.request.post(
                    f"{address}/api/{command}", data=params, headers={"Origin": address}
                )
                assert answer.ok, await answer.text()
            page = await context.new_page()
            await page.goto(address)
            await page.locator(".dm-chats .dm-chat", has_text="Show and tell").click()
            await expect(page.locator(SETTLED)).to_be_visible()
            # There is something of everything in sight.
            await page.locator(".dm-scroll").evaluate("list => (list.scrollTop -= 640)")
            await page.wait_for_function(
                "() => [...document.images].every((one) => one.complete && one.naturalWidth)"
            )
            await page.screenshot(path=pictures / PICTURE.name, animations="disabled")
        finally:
            await context.close()
    if os.environ.get("DASH_MESSENGER_PICTURES") == "write":
        PICTURE.write_bytes((pictures / PICTURE.name).read_bytes())
    assert size_of(PICTURE) == size_of(pictures / PICTURE.name) == (WIDTH, HEIGHT)


def told_by(said: str) -> tuple[str, str, str]:
    """The address, a user name and the password in what the server said."""
    found = re.search(r"(http://\S+)\s+Log in as one of (\w+),.*password of each is: (.+)", said)
    assert found is not None, said
    return found[1], found[2], found[3].strip()


def size_of(picture: Path) -> tuple[int, int]:
    """Width and height of a PNG (its header, RFC 2083, section 4.1.1)."""
    head = picture.read_bytes()[:24]
    return int.from_bytes(head[16:20]), int.from_bytes(head[20:24])
