"""The first admin of a server signs up, in a browser on its own machine."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable, Iterator
from typing import Any

import pytest
from dash_messenger.testing import ServerProcess
from playwright.async_api import expect

from tests.browser.conftest import PASSWORD


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """A server on an empty folder."""
    running = ServerProcess(tmp_path_factory.mktemp("first") / "data")
    running.start()
    yield running
    running.kill()


@pytest.mark.parametrize("size", ["desktop"])
async def test_the_code_is_filled_in_and_makes_the_admin(
    server: ServerProcess, new_context: Callable[[], Awaitable[Any]]
) -> None:
    context, problems = await new_context()
    page = await context.new_page()
    await page.goto(f"{server.url}/register")
    form = page.locator("form:visible")
    code = form.get_by_label("Set-up code")
    await expect(code).to_have_value(re.compile("^.{14}$"))
    filled = await code.input_value()
    await form.get_by_label("User name").fill("ann")
    await form.locator("input[name=password]").fill(PASSWORD)
    await code.fill("AAAA-AAAA-AAAA")
    await code.press("Enter")
    await expect(form.get_by_text("This set-up code is wrong")).to_be_visible()
    await expect(code).to_be_focused()
    problems.clear()  # Chromium logs each answer with an error status.
    await code.fill(filled)
    await code.press("Enter")
    await expect(page.get_by_text("No chats yet")).to_be_visible()
    account = await context.request.post(
        f"{server.url}/api/account.get", data={}, headers={"Origin": server.url}
    )
    assert (await account.json())["role"] == "admin"
    # Nobody is asked for it any more.
    stranger, _ = await new_context()
    other = await stranger.new_page()
    await other.goto(f"{server.url}/register")
    await expect(other.get_by_label("Name that others see")).to_be_visible()
    await expect(other.get_by_label("Set-up code")).to_have_count(0)
