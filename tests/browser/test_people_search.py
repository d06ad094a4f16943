"""Finding people as one types: for a chat, for a new group, and to add them to a group."""

from __future__ import annotations

from collections.abc import AsyncIterator, Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
import pytest_asyncio
from dash_messenger.testing import ServerProcess
from playwright.async_api import Browser, BrowserContext, Page, expect

from tests.browser.conftest import PASSWORD, Person, at_one_size, forgive_network, watch
from tests.browser.pages.any_page import at_rest, becomes
from tests.browser.pages.dialogs import choose_person, open_dialog, people_field
from tests.browser.pages.messenger import composer, open_chat, open_list, round_trip
from tests.browser.people import befriend, talk
from tests.browser.wire import Wire, frames_sent, sit_in_the_middle

MakePerson = Callable[..., Awaitable[Person]]
Enter = Callable[[str, str], Awaitable[Page]]
ROW = ".dm-people-row"


async def kept(wire: Wire) -> int:
    """How many answers wait."""
    return len(wire.kept)


async def test_contacts_stand_there_first_and_one_press_opens_the_chat(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    await befriend(ann, cleo, ben)
    await ann.call("contact.label", user=ben.id, label="Zoe's brother")
    page = await open_list(ann)
    dialog = await open_dialog(page, "New chat")
    people = dialog.locator("li")
    await expect(people).to_contain_text(["Cleo", "Zoe's brother"])
    await expect(people.nth(1)).to_contain_text(f"Ben · @{ben.username}")
    await page.screenshot(path=pictures / f"new-chat-{size}.png")
    await people.nth(1).locator(ROW).click()
    await expect(composer(page)).to_be_visible()
    await expect(page.locator(".dm-header-title")).to_have_text("Ben")
    await expect(dialog).to_have_count(0)


async def test_people_are_found_by_the_beginnings_of_their_names(person: MakePerson) -> None:
    ann = await person("Ann")
    ben = await person("Benedikt Quirrenbach")
    dialog = await open_dialog(await open_list(ann), "New chat")
    await people_field(dialog).fill("quirr ben")
    await expect(dialog.locator(ROW)).to_contain_text([f"@{ben.username}"])
    await people_field(dialog).fill("quirrenx")
    await expect(dialog.get_by_text("Nobody found")).to_be_visible()
    await expect(dialog.get_by_text("Check the spelling")).to_be_visible()


@at_one_size
async def test_the_keyboard_finds_chooses_and_comes_back(person: MakePerson) -> None:
    ann = await person("Ann")
    ben, cleo = await person("Willibald Ben"), await person("Willibald Cleo")
    await befriend(ann, ben, cleo)
    page = await open_list(ann)
    dialog = await open_dialog(page, "New chat")
    await expect(people_field(dialog)).to_be_focused()
    await page.keyboard.type("willi")
    rows = dialog.locator(ROW)
    await expect(rows).to_have_count(2)
    await page.keyboard.press("ArrowDown")
    await expect(rows.nth(0)).to_be_focused()
    await page.keyboard.press("ArrowUp")
    await expect(people_field(dialog)).to_be_focused()
    for _ in range(3):
        await page.keyboard.press("ArrowDown")
    await expect(rows.nth(1)).to_be_focused()
    await page.keyboard.press("Enter")
    await expect(page.locator(".dm-header-title")).to_have_text("Willibald Cleo")


@at_one_size
async def test_enter_in_the_field_chooses_the_first(person: MakePerson) -> None:
    ann = await person("Ann")
    await person("Ottokar Ben")
    page = await open_list(ann)
    dialog = await open_dialog(page, "New chat")
    await page.keyboard.type("ottokar")
    await expect(dialog.locator(ROW)).to_have_count(1)
    await page.keyboard.press("Enter")
    await expect(page.locator(".dm-header-title")).to_have_text("Ottokar Ben")


@at_one_size
async def test_enter_before_the_answer_chooses_only_who_is_called_so(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    page = await open_list(ann)
    dialog = await open_dialog(page, "New chat")
    # The beginning of many user names, and none.
    await page.keyboard.type("user")
    await page.keyboard.press("Enter")
    await expect(dialog.locator(ROW).first).to_be_visible()
    await round_trip(page)
    await expect(page).to_have_url(f"{ann.base_url}/")
    await people_field(dialog).fill(f"@{ben.username.upper()}")
    await page.keyboard.press("Enter")
    await expect(page.locator(".dm-header-title")).to_have_text("Ben")


@at_one_size
async def test_what_is_typed_in_one_go_is_asked_for_once(person: MakePerson) -> None:
    ann = await person("Ann")
    await person("Wolfhard Ben")
    page = await ann.context.new_page()
    asked = frames_sent(page, "user.search")
    await page.goto(ann.base_url)
    await expect(page.locator(".dm-list .dm-notice")).to_be_visible()
    dialog = await open_dialog(page, "New chat")
    await page.keyboard.type("wolfhard", delay=10)
    await expect(dialog.locator(ROW)).to_contain_text(["Wolfhard Ben"])
    assert [each["query"] for each in asked] == ["wolfhard"]


@at_one_size
async def test_an_answer_that_comes_too_late_is_not_shown(person: MakePerson) -> None:
    ann = await person("Ann")
    await person("Rosamunde Ben")
    await person("Sieglinde Cleo")
    page = await ann.context.new_page()
    wire = await sit_in_the_middle(page)
    await page.goto(ann.base_url)
    await expect(page.locator(".dm-list .dm-notice")).to_be_visible()
    dialog = await open_dialog(page, "New chat")
    wire.keep_answers_to = {"user.search"}
    await people_field(dialog).fill("rosamunde")
    await becomes(lambda: kept(wire), lambda number: number == 1)
    await people_field(dialog).fill("sieglinde")
    await becomes(lambda: kept(wire), lambda number: number == 2)
    earlier, later = wire.kept
    later()
    await expect(dialog.locator(ROW)).to_contain_text(["Sieglinde Cleo"])
    earlier()
    await round_trip(page)
    await expect(dialog.locator(ROW)).to_contain_text(["Sieglinde Cleo"])


async def test_what_cannot_be_asked_is_said_and_asked_when_the_connection_is_back(
    person: MakePerson,
) -> None:
    ann = await person("Ann")
    await person("Kunigunde Ben")
    page = await open_list(ann)
    dialog = await open_dialog(page, "New chat")
    await ann.context.set_offline(True)
    await page.wait_for_function("() => !window.dashMessenger.store.online")
    await people_field(dialog).fill("kunigunde")
    await expect(dialog.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    await ann.context.set_offline(False)
    await expect(dialog.locator(ROW)).to_contain_text(["Kunigunde Ben"])
    forgive_network(ann.problems)


@at_one_size
async def test_a_dialog_that_cannot_be_loaded_says_so(person: MakePerson) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    await ann.context.set_offline(True)
    await page.locator(".dm-header").get_by_role("button", name="New chat").click()
    await expect(page.get_by_text("The server cannot be reached.")).to_be_visible()
    await page.keyboard.press("Escape")
    await ann.context.set_offline(False)
    await open_dialog(page, "New chat")
    forgive_network(ann.problems)


async def test_several_become_the_members_of_a_new_group(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    await befriend(ann, ben)
    page = await open_list(ann)
    dialog = await open_dialog(page, "New group")
    await dialog.locator(ROW, has_text="Ben").click()
    await choose_person(dialog, cleo.username)
    chips = dialog.locator(".dm-people-chips li")
    await expect(chips).to_contain_text(["Ben", "Cleo"])
    await page.screenshot(path=pictures / f"new-group-{size}.png")
    await dialog.get_by_role("button", name="Create the group").click()
    await expect(dialog.get_by_text("Please fill this in.")).to_be_visible()
    await dialog.get_by_label("Name of the group").fill("Hikers")
    # Taken out by the chip, taken in again by the row.
    await chips.first.get_by_role("button").click()
    await expect(chips).to_contain_text(["Cleo"])
    row = dialog.locator(ROW, has_text="Ben")
    await expect(row).to_have_attribute("aria-pressed", "false")
    await row.click()
    await expect(row).to_have_attribute("aria-pressed", "true")
    await dialog.get_by_role("button", name="Create the group").click()
    await expect(page.locator(".dm-header-words")).to_contain_text("3 members")


async def test_people_are_added_to_a_group_from_its_details(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    await befriend(ann, ben)
    page = await open_chat(ann, await talk(ann, ben, title="Hikers"))
    details = await open_dialog(page, "Details")
    await details.get_by_role("button", name="Add people").click()
    dialog = page.get_by_role("dialog", name="Add people")
    present = dialog.locator(ROW, has_text="Ben")
    await expect(present).to_contain_text("is in the group")
    await expect(present).to_be_disabled()
    await expect(dialog.get_by_role("button", name="Add", exact=True)).to_be_disabled()
    await choose_person(dialog, cleo.username)
    await at_rest(page)
    await page.screenshot(path=pictures / f"add-people-{size}.png")
    await dialog.get_by_role("button", name="Add", exact=True).click()
    await expect(dialog).to_have_count(0)
    await expect(details.locator(".members")).to_contain_text("Cleo")


@at_one_size
async def test_who_was_refused_stays_chosen_and_it_is_said(person: MakePerson) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    chat = await talk(ann, ben, title="Hikers")
    page = await open_chat(ann, chat)
    details = await open_dialog(page, "Details")
    await details.get_by_role("button", name="Add people").click()
    dialog = page.get_by_role("dialog", name="Add people")
    await choose_person(dialog, cleo.username)
    await ann.call("conversation.leave", conversation=chat)
    await dialog.get_by_role("button", name="Add", exact=True).click()
    await expect(dialog.get_by_role("alert")).to_have_text("You are no longer in this chat.")
    await expect(dialog.locator(".dm-people-chips")).to_contain_text("Cleo")


@pytest.mark.parametrize("language", ["ru-RU"])
async def test_the_dialogs_speak_russian(person: MakePerson) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    await page.locator(".dm-header").get_by_role("button", name="Новый чат").click()
    dialog = page.get_by_role("dialog", name="Новый чат")
    await expect(dialog.get_by_text("В контактах пока никого нет.")).to_be_visible()
    await dialog.get_by_label("Имя или имя пользователя").fill("nobody.at.all")
    await expect(dialog.get_by_text("Никого не нашлось")).to_be_visible()


@pytest_asyncio.fixture(loop_scope="session")
async def closed(tmp_path: Path, browser: Browser) -> AsyncIterator[Enter]:
    """The lists of people of a server on which a search does not look at everybody."""
    running = ServerProcess(
        tmp_path / "data", environment={"DASH_MESSENGER_SEARCH_EVERYBODY": "false"}
    )
    running.start()
    problems: list[str] = []
    contexts: list[BrowserContext] = []

    async def enter(username: str, display_name: str) -> Page:
        context = await browser.new_context(locale="en-GB")
        contexts.append(context)
        watch(context, running.url, problems)
        someone = Person(username, "", context, running.url, problems)
        names: dict[str, Any] = {"username": username, "password": PASSWORD}
        await someone.call("account.register", display_name=display_name, **names)
        await someone.call("session.open", **names, **{"as": "cookie"})
        return await open_list(someone)

    yield enter
    for context in contexts:
        await context.close()
    running.kill()
    assert problems == []


async def test_where_a_search_looks_at_some_the_whole_user_name_finds_others(closed: Enter) -> None:
    page = await closed("ann", "Ann")
    await closed("benedikt", "Ben")
    dialog = await open_dialog(page, "New chat")
    await people_field(dialog).fill("bene")
    await expect(dialog.get_by_text("Others are found by their whole user name.")).to_be_visible()
    await people_field(dialog).fill("benedikt")
    await dialog.locator(ROW, has_text="@benedikt").click()
    await expect(page.locator(".dm-header-title")).to_have_text("Ben")
