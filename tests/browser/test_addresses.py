"""Item 9: a chat has an address, and on a phone everything can be reached and read."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from dash_messenger.testing import ServerProcess
from playwright.async_api import BrowserContext, Locator, Page, expect

from tests.browser.accessibility import axe, colours_are, in_both_schemes
from tests.browser.conftest import PASSWORD, Person, forgive_network
from tests.browser.pages.any_page import drawn
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.messenger import TEXT_BOX, message, open_chat, open_list, write
from tests.browser.people import talk

MakePerson = Callable[..., Awaitable[Person]]
NewContext = Callable[[], Awaitable[tuple[BrowserContext, list[str]]]]
on_the_phone = pytest.mark.parametrize("size", ["phone"])
KEYBOARD_PX = 336
SMALL_FIELDS = """() => [...document.querySelectorAll('input:not([type=hidden], [type=radio], [type=file]), textarea, select')]
    .filter((field) => parseFloat(getComputedStyle(field).fontSize) < 16)
    .map((field) => `${field.id || field.className} ${getComputedStyle(field).fontSize}`)"""


def pane(page: Page) -> tuple[Locator, Locator]:
    """The list and the text box."""
    return page.locator(".dm-list"), page.locator(TEXT_BOX)


async def test_a_reload_stays_in_the_chat(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat, other = await talk(ann, ben), await talk(ann, ben, title="Others")
    await ben.send(chat, "In this chat")
    await ben.send(other, "In the other")
    page = await open_chat(ann, chat)
    for _ in range(2):
        await page.reload()
        await expect(page).to_have_url(f"{ann.base_url}/c/{chat}")
        await expect(page.locator(".dm-timeline").get_by_role("heading", level=2)).to_have_text(
            "Ben"
        )
        await expect(message(page, "In this chat")).to_be_visible()
        await expect(message(page, "In the other")).to_have_count(0)


@in_both_schemes
async def test_an_unknown_address_shows_a_page_with_a_way_to_the_messenger(
    person: MakePerson, new_context: NewContext, scheme: str, pictures: Path, size: str
) -> None:
    ann = await person("Ann")
    page = await ann.open("/nowhere")
    await expect(page.get_by_role("heading")).to_have_text("There is nothing at this address")
    await colours_are(page, scheme)
    assert await axe(page) == []
    await page.screenshot(path=pictures / f"unknown-{size}-{scheme}.png")
    await page.goto(f"{ann.base_url}/blobs/{'0' * 32}")
    await page.get_by_role("link", name="To the messenger").click()
    await expect(page.get_by_text("No chats yet")).to_be_visible()
    context, strangers = await new_context()
    stranger = await context.new_page()
    await stranger.goto(f"{ann.base_url}/blobs/{'0' * 32}")
    await stranger.get_by_role("link", name="Log in").click()
    await expect(stranger.get_by_role("heading", name="Welcome back")).to_be_visible()
    for problems in (ann.problems, strangers):
        forgive_network(problems)


async def test_an_address_without_a_session_leads_over_the_log_in_to_the_chat(
    person: MakePerson,
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    await ben.send(chat, "Found it")
    await ann.context.clear_cookies()
    page = await ann.open(f"/c/{chat}")
    await expect(page).to_have_url(re.compile(r"/login\?next="))
    form = page.locator(".page-login form")
    await form.get_by_label("User name").fill(ann.username)
    await form.get_by_label("Password", exact=True).fill(PASSWORD)
    await form.get_by_role("button", name="Log in").click()
    await expect(page).to_have_url(f"{ann.base_url}/c/{chat}")
    await expect(message(page, "Found it")).to_be_visible()


async def test_a_chat_that_is_not_ones_own_says_so_and_shows_nothing(person: MakePerson) -> None:
    ann, ben, eve = await person("Ann"), await person("Ben"), await person("Eve")
    chat = await talk(ann, ben)
    await ben.send(chat, "A secret")
    for address in (f"/c/{chat}", "/c/" + "0" * 32):
        page = await eve.open(address)
        await expect(
            page.get_by_text("This chat does not exist, or you are not in it.")
        ).to_be_visible()
        assert "A secret" not in await page.content()
        await page.get_by_role("button", name="To all chats").click()
        await expect(page).to_have_url(f"{eve.base_url}/")


@on_the_phone
async def test_back_on_the_phone_leads_from_the_chat_to_the_list(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    page = await open_list(ann)
    chats, box = pane(page)
    await expect(box).to_be_hidden()
    await page.locator(".dm-chat").tap()
    await expect(page).to_have_url(f"{ann.base_url}/c/{chat}")
    await expect(box).to_be_visible()
    await expect(chats).to_be_hidden()
    await page.go_back()
    await expect(page).to_have_url(f"{ann.base_url}/")
    await expect(chats).to_be_visible()
    await expect(box).to_be_hidden()
    await page.go_forward()
    await expect(page).to_have_url(f"{ann.base_url}/c/{chat}")
    await expect(box).to_be_visible()
    await page.get_by_role("button", name="Back").tap()
    await expect(page).to_have_url(f"{ann.base_url}/")
    await expect(chats).to_be_visible()


@on_the_phone
async def test_back_on_the_phone_leads_to_the_list_from_an_address_opened_directly(
    person: MakePerson,
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    page = await open_chat(ann, chat)
    chats, box = pane(page)
    await page.go_back()
    await expect(page).to_have_url(f"{ann.base_url}/")
    await expect(chats).to_be_visible()
    await expect(box).to_be_hidden()
    await page.locator(".dm-chat").tap()
    await expect(box).to_be_visible()
    await page.reload()
    await expect(box).to_be_visible()
    await page.go_back()
    await expect(page).to_have_url(f"{ann.base_url}/")
    await expect(chats).to_be_visible()


@pytest.mark.parametrize("size", ["desktop"])
async def test_back_on_the_desktop_leads_to_the_chat_before(person: MakePerson) -> None:
    ann, ben, cem = await person("Ann"), await person("Ben"), await person("Cem")
    first, second = await talk(ann, ben), await talk(ann, cem)
    page = await open_list(ann)
    for chat in (first, second):
        await page.locator(f'.dm-chat[href="/c/{chat}"]').click()
        await expect(page).to_have_url(f"{ann.base_url}/c/{chat}")
    await page.go_back()
    await expect(page.locator(".dm-timeline").get_by_role("heading", level=2)).to_have_text("Ben")
    chats, box = pane(page)
    await expect(chats).to_be_visible()
    await expect(box).to_be_visible()


@on_the_phone
async def test_the_open_keyboard_covers_neither_the_text_box_nor_the_last_message(
    person: MakePerson,
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    for number in range(30):
        await ann.send(chat, f"Line {number}")
    page = await open_chat(ann, chat)
    # Browsers take the keyboard's height away from the page if it asks for that …
    content = await page.locator("meta[name=viewport]").get_attribute("content")
    assert content is not None
    assert "interactive-widget=resizes-content" in content
    # … and from 100dvh; from 100vh they do not.
    assert await page.evaluate(
        """() => [...document.styleSheets].flatMap((sheet) => [...sheet.cssRules])
            .some((rule) => rule.selectorText?.includes('.frame') && rule.style.height === '100dvh')"""
    )
    await page.locator(TEXT_BOX).tap()
    await page.set_viewport_size({"width": 390, "height": 844 - KEYBOARD_PX})
    await drawn(page)
    await expect(message(page, "Line 29")).to_be_in_viewport(ratio=1)
    await expect(page.locator(".dm-composer")).to_be_in_viewport(ratio=1)
    await write(page, "Typed on glass")
    await expect(message(page, "Typed on glass")).to_be_in_viewport(ratio=1)
    await expect(page.locator(".dm-send")).to_be_in_viewport(ratio=1)
    assert await page.evaluate("() => document.scrollingElement.scrollHeight <= innerHeight")


@on_the_phone
async def test_fields_on_the_phone_are_large_enough_not_to_be_zoomed(
    person: MakePerson, new_context: NewContext, server: ServerProcess
) -> None:
    stranger, _ = await new_context()
    for path in ("/login", "/register"):
        page = await stranger.new_page()
        await page.goto(server.url + path)
        await expect(
            page.get_by_label("Password", exact=True).locator("visible=true")
        ).to_be_visible()
        assert await page.evaluate(SMALL_FIELDS) == []
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben, title="A group")
    for dialog in ("New chat", "New group", "Settings", "Details"):
        page = await open_chat(ann, chat) if dialog == "Details" else await open_list(ann)
        await open_dialog(page, dialog)
        assert await page.evaluate(SMALL_FIELDS) == []
