"""What a screen reader is told of messages that come."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import expect

from tests.browser.pages.forms import png
from tests.browser.pages.messenger import open_chat
from tests.browser.people import talk, two


@pytest.mark.parametrize("size", ["desktop"])
async def test_each_message_is_told_and_that_others_wrote_elsewhere(person: Any) -> None:
    ann, bob, chat = await two(person, say=("before",))
    cleo = await person("Cleo")
    other = await talk(cleo, ann)
    blob = await bob.upload("lake.png", "image/png", png())
    page = await open_chat(ann, chat)
    here, elsewhere = (
        page.locator("main").get_by_role("log"),
        page.locator("nav").get_by_role("log"),
    )
    await cleo.send(other, "hello")
    for _ in range(2):
        await bob.send(chat, "Yes")
    await bob.post(chat, "photo", {"photos": [{"blob": blob}]})
    await expect(here.locator("p")).to_have_text(["Bob: Yes", "Bob: Yes", "Bob: Photo"])
    await expect(elsewhere.locator("p")).to_have_text(["Cleo: 1 unread message"])
