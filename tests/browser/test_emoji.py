"""Emoji: chosen from the panel, completed by their names, put as reactions; in both languages."""

from __future__ import annotations

import re
from typing import Any

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.conftest import at_one_size
from tests.browser.pages.any_page import becomes, reload_after_closing
from tests.browser.pages.messenger import composer, message, open_chat, open_menu
from tests.browser.people import two

pytestmark = [pytest.mark.browser, pytest.mark.asyncio(loop_scope="session")]

in_both_languages = pytest.mark.parametrize("language", ["en-GB", "ru-RU"])
NAMES = {"en-GB": "Emoji", "ru-RU": "Эмодзи"}
CARET = "box => box.selectionStart"


def opener(page: Page) -> Locator:
    return page.locator(".dm-textbox-buttons").get_by_role(
        "button", name=re.compile("^(Emoji|Эмо)")
    )


async def open_panel(page: Page) -> Locator:
    """The panel of emoji, when they are in it."""
    await opener(page).click()
    panel = page.locator(".dm-composer > .dm-picker")
    await expect(panel.locator(".dm-picker-grid > .dm-pick").first).to_be_visible()
    return panel


async def found(panel: Locator, query: str) -> Locator:
    """The first emoji that is found."""
    await panel.get_by_role("searchbox").fill(query)
    await expect(panel.locator("[data-group]")).to_have_count(1)
    return panel.locator("[data-group=found] .dm-pick").first


async def draft_is(page: Page, person: Any, chat: str, text: str) -> None:
    """Wait until the browser keeps this as the draft."""
    key = f"dm:draft:{person.id}:{chat}"
    await becomes(
        lambda: page.evaluate("key => localStorage.getItem(key) ?? ''", key),
        lambda kept: text in kept,
    )


@in_both_languages
async def test_emoji_are_found_by_words_of_both_languages(
    person: Any, size: str, language: str
) -> None:
    ann, _, chat = await two(person)
    page = await open_chat(ann, chat)
    panel = await open_panel(page)
    await expect(panel).to_have_attribute("aria-label", NAMES[language])
    label = {"en-GB": "party popper", "ru-RU": "хлопушка"}[language]
    for query in ("party pop", "хлопу", "TADA"):
        popper = await found(panel, query)
        await expect(popper).to_have_text("🎉")
        await expect(popper).to_have_attribute("aria-label", label)
    # Written with е or with ё.
    await expect(await found(panel, "ёжик")).to_have_text("🦔")
    await expect(await found(panel, "ежик")).to_have_text("🦔")
    await panel.get_by_role("searchbox").fill("qqqq")
    await expect(panel.locator(".dm-pick[title]").filter(has_text="🎉")).to_have_count(0)
    await expect(panel.get_by_text(re.compile("Nothing found|Ничего не найдено"))).to_be_visible()


async def test_a_chosen_emoji_stands_at_the_caret_and_is_kept(person: Any, size: str) -> None:
    ann, _, chat = await two(person)
    page = await open_chat(ann, chat)
    box = composer(page)
    await box.fill("good day")
    await box.evaluate("box => box.setSelectionRange(4, 4)")
    panel = await open_panel(page)
    await (await found(panel, "sun with face")).click()
    await expect(box).to_have_value("good🌞 day")
    assert await box.evaluate(CARET) == len("good") + 2
    if size == "desktop":
        await expect(panel).to_have_count(0)
        await expect(box).to_be_focused()
        await page.keyboard.press("Control+z")
        await expect(box).to_have_value("good day")
        await page.keyboard.press("Control+Shift+z")
    else:
        # The panel has the place of the keyboard: it stays, and the keyboard away.
        await expect(panel).to_be_visible()
        await expect(box).not_to_be_focused()
        await (await found(panel, "tulip")).click()
        await expect(box).to_have_value("good🌞🌷 day")
    await draft_is(page, ann, chat, await box.input_value())


async def test_enter_takes_the_first_that_is_found(person: Any, size: str) -> None:
    ann, _, chat = await two(person)
    page = await open_chat(ann, chat)
    panel = await open_panel(page)
    await expect(await found(panel, "hedgehog")).to_have_text("🦔")
    await panel.get_by_role("searchbox").press("Enter")
    await expect(composer(page)).to_have_value("🦔")


