"""Drafts keep what is written, what is edited and what is answered, over a switch and a reload."""

from __future__ import annotations

from typing import Any

import pytest
from playwright.async_api import Page, expect

from tests.browser.pages.messenger import (
    bubbles,
    choose_chat,
    composer,
    message,
    open_chat,
    open_list,
    open_menu,
    round_trip,
)
from tests.browser.people import talk, two

BAR = ".dm-composing"


async def begin(page: Page, text: str, entry: str) -> None:
    """Choose an entry of a message's menu."""
    await open_menu(message(page, text))
    await page.get_by_role("menuitem", name=entry, exact=True).click()
    await expect(page.locator(BAR)).to_be_visible()


async def away_and_back(page: Page, size: str) -> None:
    """Look into Carl's chat, then into Bob's again."""
    for name in ("Carl", "Bob"):
        if size == "phone":
            await page.get_by_role("button", name="Back").click()
        await choose_chat(page, name)
        if name == "Carl":
            await expect(page.locator(BAR)).to_have_count(0)
            await expect(composer(page)).to_have_value("")


async def test_an_edit_under_way_survives_a_switch_and_a_reload(person: Any, size: str) -> None:
    ann, _, chat = await two(person)
    await talk(ann, await person("Carl"))
    await ann.send(chat, "tea")
    page = await open_chat(ann, chat)
    await composer(page).fill("a thought")
    await begin(page, "tea", "Edit")
    await composer(page).fill("tea and cake")
    await away_and_back(page, size)
    await expect(page.locator(BAR)).to_contain_text("Edit message")
    await expect(composer(page)).to_have_value("tea and cake")
    await page.reload()
    await expect(page.locator(BAR)).to_contain_text("Edit message")
    await expect(composer(page)).to_have_value("tea and cake")
    await page.get_by_role("button", name="Send").click()
    await expect(bubbles(page, "tea and cake")).to_be_visible()
    await expect(composer(page)).to_have_value("a thought")
    await page.reload()
    await expect(composer(page)).to_have_value("a thought")
    await expect(page.locator(BAR)).to_have_count(0)


async def test_an_answer_keeps_what_it_answers_over_a_switch_and_a_reload(
    person: Any, size: str
) -> None:
    ann, _, chat = await two(person, say=("shall we?", "something else"))
    await talk(ann, await person("Carl"))
    page = await open_chat(ann, chat)
    await begin(page, "shall we?", "Reply")
    await composer(page).fill("we shall")
    await away_and_back(page, size)
    await expect(page.locator(BAR)).to_contain_text("shall we?")
    await page.reload()
    await expect(page.locator(BAR)).to_contain_text("Reply to Bob")
    await expect(page.locator(BAR)).to_contain_text("shall we?")
    await expect(composer(page)).to_have_value("we shall")
    await page.get_by_role("button", name="Send").click()
    await expect(message(page, "we shall").locator("[data-jump]")).to_contain_text("shall we?")
    await page.reload()
    await expect(bubbles(page, "we shall")).to_be_visible()
    await expect(page.locator(BAR)).to_have_count(0)


@pytest.mark.parametrize("size", ["desktop"])
async def test_an_edit_leaves_the_answer_that_was_begun_before_it(person: Any) -> None:
    ann, _, chat = await two(person, say=("shall we?",))
    await ann.send(chat, "tea")
    page = await open_chat(ann, chat)
    await begin(page, "shall we?", "Reply")
    await composer(page).fill("we shall")
    await begin(page, "tea", "Edit")
    await composer(page).press("Escape")
    await expect(page.locator(BAR)).to_contain_text("shall we?")
    await expect(composer(page)).to_have_value("we shall")


@pytest.mark.parametrize("away", [False, True], ids=["shown", "away"])
async def test_text_of_an_edit_is_left_when_its_message_is_deleted(person: Any, away: bool) -> None:
    ann, _, chat = await two(person)
    tea = await ann.send(chat, "tea")
    page = await open_chat(ann, chat)
    await composer(page).fill("a thought")
    await begin(page, "tea", "Edit")
    await composer(page).fill("tea and cake")
    if away:
        await composer(page).blur()
        await page.goto("about:blank")
    await ann.call("message.delete", message=tea["id"])
    if away:
        await page.goto(f"{ann.base_url}/c/{chat}")
    await expect(page.locator(".dm-told")).to_contain_text("was deleted")
    await expect(page.locator(BAR)).to_have_count(0)
    await expect(composer(page)).to_have_value("a thought\ntea and cake")
    await page.get_by_role("button", name="Send").click()
    await expect(message(page, "a thought\ntea and cake")).to_be_visible()


@pytest.mark.parametrize("size", ["desktop"])
async def test_text_of_an_answer_is_left_when_what_it_answers_is_deleted(person: Any) -> None:
    ann, bob, chat = await two(person)
    # So far back that a reload does not load it.
    first = await bob.send(chat, "shall we?")
    page = await open_chat(ann, chat)
    await begin(page, "shall we?", "Reply")
    await composer(page).fill("we shall")
    await composer(page).blur()
    for number in range(60):
        await bob.send(chat, f"line {number}")
    await page.reload()
    await expect(page.locator(BAR)).to_contain_text("shall we?")
    await page.goto("about:blank")
    await bob.call("message.delete", message=first["id"])
    await page.goto(f"{ann.base_url}/c/{chat}")
    await expect(page.locator(".dm-told")).to_contain_text("was deleted")
    await expect(page.locator(BAR)).to_have_count(0)
    await expect(composer(page)).to_have_value("we shall")


async def test_what_was_not_changed_is_no_draft_when_its_message_is_deleted(person: Any) -> None:
    ann, _, chat = await two(person)
    tea = await ann.send(chat, "tea")
    page = await open_chat(ann, chat)
    await begin(page, "tea", "Edit")
    await ann.call("message.delete", message=tea["id"])
    await expect(page.locator(BAR)).to_have_count(0)
    await round_trip(page)
    await expect(composer(page)).to_have_value("")


@pytest.mark.parametrize("size", ["desktop"])
async def test_a_second_tab_takes_nothing_from_a_draft(person: Any) -> None:
    ann, _, chat = await two(person, say=("shall we?",))
    second = await open_list(ann)
    page = await open_chat(ann, chat)
    await begin(page, "shall we?", "Reply")
    await composer(page).fill("we shall")
    await choose_chat(second, "Bob")
    await round_trip(second)
    await page.reload()
    await expect(page.locator(BAR)).to_contain_text("shall we?")
    await expect(composer(page)).to_have_value("we shall")
