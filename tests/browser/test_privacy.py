"""Settings, Privacy: who may do what, with exceptions by person, and whom one has blocked."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.accessibility import axe, colours_are, in_both_schemes
from tests.browser.conftest import Person, at_one_size, forgive_network
from tests.browser.pages.any_page import at_rest, becomes
from tests.browser.pages.dialogs import choose_person, open_dialog
from tests.browser.pages.messenger import open_list
from tests.browser.people import talk

MakePerson = Callable[..., Awaitable[Person]]


async def open_privacy(page: Page, name: str = "Privacy") -> Locator:
    """The dialog about privacy, opened from the settings."""
    await page.locator("[data-privacy]").click()
    dialog = page.get_by_role("dialog", name=name)
    await expect(dialog.locator(".dm-people-row").first).to_be_visible()
    await at_rest(page)
    return dialog


async def said(person: Person, setting: str) -> Any:
    """What a person's setting is."""
    return (await person.call("privacy.get"))["privacy"][setting]


async def excepted(person: Person, setting: str) -> dict[str, str]:
    """Who is an exception of a setting, by their id."""
    found = await person.call("privacy.exceptions")
    return {one["user"]: one[setting] for one in found["exceptions"] if setting in one}


async def test_who_may_write_first_is_said_with_exceptions(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    page = await open_list(ann)
    settings = await open_dialog(page, "Settings")
    await settings.get_by_role("button", name="Privacy").scroll_into_view_if_needed()
    await page.screenshot(path=pictures / f"settings-with-privacy-{size}.png")
    privacy = await open_privacy(page)
    row = privacy.locator("[data-to=message]")
    await expect(row).to_contain_text("Everybody")
    await page.screenshot(path=pictures / f"privacy-{size}.png")
    await row.click()
    one = page.get_by_role("dialog", name="Write to me first")
    await expect(one.get_by_role("radio", name="Everybody")).to_be_checked()
    await one.get_by_text("Contacts", exact=True).click()
    await becomes(lambda: said(ann, "message"), lambda value: value == "contacts")
    # What somebody meets who is neither a contact nor an exception, and what, if they may not ask.
    begun = await ben.call("conversation.create", kind="direct", members=[ann.id])
    assert begun["conversation"]["request"]
    await ann.call("privacy.update", requests="nobody")
    refused = await cleo.context.request.post(
        f"{cleo.base_url}/api/conversation.create",
        data={"kind": "direct", "members": [ann.id]},
        headers={"Origin": cleo.base_url},
    )
    assert "messages_not_accepted" in await refused.text()
    await one.get_by_role("region", name="Always").get_by_role("button", name="Add").click()
    await choose_person(page.get_by_role("dialog", name="Always"), ben.username)
    await expect(one.get_by_role("region", name="Always")).to_contain_text("Ben")
    assert await excepted(ann, "message") == {ben.id: "allow"}
    await talk(ben, ann)
    await one.get_by_role("region", name="Never").get_by_role("button", name="Add").click()
    await choose_person(page.get_by_role("dialog", name="Never"), cleo.username)
    await expect(one.get_by_role("region", name="Never")).to_contain_text("Cleo")
    await page.screenshot(path=pictures / f"privacy-message-{size}.png")
    await one.get_by_role("button", name="Back").click()
    await expect(row).to_contain_text("Contacts")
    await expect(row).to_contain_text("Always: Ben")
    await expect(row).to_contain_text("Never: Cleo")
    await expect(row).to_be_focused()
    await page.screenshot(path=pictures / f"privacy-exceptions-{size}.png")
    # Taken back.
    await row.click()
    await one.get_by_role("button", name="No longer an exception: Ben").click()
    await expect(one.get_by_role("button", name="No longer an exception: Ben")).to_have_count(0)
    assert await excepted(ann, "message") == {cleo.id: "deny"}
    # The browser's way back goes page by page, and ends at the settings.
    await page.go_back()
    await expect(row).to_be_visible()
    await page.go_back()
    await expect(privacy).to_have_count(0)
    await expect(settings).to_be_visible()
    await page.go_back()
    await expect(settings).to_have_count(0)


@at_one_size
async def test_what_nothing_asks_about_yet_is_not_offered(person: MakePerson) -> None:
    page = await open_list(await person("Ann"))
    await open_dialog(page, "Settings")
    privacy = await open_privacy(page)
    offered = await privacy.locator("[data-to]").evaluate_all(
        "(rows) => rows.map((row) => row.dataset.to)"
    )
    assert offered == [
        *["find", "message", "requests", "add", "photo", "last_seen", "receipts", "typing"],
        "blocked",
    ]


@at_one_size
async def test_privacy_is_set_by_keys_alone(person: MakePerson) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    settings = await open_dialog(page, "Settings")
    await settings.get_by_role("button", name="Privacy").press("Enter")
    privacy = page.get_by_role("dialog", name="Privacy")
    await privacy.locator("[data-to=photo]").press("Enter")
    one = page.get_by_role("dialog", name="My photo")
    await one.get_by_role("radio", name="Everybody").focus()
    for _ in range(3):
        await page.keyboard.press("ArrowDown")
    await expect(one.get_by_role("radio", name="Nobody")).to_be_checked()
    await becomes(lambda: said(ann, "photo"), lambda value: value == "nobody")
    await one.get_by_role("button", name="Back").press("Enter")
    await expect(privacy.locator("[data-to=photo]")).to_be_focused()
    # It closes what is on top alone.
    await page.keyboard.press("Escape")
    await expect(privacy).to_have_count(0)
    await expect(settings).to_be_visible()
    await expect(settings.get_by_role("button", name="Privacy")).to_be_focused()


@at_one_size
async def test_what_is_set_elsewhere_is_shown_and_a_failure_takes_it_back(
    person: MakePerson,
) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    await open_dialog(page, "Settings")
    privacy = await open_privacy(page)
    await ann.call("privacy.update", find="contacts")
    await expect(privacy.locator("[data-to=find]")).to_contain_text("Contacts")
    await privacy.locator("[data-to=find]").click()
    one = page.get_by_role("dialog", name="Find me")
    await ann.context.set_offline(True)
    await page.wait_for_function("() => !window.dashMessenger.store.online")
    await one.get_by_role("radio", name="Nobody").click()
    await expect(one.get_by_role("alert")).to_contain_text("The server cannot be reached.")
    await expect(one.get_by_role("radio", name="Contacts", exact=True)).to_be_checked()
    await ann.context.set_offline(False)
    forgive_network(ann.problems)


async def test_who_is_blocked_is_listed_and_let_in_again(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    await ann.call("user.block", user=ben.id)
    page = await open_list(ann)
    await open_dialog(page, "Settings")
    privacy = await open_privacy(page)
    row = privacy.locator("[data-to=blocked]")
    await expect(row).to_contain_text("1 person")
    # In another browser.
    await ann.call("user.block", user=cleo.id)
    await expect(row).to_contain_text("2 people")
    await row.click()
    blocked = page.get_by_role("dialog", name="Blocked people")
    await expect(blocked.locator("li")).to_contain_text(["Cleo", "Ben"])
    await page.screenshot(path=pictures / f"privacy-blocked-{size}.png")
    await blocked.get_by_role("button", name="Unblock Ben").click()
    await expect(blocked.locator("li")).to_contain_text(["Cleo"])
    await blocked.get_by_role("button", name="Unblock Cleo").click()
    await expect(blocked.get_by_text("You have blocked nobody.")).to_be_visible()
    assert (await ann.call("user.blocked"))["blocked"] == []


@in_both_schemes
async def test_axe_finds_nothing_in_privacy(person: MakePerson, scheme: str) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await ann.call("user.block", user=ben.id)
    await ann.call("privacy.except", user=ben.id, receipts="deny")
    page = await open_list(ann)
    await colours_are(page, scheme)
    await open_dialog(page, "Settings")
    privacy = await open_privacy(page)
    assert await axe(page) == []
    await privacy.locator("[data-to=receipts]").click()
    one = page.get_by_role("dialog", name="Read receipts")
    await expect(one.get_by_role("region", name="Never")).to_contain_text("Ben")
    assert await axe(page) == []
    await one.get_by_role("region", name="Always").get_by_role("button", name="Add").click()
    await expect(page.get_by_role("dialog", name="Always")).to_be_visible()
    assert await axe(page) == []
    await page.get_by_role("dialog", name="Always").get_by_role("button", name="Back").click()
    await one.get_by_role("button", name="Back").click()
    await privacy.locator("[data-to=blocked]").click()
    blocked = page.get_by_role("dialog", name="Blocked people")
    await expect(blocked.locator("li")).to_contain_text(["Ben"])
    assert await axe(page) == []


@pytest.mark.parametrize("language", ["ru-RU"])
async def test_privacy_speaks_russian(person: MakePerson, size: str, pictures: Path) -> None:
    page = await open_list(await person("Аня"))
    await page.locator(".dm-list .dm-header").get_by_role("button", name="Меню").click()
    privacy = await open_privacy(page, "Приватность")
    await expect(privacy.locator("[data-to=message]")).to_contain_text("Писать мне первым")
    await page.screenshot(path=pictures / f"privacy-ru-{size}.png")
    await privacy.locator("[data-to=receipts]").click()
    one = page.get_by_role("dialog", name="Отметки о прочтении")
    await expect(one.get_by_role("radio", name="Контакты и люди из моих групп")).to_be_visible()
    await page.screenshot(path=pictures / f"privacy-receipts-ru-{size}.png")