@at_one_size
async def test_arrows_lead_from_group_to_group(person: Any, size: str) -> None:
    ann, _, chat = await two(person)
    page = await open_chat(ann, chat)
    panel = await open_panel(page)
    search = panel.get_by_role("searchbox")
    await expect(search).to_be_focused()
    await page.keyboard.press("ArrowDown")
    smileys = panel.locator("[data-group='1'] .dm-pick")
    await expect(smileys.first).to_be_focused()
    await page.keyboard.press("ArrowDown")
    await expect(smileys.nth(8)).to_be_focused()
    await page.keyboard.press("ArrowRight")
    await expect(smileys.nth(9)).to_be_focused()
    await smileys.last.focus()
    await page.keyboard.press("ArrowRight")
    await expect(panel.locator("[data-group='2'] .dm-pick").first).to_be_focused()
    await page.keyboard.press("Escape")
    await expect(panel).to_have_count(0)
    await expect(composer(page)).to_be_focused()


async def test_what_was_used_lately_comes_first_and_goes_at_the_log_out(
    person: Any, size: str
) -> None:
    ann, _, chat = await two(person)
    page = await open_chat(ann, chat)
    for query in ("hedgehog", "tulip"):
        panel = await open_panel(page)
        await (await found(panel, query)).click()
        await page.keyboard.press("Escape")
        await expect(panel).to_have_count(0)
    await reload_after_closing(page)
    panel = await open_panel(page)
    lately = panel.get_by_role("region", name="Used lately").locator(".dm-pick")
    await expect(lately).to_have_text(["🌷", "🦔"])
    kept = "() => Object.keys(localStorage).filter((key) => key.startsWith('dm:emoji:'))"
    assert await page.evaluate(kept) == [f"dm:emoji:{ann.id}:recent"]
    # What was chosen is a draft: it is asked for.
    page.once("dialog", lambda question: question.accept())
    await page.evaluate("() => void window.dashMessenger.signOut()")
    await expect(page.locator(".page-landing")).to_be_visible()
    assert await page.evaluate(kept) == []


async def test_the_skin_tone_is_chosen_once(person: Any, size: str) -> None:
    ann, _, chat = await two(person)
    page = await open_chat(ann, chat)
    panel = await open_panel(page)
    await expect(await found(panel, "waving hand")).to_have_text("👋")
    await panel.get_by_role("button", name="Yellow skin").click()
    await panel.get_by_role("button", name="Medium skin").click()
    await expect(await found(panel, "waving hand")).to_have_text("👋🏽")
    await page.reload()
    panel = await open_panel(page)
    await expect(panel.get_by_role("button", name="Medium skin")).to_have_text("✋🏽")
    await (await found(panel, "waving hand")).click()
    await expect(composer(page)).to_have_value("👋🏽")
    # Two people, each in that tone; what has no skin stays as it is.
    box = composer(page)
    await box.fill("")
    await box.press_sequentially(":handshake: :two_women_holding_hands: :tada: ")
    await expect(box).to_have_value("🤝🏽 👭🏽 🎉 ")


@in_both_languages
async def test_a_name_is_completed_while_it_is_typed(person: Any, size: str, language: str) -> None:
    ann, _, chat = await two(person)
    page = await open_chat(ann, chat)
    box = composer(page)
    offers = page.get_by_role("listbox", name=NAMES[language]).get_by_role("option")
    typed, put = {"en-GB": (":hedge", "🦔"), "ru-RU": (":ежи", "🦔")}[language]
    await box.press_sequentially(f"a {typed}")
    await expect(offers.first).to_contain_text(put)
    await expect(offers.first).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Enter")
    await expect(box).to_have_value(f"a {put}")
    await expect(offers).to_have_count(0)
    await expect(box).to_be_focused()
    await box.press_sequentially(" :smi")
    await expect(offers).to_have_count(6)
    second = (await offers.nth(1).locator("b").inner_text()).strip()
    await page.keyboard.press("ArrowDown")
    await expect(offers.nth(1)).to_have_attribute("aria-selected", "true")
    await page.keyboard.press("Tab")
    await expect(box).to_have_value(f"a {put} {second}")
    await box.press_sequentially(" :tada:")
    await expect(box).to_have_value(f"a {put} {second} 🎉")
    await box.press_sequentially(" :tul")
    await offers.first.click()
    await expect(box).to_have_value(f"a {put} {second} 🎉 🌷")


