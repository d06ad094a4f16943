"""Invitations to groups: links made, shown once, listed and revoked; and joining by them."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import pytest
from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.browser.accessibility import axe, colours_are, in_both_schemes
from tests.browser.conftest import PASSWORD, Person, at_one_size
from tests.browser.pages.any_page import at_rest
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.messenger import open_chat
from tests.browser.people import talk

MakePerson = Callable[..., Awaitable[Person]]
NewContext = Callable[[], Awaitable[tuple[BrowserContext, list[str]]]]


async def invite(person: Person, chat: str, **params: Any) -> str:
    """The address of a link that is made without the page."""
    made = await person.call(
        "conversation.invite_create", conversation=chat, client_id=uuid.uuid4().hex, **params
    )
    return f"/j/{made['code']}"


async def open_invites(page: Page) -> Locator:
    """The dialog with a group's links, by the way in its details."""
    details = await open_dialog(page, "Details")
    await details.get_by_role("button", name=re.compile("^Invitation links")).click()
    dialog = page.get_by_role("dialog", name="Invitation links")
    await expect(dialog.get_by_role("button", name="Make a link")).to_be_visible()
    return dialog


def card(page: Page) -> Locator:
    """What the link of a group shows."""
    return page.get_by_role("dialog", name="Invitation to a group")


