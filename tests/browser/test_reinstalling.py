"""What a page shows of messages whose plugin was uninstalled, and once it is back."""

from __future__ import annotations

from typing import Any

import pytest
from dash_messenger.testing import People, ServerProcess
from playwright.async_api import expect

from tests.browser.conftest import PASSWORD
from tests.browser.pages.messenger import composer, open_chat
from tests.browser.people import talk
from tests.one_of_each import PLUGINS, TYPES, Place, send_each


@pytest.fixture(scope="module")
def everything(tmp_path_factory: pytest.TempPathFactory) -> Place:
    """An environment with every plugin."""
    return Place.make(tmp_path_factory.mktemp("everything"), *PLUGINS)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, everything: Place) -> Any:
    running = everything.server(tmp_path_factory.mktemp("reinstalling") / "data")
    running.start()
    yield running
    running.kill()


@pytest.mark.parametrize("size", ["desktop"])
async def test_a_page_shows_the_text_of_what_is_uninstalled_and_draws_it_again_afterwards(
    server: ServerProcess, everything: Place, person: Any, size: str
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    people = People(server)
    opened = await ann.call("session.open", username=ann.username, password=PASSWORD)
    client = await people.connect(opened["token"])
    await send_each(client, opened["token"], server.url, chat)
    await people.aclose()

    async def shown(*, drawn: bool) -> None:
        page = await open_chat(bob, chat)
        rows = page.locator(".dm-row")
        await expect(rows).to_have_count(len(TYPES))
        if drawn:
            await expect(page.locator(".dm-body strong")).to_have_text("marked")
            await expect(page.locator('.dm-body[data-plugin="photo"] img')).to_be_visible()
            await expect(page.locator('.dm-body[data-plugin="stickers"] img')).to_be_visible()
            await expect(composer(page)).to_be_visible()
        else:
            await expect(page.locator(".dm-body[data-plugin]")).to_have_count(0)
            for text in TYPES.values():
                await expect(rows.filter(has_text=text or "👋").first).to_be_visible()
            await expect(page.get_by_text("No message type is installed.")).to_be_visible()
        await page.close()

    await shown(drawn=True)
    server.stop()
    everything.run("dash_messenger", "uninstall", *TYPES)
    server.start()
    await shown(drawn=False)
    server.stop()
    everything.run("dash_messenger", "install", *TYPES)
    server.start()
    await shown(drawn=True)
