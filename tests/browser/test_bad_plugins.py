"""Bad plugins in the browser: a page stands whatever one of them does, and other people talk."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from dash_messenger.testing import ServerProcess
from playwright.async_api import expect

from tests.bad_plugins.host import PluginHost
from tests.browser.pages.any_page import becomes
from tests.browser.pages.messenger import write
from tests.browser.people import two


@pytest_asyncio.fixture(loop_scope="session")
async def host(tmp_path: Path) -> AsyncIterator[PluginHost]:
    """A host with the plugins that show what they are in a browser."""
    host = PluginHost(tmp_path)
    host.add("odd", "moody")
    await host.open()
    yield host
    await host.close()


@pytest.fixture
def server(host: PluginHost) -> ServerProcess:
    """What people here use."""
    return host.server


@pytest.mark.parametrize("size", ["desktop"])
async def test_pages_stand_whatever_a_plugin_brings_and_others_talk(
    host: PluginHost, person: Any
) -> None:
    ann, bob, conversation = await two(person)
    pair = await host.pair()
    page = await ann.open(f"/c/{conversation}")
    await write(page, "before")
    for type, words in (
        ("odd", "unknown"),
        ("odd", "throws"),
        ("moody", "words"),
        ("odd", "raises"),
        ("odd", "holds"),
    ):
        await bob.post(conversation, type, {"words": words})
    await write(page, "after")
    await expect(page.locator(".dm-row")).to_have_count(7)
    # What cannot be drawn is read.
    for words in ("unknown", "throws"):
        plain = page.locator(".dm-row .dm-plain").get_by_text(f"text of {words}", exact=True)
        await expect(plain).to_be_visible()
    named = "A body of plugin odd cannot be drawn"

    async def told() -> int:
        return sum(named in problem for problem in ann.problems)

    # They are read before their drawing has come, too.
    await becomes(told, lambda times: times == 2)
    # Who cannot say how it is written is quarantined when the page asks, and read as text.
    await expect(page.get_by_text("words", exact=True)).to_be_visible()
    assert (await host.statuses())["moody", "_webui"] == ("quarantined", "RuntimeError: not today")

    # A callback that fails changes nothing and is named.
    await page.get_by_role("button", name="raises").click()
    await host.until(lambda: host.logged("plugin_failed", "odd"))
    await expect(page.get_by_text("untouched")).to_have_count(2)
    # One that holds the loop is named, and everything goes on once it lets go.
    talking = asyncio.create_task(pair.talk())
    await page.get_by_role("button", name="holds").click()
    await expect(page.get_by_text("done", exact=True)).to_be_visible()
    await talking
    await host.until(lambda: host.logged("loop_held", "odd"))
    await write(page, "still here")
    await expect(page.locator(".dm-row[data-state=sent]").last).to_contain_text("still here")

    # A form whose fields the content does not have is refused with a sentence.
    await (
        page.get_by_role("button", name="Attach")
        .or_(page.get_by_role("button", name="Add"))
        .first.click()
    )
    await page.get_by_text("Odd", exact=True).click()
    await page.get_by_label("Nonsense").fill("words")
    await page.get_by_role("dialog").get_by_role("button", name="Send").click()
    failed = page.locator(".dm-failed")
    await failed.get_by_role("button", name="Edit").click()
    await expect(page.get_by_role("dialog").get_by_role("alert")).to_be_visible()
    await page.keyboard.press("Escape")
    await failed.get_by_role("button", name="Discard").click()
    await pair.talk()
    # The browser logs what an error boundary caught and what a callback answered.
    for someone in (ann, bob):
        someone.problems[:] = [
            problem for problem in someone.problems if not problem.startswith("console: ")
        ]