@at_one_size
async def test_a_colon_in_ordinary_text_is_left_alone(person: Any, size: str) -> None:
    ann, _, chat = await two(person)
    page = await open_chat(ann, chat)
    box = composer(page)
    offers = page.get_by_role("listbox", name="Emoji")
    # So that what would be offered is.
    await box.press_sequentially(":hedge")
    await expect(offers).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(offers).to_have_count(0)
    # Not again for the same name.
    await box.press_sequentially("hog")
    await expect(offers).to_have_count(0)
    for text in (
        "at 10:30",
        "https://tada",
        "note:tada:",
        "a :D",
        "`:tada:",
        "::tada:",
        ":no_such_name:",
    ):
        await box.fill("")
        await box.press_sequentially(text)
        await expect(box).to_have_value(text)
        await expect(offers).to_have_count(0)
    await box.fill("")
    await box.press_sequentially(":tada:")
    await expect(box).to_have_value("🎉")
    await page.keyboard.press("Control+z")
    await expect(box).to_have_value(":tada:")
    await page.keyboard.press("Enter")
    await expect(message(page, ":tada:")).to_be_visible()


async def test_any_emoji_is_a_reaction_that_the_others_see(person: Any, size: str) -> None:
    ann, bob, chat = await two(person, say=("tea?",))
    page, there = await open_chat(ann, chat), await open_chat(bob, chat)
    await open_menu(message(page, "tea?"))
    await page.get_by_role("menuitem", name="More emoji").click()
    panel = page.get_by_role("dialog", name="Emoji")
    await (await found(panel, "teapot")).click()
    await expect(panel).to_have_count(0)
    for one in (page, there):
        await expect(message(one, "tea?").locator("[data-react]")).to_contain_text("🫖")
    # The same takes it back.
    await open_menu(message(page, "tea?"))
    await page.get_by_role("menuitem", name="More emoji").click()
    lately = panel.get_by_role("region", name="Used lately").locator(".dm-pick")
    await expect(lately).to_have_text(["🫖"])
    await lately.first.click()
    await expect(message(there, "tea?").locator("[data-react]")).to_have_count(0)


async def test_the_script_of_emoji_is_loaded_when_they_are_wanted(person: Any, size: str) -> None:
    ann, _, chat = await two(person)
    page = await ann.context.new_page()
    loaded: list[str] = []
    page.on("request", lambda request: loaded.append(request.url))
    await page.goto(f"{ann.base_url}/c/{chat}")
    await expect(composer(page)).to_be_visible()
    await composer(page).press_sequentially("at 10:30, note: bring :) tea")
    assert not [url for url in loaded if "/emoji" in url]
    await open_panel(page)
    assert len([url for url in loaded if "/emoji" in url]) == 1


@pytest.mark.parametrize("size", ["phone"])
async def test_on_the_phone_the_panel_stands_where_the_keyboard_was(person: Any, size: str) -> None:
    ann, _, chat = await two(person)
    for number in range(30):
        await ann.send(chat, f"line {number}")
    page = await open_chat(ann, chat)
    await composer(page).tap()
    await opener(page).tap()
    panel = page.locator(".dm-composer > .dm-picker")
    await expect(panel.locator(".dm-picker-grid > .dm-pick").first).to_be_visible()
    await expect(composer(page)).not_to_be_focused()
    await expect(message(page, "line 29")).to_be_in_viewport()
    box, below = await composer(page).bounding_box(), await panel.bounding_box()
    assert box
    assert below
    assert box["y"] + box["height"] <= below["y"]
    assert below["y"] + below["height"] == 844
    await panel.locator(".dm-picker-grid > .dm-pick").first.tap()
    await page.locator(".dm-send").tap()
    await expect(message(page, "😀")).to_be_visible()
    # Nothing has moved beneath the finger, and the keyboard is still away.
    await expect(panel).to_be_visible()
    await expect(composer(page)).not_to_be_focused()
    await composer(page).tap()
    await expect(panel).to_have_count(0)
    await expect(composer(page)).to_be_focused()
