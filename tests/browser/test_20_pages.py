"""Pages that plugins bring: in the frame of the pages, for who is logged in, and no trap."""

from __future__ import annotations

from pathlib import Path
from typing import Any

import pytest
from dash_messenger.testing import ServerProcess
from playwright.async_api import Page, expect

from tests.browser.conftest import PASSWORD
from tests.browser.steps import TEXT_BOX, open_chat, open_dialog, open_list, talk
from tests.environment import FIRST_PARTY, ROOT, make_environment

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]


@pytest.fixture(scope="module")
def with_yard(tmp_path_factory: pytest.TempPathFactory) -> Path:
    """The Python of an environment with a stranger's pages beside ours."""
    projects = (*FIRST_PARTY.values(), ROOT / "plugins/markdown", ROOT / "tests/projects/yard")
    return make_environment(tmp_path_factory.mktemp("with-yard"), *projects)


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory, with_yard: Path) -> Any:
    """What people here use."""
    command = (str(with_yard), "-m", "dash_messenger")
    running = ServerProcess(tmp_path_factory.mktemp("yard") / "data", command=command)
    running.start()
    yield running
    running.kill()


async def fits(page: Page) -> None:
    """Nothing has to be scrolled sideways."""
    assert await page.evaluate("document.documentElement.scrollWidth - innerWidth") <= 0


async def test_the_guide_is_a_press_away_and_back_leads_to_what_was_typed(
    person: Any, size: str
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob)
    page = await open_chat(ann, chat)
    await page.get_by_role("button", name="Write as: Markdown").click()
    await page.locator(TEXT_BOX).fill("half a sen")
    await page.get_by_role("link", name="Formatting guide").click()
    await expect(page.get_by_role("heading", name="Formatting guide")).to_be_visible()
    await expect(page).to_have_title("Formatting guide")
    spoiler = page.locator(".guide-mark [data-reveal]")
    await expect(page.locator(".guide-mark strong")).to_have_text("tea")
    await spoiler.click()
    await expect(spoiler).to_have_attribute("data-revealed", "")
    await fits(page)
    await page.get_by_role("link", name="Back to the chats").click()
    await expect(page.locator(TEXT_BOX)).to_have_value("half a sen")


async def test_pages_are_listed_and_answer_in_their_own_language(person: Any, size: str) -> None:
    ann = await person("Ann")
    dialog = await open_dialog(await open_list(ann), "Settings")
    links = dialog.get_by_role("navigation", name="Pages").get_by_role("link")
    await expect(links).to_have_text(["Formatting guide", "The cellar", "The gate"])
    await links.last.click()
    page = ann.pages[-1]
    await expect(page.get_by_text("Good day, Ann")).to_be_visible()
    await page.get_by_label("Bell").fill("hello")
    await page.get_by_role("button", name="Ask").click()
    await expect(page.get_by_text("You said hello")).to_be_visible()
    await fits(page)


async def test_a_page_that_fails_says_so_in_its_place(person: Any) -> None:
    page = await (await person("Ann")).open("/p/yard/cellar")
    await expect(page.get_by_role("heading", name="The cellar")).to_be_visible()
    await expect(page.get_by_role("alert")).to_have_text("Something went wrong on the server.")
    await page.get_by_role("link", name="Back to the chats").click()
    await expect(page.locator(".dm-list")).to_be_visible()


async def test_a_stranger_logs_in_first_and_comes_back_to_the_page(
    server: ServerProcess, person: Any
) -> None:
    ann = await person("Ann")
    await ann.context.clear_cookies()
    page = await ann.open("/p/yard/gate")
    await expect(page).to_have_url(f"{server.url}/login?next=/p/yard/gate")
    await page.locator("#login-username").fill(ann.username)
    await page.locator("#login-password").fill(PASSWORD)
    await page.keyboard.press("Enter")
    await expect(page.get_by_text("Good day, Ann")).to_be_visible()


@pytest.mark.parametrize("path", ["/p/yard/attic", "/p/nobody/gate", "/p/yard", "/p/"])
async def test_a_page_that_is_not_there_is_not_found(person: Any, path: str) -> None:
    ann = await person("Ann")
    answer = await ann.context.request.get(ann.base_url + path)
    assert answer.status == 404
