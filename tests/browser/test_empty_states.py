"""What there is to see when there is nothing yet, and how chats begin."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Page, Route, expect

from tests.browser.conftest import forgive_network
from tests.browser.pages.dialogs import open_dialog, people_field
from tests.browser.pages.messenger import choose_chat, composer
from tests.browser.people import two


async def start_chat(page: Page, username: str) -> None:
    await page.get_by_role("button", name="New chat").first.click()
    field = people_field(page.get_by_role("dialog"))
    await field.fill(username)
    await field.press("Enter")


async def test_no_chats_is_a_sentence_with_a_button(person: Any) -> None:
    ann = await person("Ann")
    page = await ann.open()
    await expect(page.get_by_text("No chats yet")).to_be_visible()
    await expect(page.get_by_text(f"Others find you as @{ann.username}.")).to_be_visible()
    await page.locator(".dm-notice").get_by_role("button", name="New chat").click()
    await expect(page.get_by_role("dialog")).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(page.get_by_role("dialog")).to_have_count(0)


@pytest.mark.parametrize("size", ["desktop"])
async def test_none_chosen_says_what_is_new_and_begins_chats(person: Any) -> None:
    ann, bob, conversation = await two(person)
    page = await ann.open()
    await expect(page.get_by_text("Choose a chat")).to_be_visible()
    await bob.send(conversation, "Hello")
    await expect(page.get_by_text("1 chat has something new.")).to_be_visible()
    for entry, dialog in (("Write to somebody", "New chat"), ("Make a group", "New group")):
        await page.locator(".dm-timeline").get_by_role("button", name=entry).click()
        await expect(page.get_by_role("dialog", name=dialog)).to_be_visible()
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)


async def test_no_messages_is_a_sentence(person: Any) -> None:
    ann, _, conversation = await two(person)
    page = await ann.open(f"/c/{conversation}")
    await expect(page.locator(".dm-timeline").get_by_text("No messages here yet")).to_be_visible()


async def test_unknown_user_name_is_said_in_the_dialog_and_kept(person: Any) -> None:
    ann = await person("Ann")
    page = await ann.open()
    await start_chat(page, "nobody.at.all")
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text("Nobody found")).to_be_visible()
    await expect(people_field(dialog)).to_have_value("nobody.at.all")


async def test_starting_a_chat_that_exists_opens_it_again(person: Any) -> None:
    ann, bob, conversation = await two(person, say=("we know each other",))
    page = await ann.open()
    await start_chat(page, bob.username.upper())
    await page.wait_for_url(f"**/c/{conversation}")
    await expect(page.locator(".dm-row").get_by_text("we know each other")).to_be_visible()
    found = await ann.call("sync")
    assert [each["id"] for each in found["conversations"]] == [conversation]


async def test_a_group_is_made_by_user_names_and_its_members_see_it_at_once(person: Any) -> None:
    ann, bob, carl = await person("Ann"), await person("Bob"), await person("Carl")
    theirs = await bob.open()
    await expect(theirs.get_by_text("No chats yet")).to_be_visible()
    page = await ann.open()
    await expect(page.get_by_text("No chats yet")).to_be_visible()
    await page.get_by_role("button", name="New group").click()
    dialog = page.get_by_role("dialog")
    await dialog.get_by_label("Name of the group").fill("Hikers")
    for username, name in ((bob.username, "Bob"), (carl.username, "Carl")):
        await people_field(dialog).fill(username)
        await people_field(dialog).press("Enter")
        await expect(dialog.locator(".dm-people-chips")).to_contain_text(name)
    await dialog.get_by_role("button", name="Create the group").click()
    await expect(composer(page)).to_be_visible()
    await expect(page.locator(".dm-header-words")).to_contain_text("3 members")
    await choose_chat(theirs, "Hikers")


@pytest.mark.parametrize(
    ("status", "sentence"),
    [
        (None, "The server cannot be reached."),
        (500, "Something went wrong"),
        # The session ended elsewhere, and the connection has not said so yet.
        (401, "Please log in again"),
    ],
)
async def test_a_dialog_says_why_nothing_was_done_and_keeps_what_was_typed(
    person: Any, status: int | None, sentence: str
) -> None:
    ann, _, conversation = await two(person)
    page = await ann.open(f"/c/{conversation}")
    await expect(composer(page)).to_be_visible()
    callbacks = re.compile("/_dash-update-component")

    async def fail(route: Route) -> None:
        if status is None:
            await route.abort()
        else:
            await route.fulfill(status=status, body="")

    await page.route(callbacks, fail)
    await page.locator(".dm-header-chat").click()
    dialog = page.get_by_role("dialog")
    await expect(dialog.get_by_text(sentence)).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(dialog).to_have_count(0)
    if await page.get_by_role("button", name="Back").is_visible():
        await page.get_by_role("button", name="Back").click()
    await open_dialog(page, "Settings")
    name = dialog.get_by_label("Name that others see")
    await name.fill("Anna")
    await dialog.get_by_role("button", name="Save").first.click()
    await expect(dialog.get_by_text(sentence)).to_be_visible()
    await expect(name).to_have_value("Anna")
    await page.unroute(callbacks)
    await dialog.get_by_role("button", name="Save").first.click()
    await expect(dialog.get_by_text("Saved.")).to_be_visible()
    forgive_network(ann.problems)