async def test_a_link_is_made_in_the_details_used_and_revoked(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    dan = await person("Dan")
    chat = await talk(ann, dan, title="Tea")
    await ann.call("conversation.update", conversation=chat, description="Every day at five")
    page = await open_chat(ann, chat)
    invites = await open_invites(page)
    await at_rest(page)
    await page.screenshot(path=pictures / f"invites-{size}.png")
    await invites.get_by_label("What it is for").fill("Poster")
    await invites.get_by_label("Works for").select_option("1 hour")
    await invites.get_by_label("How many people").fill("3")
    await invites.get_by_role("button", name="Make a link").click()
    await expect(invites.get_by_text("This is shown only now.")).to_be_visible()
    await expect(invites.get_by_alt_text("QR code of the link")).to_be_visible()
    link = await invites.locator(".dm-people-made code").inner_text()
    assert link.startswith(f"{ann.base_url}/j/")
    row = invites.locator(".dm-people-code")
    await expect(row).to_contain_text("Poster")
    await expect(row).to_contain_text("used by 0 of 3 · until ")
    theirs = await ben.open(link.removeprefix(ben.base_url))
    await expect(card(theirs)).to_contain_text("Tea")
    await expect(card(theirs)).to_contain_text("2 members")
    await expect(card(theirs)).to_contain_text("Every day at five")
    await at_rest(theirs)
    await theirs.screenshot(path=pictures / f"invitation-{size}.png")
    await card(theirs).get_by_role("button", name="Join").click()
    await expect(theirs).to_have_url(f"{ben.base_url}/c/{chat}")
    await expect(theirs.locator(".dm-event")).to_have_text(["Ben joined by a link"])
    # Once closed, the link is nowhere; how often it was used is.
    await page.keyboard.press("Escape")
    await expect(page.locator(".dm-event").last).to_have_text("Ben joined by a link")
    await page.locator(".pane-details [data-invites]").click()
    await expect(row).to_contain_text("used by 1 of 3")
    await expect(invites).not_to_contain_text("/j/")
    await at_rest(page)
    await page.screenshot(path=pictures / f"invites-listed-{size}.png")
    await row.get_by_role("button", name="Revoke: Poster").click()
    await expect(row).to_contain_text("Who has joined stays.")
    await row.get_by_role("button", name="Revoke", exact=True).click()
    await expect(row).to_have_count(0)
    cleo = await person("Cleo")
    late = await cleo.open(link.removeprefix(cleo.base_url))
    await expect(late.get_by_text("This link does not work, or not any more.")).to_be_visible()


async def test_who_registers_comes_back_to_the_link_and_into_the_group(
    person: MakePerson, new_context: NewContext, size: str
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben, title="Tea")
    link = await invite(ann, chat)
    context, problems = await new_context()
    page = await context.new_page()
    await page.goto(ann.base_url + link)
    await expect(page).to_have_url(re.compile(r"/login\?next="))
    await page.locator("a[data-to=register]:visible").click()
    form = page.locator("form:visible")
    await form.get_by_label("User name").fill(f"new{uuid.uuid4().hex[:8]}")
    await form.get_by_label("Name that others see").fill("Zoë")
    await form.locator("input[name=password]").fill(PASSWORD)
    await form.locator("input[name=password]").press("Enter")
    await card(page).get_by_role("button", name="Join").click()
    await expect(page).to_have_url(f"{ann.base_url}/c/{chat}")
    await expect(page.locator(".dm-event")).to_have_text(["Zoë joined by a link"])
    await expect(page.locator("textarea.dm-textbox")).to_be_visible()
    assert problems == []


@at_one_size
async def test_who_logs_in_comes_back_to_the_link(
    person: MakePerson, new_context: NewContext
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    link = await invite(ann, await talk(ann, ben, title="Tea"))
    context, _ = await new_context()
    page = await context.new_page()
    await page.goto(ann.base_url + link)
    form = page.locator("form:visible")
    await form.get_by_label("User name").fill(ben.username)
    await form.locator("input[name=password]").fill(PASSWORD)
    await form.locator("input[name=password]").press("Enter")
    # A member already.
    await card(page).get_by_role("button", name="Open").click()
    await expect(page).to_have_url(re.compile("/c/"))


async def test_who_asks_waits_and_an_admin_lets_them_in(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    dan, cleo = await person("Dan"), await person("Cleo")
    chat = await talk(ann, dan, title="Tea")
    link = await invite(ann, chat, approval=True)
    page = await open_chat(ann, chat)
    details = await open_dialog(page, "Details")
    way = details.locator("[data-invites]")
    await expect(way).to_have_text("Invitation links")
    theirs = await ben.open(link)
    await expect(card(theirs)).to_contain_text("Its owners and admins decide who joins.")
    await card(theirs).get_by_role("button", name="Ask to join").click()
    await expect(card(theirs)).to_contain_text("You have asked to join.")
    await at_rest(theirs)
    await theirs.screenshot(path=pictures / f"invitation-asked-{size}.png")
    # Live, while the details stand open; also for who asks next.
    await expect(way).to_have_accessible_name("Invitation links: 1 person asks to join")
    await cleo.call("conversation.join", code=link.removeprefix("/j/"))
    await expect(way).to_have_text("Invitation links2")
    await at_rest(page)
    await page.screenshot(path=pictures / f"details-asking-{size}.png")
    await way.click()
    dialog = page.get_by_role("dialog", name="Invitation links")
    rows = dialog.locator(".dm-people-request")
    await expect(rows).to_have_count(2)
    await at_rest(page)
    await page.screenshot(path=pictures / f"join-requests-{size}.png")
    await rows.filter(has_text="Ben").get_by_role("button", name="Accept").click()
    await expect(rows).to_contain_text(["Cleo"])
    # Both have heard of it: the chat is in the list, and a line in the group.
    await theirs.keyboard.press("Escape")
    await expect(theirs.locator(".dm-list")).to_contain_text("Tea")
    await rows.get_by_role("button", name="Decline").click()
    await expect(dialog.get_by_text("They ask to join")).to_have_count(0)
    await page.keyboard.press("Escape")
    await expect(way).to_have_text("Invitation links")
    await expect(page.locator(".dm-event")).to_have_text(
        ["Ann created the group", "Ann let Ben in, who asked to join"]
    )


@at_one_size
async def test_a_request_that_another_admin_answers_goes_and_another_comes(
    person: MakePerson,
) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    dan = await person("Dan")
    chat = await talk(ann, dan, title="Tea")
    await ann.call("conversation.set_role", conversation=chat, user=dan.id, role="admin")
    code = (await invite(ann, chat, approval=True)).removeprefix("/j/")
    await ben.call("conversation.join", code=code)
    invites = await open_invites(await open_chat(ann, chat))
    rows = invites.locator(".dm-people-request")
    await expect(rows).to_contain_text(["Ben"])
    await dan.call("conversation.join_answer", conversation=chat, user=ben.id, accept=False)
    await expect(rows).to_have_count(0)
    await cleo.call("conversation.join", code=code)
    await expect(rows).to_contain_text(["Cleo"])


@at_one_size
async def test_what_is_typed_in_the_details_stays_as_somebody_asks(person: MakePerson) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    chat = await talk(ann, ben, title="Tea")
    code = (await invite(ann, chat, approval=True)).removeprefix("/j/")
    details = await open_dialog(await open_chat(ann, chat), "Details")
    name = details.get_by_label("Name of the group")
    await name.fill("Coffee")
    await cleo.call("conversation.join", code=code)
    await expect(details.locator("[data-invites]")).to_have_text("Invitation links1")
    await expect(name).to_have_value("Coffee")


@at_one_size
async def test_who_may_not_invite_sees_no_way_to_it(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    details = await open_dialog(await open_chat(ben, await talk(ann, ben, title="Tea")), "Details")
    await expect(details.get_by_role("button", name="Add people")).to_be_visible()
    await expect(details.locator("[data-invites]")).to_have_count(0)


@at_one_size
async def test_a_link_that_ends_while_its_card_is_open_says_so(person: MakePerson) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    chat = await talk(ann, ben, title="Tea")
    page = await cleo.open(await invite(ann, chat))
    join = card(page).get_by_role("button", name="Join")
    await expect(join).to_be_visible()
    await ann.call("conversation.ban", conversation=chat, user=cleo.id)
    await join.click()
    await expect(card(page).get_by_role("alert")).to_have_text(
        "This link does not work, or not any more."
    )
    await expect(join).to_have_count(0)


@in_both_schemes
async def test_axe_finds_nothing_in_invitations(
    person: MakePerson, scheme: str, size: str, pictures: Path
) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    chat = await talk(ann, ben, title="Tea")
    link = await invite(ann, chat, approval=True, label="Poster", uses=1)
    await cleo.call("conversation.join", code=link.removeprefix("/j/"))
    page = await open_chat(ann, chat)
    invites = await open_invites(page)
    await expect(invites.get_by_role("button", name="Accept")).to_be_visible()
    await expect(invites.locator(".dm-people-code")).to_have_count(1)
    await colours_are(page, scheme)
    await at_rest(page)
    await page.screenshot(path=pictures / f"invites-{scheme}-{size}.png")
    assert await axe(page) == []
    page = await cleo.open(link)
    await expect(card(page).get_by_text("You have asked to join.")).to_be_visible()
    await at_rest(page)
    await page.screenshot(path=pictures / f"invitation-{scheme}-{size}.png")
    assert await axe(page) == []


@pytest.mark.parametrize("language", ["ru-RU"])
async def test_invitations_speak_russian(person: MakePerson, size: str, pictures: Path) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    chat = await talk(ann, ben, title="Чай")
    link = await invite(ann, chat, approval=True)
    page = await cleo.open(link)
    asked = page.get_by_role("dialog", name="Приглашение в группу")
    await expect(asked).to_contain_text("2 участника")
    await asked.get_by_role("button", name="Попроситься").click()
    await expect(asked).to_contain_text("Вы попросились в группу.")
    page = await open_chat(ann, chat)
    await page.locator(".dm-header-chat").click()
    way = page.locator("[data-invites]")
    await expect(way).to_have_accessible_name("Ссылки-приглашения: 1 человек просится в группу")
    await way.click()
    dialog = page.get_by_role("dialog", name="Ссылки-приглашения")
    await expect(dialog.get_by_label("Впускать только с согласия")).to_be_visible()
    await at_rest(page)
    await page.screenshot(path=pictures / f"invites-ru-{size}.png")
    await dialog.get_by_role("button", name="Принять").click()
    await page.keyboard.press("Escape")
    await expect(page.locator(".dm-event")).to_contain_text(["создал", "принимает в группу Cleo"])
