"""Pages that plugins bring: in the frame of the pages, for who is logged in, and no trap."""

from __future__ import annotations

import asyncio
import uuid
from collections.abc import Iterator
from typing import Any

import pytest
import pytest_asyncio
from dash_messenger.testing import ServerProcess
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import PASSWORD, Person, at_one_size, forgive_network
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.messenger import TEXT_BOX, open_chat, open_list
from tests.browser.people import talk
from tests.environment import FIRST_PARTY, ROOT, serving


@pytest.fixture(scope="module")
def server(tmp_path_factory: pytest.TempPathFactory) -> Iterator[ServerProcess]:
    """What people here use: a stranger's pages beside ours."""
    projects = (*FIRST_PARTY.values(), ROOT / "plugins/markdown", ROOT / "tests/projects/yard")
    with serving(tmp_path_factory.mktemp("pages"), *projects) as running:
        yield running


@pytest_asyncio.fixture(loop_scope="session")
async def admin(server: ServerProcess, new_context: Any) -> Person:
    """Somebody who manages the server."""
    name = f"root-{uuid.uuid4().hex[:8]}"
    adding = ("user", "add", name, "--admin", "--password-file", "-")
    await asyncio.to_thread(server.run, *adding, typed=PASSWORD)
    context, problems = await new_context()
    one = Person(name, "", context, server.url, problems)
    await one.call("session.open", username=name, password=PASSWORD, **{"as": "cookie"})
    return one


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


@at_one_size
@pytest.mark.parametrize("path", ["/p/yard/attic", "/p/nobody/gate", "/p/yard", "/p/"])
async def test_a_page_that_is_not_there_is_not_found(person: Any, path: str) -> None:
    ann = await person("Ann")
    answer = await ann.context.request.get(ann.base_url + path)
    assert answer.status == 404


def form(page: Page) -> Locator:
    """The settings of the stranger's plugin."""
    return page.get_by_role("region", name="yard")


async def kept(admin: Person) -> dict[str, Any]:
    """What the server has of them."""
    found = await admin.call("plugin.settings")
    (yard,) = [each["settings"] for each in found["plugins"] if each["plugin"] == "yard"]
    return {one["name"]: one["value"] for one in yard}


async def test_an_admin_changes_settings_of_every_kind(admin: Person, size: str) -> None:
    dialog = await open_dialog(await open_list(admin), "Settings")
    links = dialog.get_by_role("navigation", name="For admins")
    await links.get_by_role("link", name="Plugins").click()
    page = admin.pages[-1]
    save = form(page).get_by_role("button", name="Save")
    await expect(save).to_be_disabled()
    await form(page).get_by_label("Name of the yard").fill(f"Yard {size}")
    await form(page).get_by_label("Notice").fill("one\ntwo")
    await form(page).get_by_label("Places").fill("40")
    await form(page).get_by_label("Share that is kept free").fill("0.25")
    await form(page).get_by_role("switch", name="Open").click()
    await form(page).get_by_label("Side").select_option("south")
    await form(page).get_by_role("button", name="Add").click()
    await form(page).get_by_label("Guests 1", exact=True).fill("Ann")
    await form(page).get_by_label("Limit").fill("7")
    await expect(form(page).locator("code", has_text="{}")).to_be_visible()
    await fits(page)
    await save.click()
    await expect(form(page).get_by_role("status")).to_have_text("Saved.")
    wanted = {"name": f"Yard {size}", "notice": "one\ntwo", "places": 40, "share": 0.25}
    wanted |= {"side": "south", "guests": ["Ann"], "limit": 7}
    there = await kept(admin)
    assert there == {**there, **wanted}
    await page.reload()
    await expect(form(page).get_by_label("Guests 1", exact=True)).to_have_value("Ann")
    await form(page).get_by_label("Limit").fill("")
    await form(page).get_by_label("Side").select_option("north")
    await form(page).get_by_label("Guests 1", exact=True).fill("")
    await save.click()
    await expect(form(page).get_by_role("status")).to_have_text("Saved.")
    there = await kept(admin)
    assert (there["limit"], there["side"], there["guests"]) == (None, "north", [])


async def test_what_does_not_fit_is_told_at_its_field_and_nothing_typed_is_lost(
    admin: Person,
) -> None:
    page = await admin.open("/plugins")
    before = await kept(admin)
    places, name = form(page).get_by_label("Places"), form(page).get_by_label("Name of the yard")
    await name.fill("")
    await form(page).get_by_role("button", name="Save").click()
    alert = form(page).get_by_role("alert")
    await expect(alert).to_have_text("Please fill this in.")
    await name.fill(str(before["name"]))
    await places.fill("101")
    await form(page).get_by_role("button", name="Save").click()
    await expect(alert).to_have_text("Expected `int` <= 100")
    await expect(places).to_have_attribute("aria-invalid", "true")
    await places.fill("60")
    await form(page).get_by_label("Side").select_option("south")
    await form(page).get_by_role("button", name="Save").click()
    await expect(alert).to_have_text("The south side has 50 places.")
    await expect(places).to_have_value("60")
    assert await kept(admin) == before


@pytest.mark.parametrize("language", ["ru-RU"])
async def test_an_admin_reads_the_plugins_own_words(admin: Person, language: str) -> None:
    page = await admin.open("/plugins")
    await expect(page.get_by_role("heading", name="Плагины")).to_be_visible()
    await expect(form(page).get_by_label("Места")).to_be_visible()


async def test_what_was_quarantined_is_listed_in_plain_words(
    server: ServerProcess, admin: Person
) -> None:
    await asyncio.to_thread(server.stop)
    await asyncio.to_thread(server.run, "plugins", "disable", "markdown")
    await asyncio.to_thread(server.start)
    try:
        page = await admin.open("/plugins")
        markdown = page.get_by_role("region", name="markdown")
        await expect(markdown).to_contain_text("Switched off")
        await expect(markdown).to_contain_text("plugins enable markdown")
        await expect(form(page)).to_contain_text("Works")
    finally:
        # It would go on trying to connect, and say so after the test.
        for one in admin.pages:
            await one.close()
        await asyncio.to_thread(server.stop)
        await asyncio.to_thread(server.run, "plugins", "enable", "markdown")
        await asyncio.to_thread(server.start)
        forgive_network(admin.problems)


async def test_nobody_else_finds_the_page_about_plugins(person: Any) -> None:
    ann = await person("Ann")
    answer = await ann.context.request.get(ann.base_url + "/plugins")
    assert answer.status == 404
    dialog = await open_dialog(await open_list(ann), "Settings")
    await expect(dialog.get_by_role("navigation", name="For admins")).to_have_count(0)
