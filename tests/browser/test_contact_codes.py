"""One's own codes: made, shown once as link and as QR code, listed, revoked."""

from __future__ import annotations

import re
import uuid
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.accessibility import axe, colours_are, in_both_schemes
from tests.browser.conftest import Person, at_one_size, forgive_network
from tests.browser.pages.any_page import at_rest
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.messenger import open_list
from tests.browser.wire import sit_in_the_middle

MakePerson = Callable[..., Awaitable[Person]]
CODES = "Your links and QR codes"


async def open_codes(page: Page) -> Locator:
    """The dialog with one's own codes."""
    dialog = await open_dialog(page, "New chat")
    await dialog.get_by_role("button", name=CODES).click()
    codes = page.get_by_role("dialog", name=CODES)
    await expect(codes.get_by_role("button", name="Make a link")).to_be_visible()
    return codes


async def make(codes: Locator) -> str:
    """The link of a code that is made."""
    await codes.get_by_role("button", name="Make a link").click()
    await expect(codes.get_by_text("This is shown only now.")).to_be_visible()
    return await codes.locator(".dm-people-made code").inner_text()


async def test_a_code_is_made_copied_used_and_revoked(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await ann.context.grant_permissions(["clipboard-read", "clipboard-write"])
    page = await open_list(ann)
    codes = await open_codes(page)
    await page.screenshot(path=pictures / f"codes-{size}.png")
    await codes.get_by_label("What it is for").fill("Business cards")
    await codes.get_by_label("Works for").select_option("30 days")
    await codes.get_by_label("How many people").fill("3")
    link = await make(codes)
    assert link.startswith(f"{ann.base_url}/j/")
    picture = codes.get_by_alt_text("QR code of the link")
    await expect(picture).to_be_visible()
    await at_rest(page)
    await page.screenshot(path=pictures / f"code-made-{size}.png")
    await codes.get_by_role("button", name="Copy the link").click()
    await expect(codes.get_by_role("button", name="Copied")).to_be_visible()
    assert await page.evaluate("() => navigator.clipboard.readText()") == link
    row = codes.locator(".dm-people-code")
    await expect(row).to_contain_text("Business cards")
    await expect(row).to_contain_text("used by 0 of 3 · until ")
    theirs = await ben.open(link.removeprefix(ben.base_url))
    await expect(
        theirs.locator("dialog.dm-card").get_by_role("heading", name="Ann")
    ).to_be_visible()
    # The link is nowhere once it was closed.
    await page.keyboard.press("Escape")
    codes = await open_codes(page)
    await expect(row).to_contain_text("used by 1 of 3")
    await expect(codes).not_to_contain_text("/j/")
    await row.get_by_role("button", name="Revoke: Business cards").click()
    await expect(row).to_contain_text("It will not work any more.")
    await row.get_by_role("button", name="Cancel").click()
    await row.get_by_role("button", name="Revoke: Business cards").click()
    await row.get_by_role("button", name="Revoke", exact=True).click()
    await expect(row).to_have_count(0)
    assert (await ann.call("contact.code_list"))["codes"] == []


@at_one_size
async def test_the_qr_code_is_of_the_link(person: MakePerson) -> None:
    import segno

    ann = await person("Ann")
    codes = await open_codes(await open_list(ann))
    link = await make(codes)
    drawn = segno.make(link, error="m").svg_data_uri(scale=4, dark="#000", light="#fff")
    await expect(codes.get_by_alt_text("QR code of the link")).to_have_attribute("src", drawn)


@at_one_size
async def test_what_does_not_fit_is_said_at_its_field(person: MakePerson) -> None:
    ann = await person("Ann")
    codes = await open_codes(await open_list(ann))
    uses = codes.get_by_label("How many people")
    for typed, sentence in (("0", "At least 1."), ("10001", "At most 10000."), ("1.5", "At least")):
        await uses.fill(typed)
        await codes.get_by_role("button", name="Make a link").click()
        await expect(codes.get_by_role("alert")).to_contain_text(sentence)
    assert (await ann.call("contact.code_list"))["codes"] == []


@at_one_size
async def test_codes_that_are_over_say_so(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    made = await ann.call("contact.code_create", client_id=uuid.uuid4().hex, uses=1)
    await ann.call("contact.code_create", client_id=uuid.uuid4().hex, label="For ever")
    await ben.call("contact.code_open", code=made["code"])
    codes = await open_codes(await open_list(ann))
    rows = codes.locator(".dm-people-code")
    await expect(rows).to_contain_text(["For ever", "Link of "])
    await expect(rows.nth(0)).to_contain_text("used by 0 people")
    await expect(rows.nth(1)).to_contain_text("used by 1 of 1 · does not work any more")
    # Nothing ends by it any more: without a question.
    await rows.nth(1).get_by_role("button", name="Remove").click()
    await expect(rows).to_contain_text(["For ever"])


@at_one_size
async def test_a_code_whose_answer_was_lost_is_not_made_twice(person: MakePerson) -> None:
    ann = await person("Ann")
    page = await ann.context.new_page()
    wire = await sit_in_the_middle(page)
    await page.goto(ann.base_url)
    await expect(page.locator(".dm-list .dm-notice")).to_be_visible()
    codes = await open_codes(page)
    wire.keep_answers_to = {"contact.code_create"}
    await codes.get_by_role("button", name="Make a link").click()
    while not wire.kept:
        await page.wait_for_function("() => true")
    await wire.cut()
    await expect(codes.get_by_role("alert")).not_to_be_empty()
    await page.wait_for_function("() => window.dashMessenger.store.online")
    await make(codes)
    assert len((await ann.call("contact.code_list"))["codes"]) == 1
    forgive_network(ann.problems)


@in_both_schemes
async def test_axe_finds_nothing_in_codes(person: MakePerson, scheme: str) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    codes = await open_codes(page)
    await colours_are(page, scheme)
    assert await axe(page) == []
    await make(codes)
    await expect(codes.get_by_alt_text("QR code of the link")).to_be_visible()
    await codes.get_by_role("button", name=re.compile("^Revoke")).click()
    assert await axe(page) == []


@pytest.mark.parametrize("language", ["ru-RU"])
async def test_codes_speak_russian(person: MakePerson) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    await page.locator(".dm-header").get_by_role("button", name="Новый чат").click()
    await page.get_by_role("button", name="Ваши ссылки и QR-коды").click()
    codes = page.get_by_role("dialog", name="Ваши ссылки и QR-коды")
    await codes.get_by_label("Сколько человек").fill("2")
    await codes.get_by_role("button", name="Создать ссылку").click()
    await expect(codes.get_by_text("Это показывается только сейчас.")).to_be_visible()
    await expect(codes.get_by_text("открыли 0 из 2")).to_be_visible()
