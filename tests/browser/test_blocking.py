"""Blocking somebody: where it is offered, what it does to chats and groups, what the other one sees."""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.accessibility import axe, colours_are, in_both_schemes
from tests.browser.conftest import Person, at_one_size, forgive_network
from tests.browser.pages.any_page import at_rest, becomes
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.messenger import TEXT_BOX, bubbles, message, open_chat, open_list, write
from tests.browser.people import talk, two

MakePerson = Callable[..., Awaitable[Person]]
REFUSED = "This person does not accept messages from you."
FOLDED = "Message of somebody you blocked"


def question(page: Page, words: str = "Block Bob?") -> Locator:
    """The question whether to block somebody."""
    return page.get_by_role("dialog", name=words)


async def confirm(page: Page, words: str = "Block Bob?") -> None:
    """Answer the question with yes."""
    name = words.split()[0]
    await question(page, words).get_by_role("button", name=name, exact=True).click()
    await expect(question(page, words)).to_have_count(0)


async def blocked(person: Person) -> list[str]:
    """Whom somebody has blocked."""
    return [one["user"] for one in (await person.call("user.blocked"))["blocked"]]


async def test_a_card_blocks_after_a_question_and_lets_in_again(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob, title="Tea")
    await bob.send(chat, "Hello")
    page = await open_chat(ann, chat)
    await message(page, "Hello").locator(".dm-author [data-user]").click()
    card = page.get_by_role("dialog", name="Bob", exact=True)
    await card.get_by_role("button", name="Block").click()
    await expect(question(page).get_by_role("button", name="Cancel")).to_be_focused()
    await at_rest(page)
    await page.screenshot(path=pictures / f"block-question-{size}.png")
    await question(page).get_by_role("button", name="Cancel").click()
    assert await blocked(ann) == []
    await card.get_by_role("button", name="Block").click()
    await confirm(page)
    assert await blocked(ann) == [bob.id]
    await expect(card).to_contain_text("You have blocked this person.")
    await expect(card.get_by_role("button", name="Send a message")).to_have_count(0)
    await at_rest(page)
    await page.screenshot(path=pictures / f"block-card-{size}.png")
    await card.get_by_role("button", name="Unblock").click()
    await confirm(page, "Unblock Bob?")
    assert await blocked(ann) == []
    await expect(card.get_by_role("button", name="Send a message")).to_be_visible()


async def test_a_blocked_chat_says_so_and_offers_to_unblock(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, _, chat = await two(person, say=("Hello",))
    page = await open_chat(ann, chat)
    await page.locator(TEXT_BOX).fill("Half a thought")
    details = await open_dialog(page, "Details")
    await details.get_by_role("button", name="Block").click()
    await confirm(page)
    await expect(details.get_by_role("button", name="Unblock")).to_be_visible()
    await page.screenshot(path=pictures / f"block-details-{size}.png")
    await details.get_by_role("button", name="Close").click()
    await expect(page.locator(TEXT_BOX)).to_have_count(0)
    instead = page.locator(".dm-composer-blocked")
    await expect(instead).to_contain_text("You have blocked this person.")
    # In a chat of two nothing is folded: it is one's own history.
    await expect(message(page, "Hello")).to_be_visible()
    await page.screenshot(path=pictures / f"block-chat-{size}.png")
    await instead.get_by_role("button", name="Unblock").click()
    await confirm(page, "Unblock Bob?")
    await expect(page.locator(TEXT_BOX)).to_have_value("Half a thought")
    await write(page, "Again")
    await expect(message(page, "Again")).to_have_attribute("data-state", "sent")


async def test_the_menu_of_a_chat_of_two_blocks(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, bob, chat = await two(person, say=("Hello",))
    group = await talk(ann, bob, title="Tea")
    page = await open_list(ann)
    await page.locator(f"li[data-id='{chat}'] .dm-chat-more").press("Enter")
    menu = page.get_by_role("menu")
    await at_rest(page)
    await page.screenshot(path=pictures / f"block-menu-{size}.png")
    await menu.get_by_role("menuitem", name="Block").press("Enter")
    await confirm(page)
    await expect(page.locator(f"li[data-id='{chat}'] .dm-chat")).to_be_focused()
    assert await blocked(ann) == [bob.id]
    await page.locator(f"li[data-id='{chat}'] .dm-chat-more").press("Enter")
    await expect(menu.get_by_role("menuitem", name="Unblock")).to_be_visible()
    await page.keyboard.press("Escape")
    await page.locator(f"li[data-id='{group}'] .dm-chat-more").press("Enter")
    await expect(menu.get_by_role("menuitem", name="Leave")).to_be_visible()
    await expect(menu.get_by_role("menuitem", name="lock")).to_have_count(0)


@pytest.mark.parametrize("by", ["block", "setting"])
async def test_who_is_refused_reads_one_sentence_and_keeps_the_text(
    person: MakePerson, by: str, size: str, pictures: Path
) -> None:
    ann, bob, chat = await two(person, say=("Hello",))
    page = await open_chat(ann, chat)
    if by == "block":
        await bob.call("user.block", user=ann.id)
    else:
        await bob.call("privacy.except", user=ann.id, message="deny")
    await write(page, "Are you there?")
    row = message(page, "Are you there?")
    await expect(row).to_have_attribute("data-state", "failed")
    failed = page.locator(".dm-failed")
    await expect(failed).to_contain_text(f"Not sent. {REFUSED}")
    await page.screenshot(path=pictures / f"refused-{by}-{size}.png")
    # Nothing of it is stored, and nothing else tells.
    texts = (await bob.call("message.history", conversation=chat))["messages"]
    assert [one["text"] for one in texts] == ["Hello"]
    await expect(page.locator(TEXT_BOX)).to_be_visible()
    # Over a reload too.
    await page.reload()
    await expect(failed).to_contain_text(REFUSED)
    if by == "block":
        await bob.call("user.unblock", user=ann.id)
    else:
        await bob.call("privacy.except", user=ann.id, message=None)
    await failed.get_by_role("button", name="Retry").click()
    await expect(row).to_have_attribute("data-state", "sent")


async def test_a_group_folds_what_the_blocked_say(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, bob, cleo = await person("Ann"), await person("Bob"), await person("Cleo")
    chat = await talk(ann, bob, cleo, title="Tea")
    await cleo.send(chat, "Tea is ready")
    first = await bob.send(chat, "Coffee is better")
    await cleo.post(chat, "text", {"text": "Not here"}, reply_to=first["id"])
    await bob.call("message.react", message=first["id"], emoji="👍", on=True)
    page = await open_chat(ann, chat)
    await expect(bubbles(page, "Coffee is better")).to_be_visible()
    await ann.call("user.block", user=bob.id)
    await expect(page.get_by_text("Coffee is better")).to_have_count(0)
    folded = page.locator(".dm-row").get_by_role("button", name=FOLDED)
    # The message, and the quote of it.
    await expect(folded).to_have_count(2)
    await expect(page.locator(".dm-row [data-react]")).to_have_count(0)
    await bob.send(chat, "Much better")
    await expect(folded).to_have_count(3)
    await expect(page.locator(".dm-chat-preview", has_text="Much better")).to_have_count(0)
    await page.screenshot(path=pictures / f"block-group-{size}.png")
    # From the first moment, and without a connection.
    await page.reload()
    await expect(message(page, "Tea is ready")).to_be_visible()
    await expect(page.get_by_text("Much better")).to_have_count(0)
    # A press shows one.
    await page.locator(".dm-body").get_by_role("button", name=FOLDED).first.click()
    await expect(bubbles(page, "Coffee is better")).to_be_visible()
    await expect(page.get_by_text("Much better")).to_have_count(0)
    await ann.call("user.unblock", user=bob.id)
    await expect(message(page, "Much better")).to_be_visible()
    await expect(page.locator(".dm-row, .dm-chat-preview", has_text=FOLDED)).to_have_count(0)


@at_one_size
async def test_what_is_folded_is_not_read_out_nor_in_the_list(person: MakePerson) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    chat = await talk(ann, bob, title="Tea")
    await bob.send(chat, "Hello")
    await ann.call("user.block", user=bob.id)
    page = await open_chat(ann, chat)
    await expect(page.locator(".dm-row").get_by_role("button", name=FOLDED)).to_be_visible()
    await bob.send(chat, "Psst")
    await expect(page.locator(".dm-row").get_by_role("button", name=FOLDED)).to_have_count(2)
    await becomes(
        lambda: page.locator("[aria-live]").all_inner_texts(),
        lambda said: any(FOLDED in each for each in said),
    )
    assert "Psst" not in await page.locator("body").inner_text()
    await expect(page.locator(".dm-chat-preview")).to_contain_text(FOLDED)


@at_one_size
async def test_blocking_without_a_connection_says_so(person: MakePerson) -> None:
    ann, bob, chat = await two(person, say=("Hello",))
    page = await open_chat(ann, chat)
    details = await open_dialog(page, "Details")
    await details.get_by_role("button", name="Block").click()
    # Its script is there.
    await expect(question(page)).to_be_visible()
    await ann.context.set_offline(True)
    await page.wait_for_function("() => !window.dashMessenger.store.online")
    await question(page).get_by_role("button", name="Block", exact=True).click()
    await expect(question(page).get_by_role("alert")).to_contain_text("cannot be reached")
    await expect(page.locator(TEXT_BOX)).to_be_attached()
    await ann.context.set_offline(False)
    await page.wait_for_function("() => window.dashMessenger.store.online")
    await question(page).get_by_role("button", name="Block", exact=True).click()
    await expect(page.locator(".dm-composer-blocked")).to_be_visible()
    assert await blocked(ann) == [bob.id]
    forgive_network(ann.problems)


@at_one_size
async def test_a_question_that_cannot_be_loaded_says_so(person: MakePerson) -> None:
    ann, bob = await person("Ann"), await person("Bob")
    await bob.send(await talk(ann, bob, title="Tea"), "Hello")
    page = await open_list(ann)
    await page.locator(".dm-chat").click()
    await message(page, "Hello").locator(".dm-author [data-user]").click()
    card = page.get_by_role("dialog", name="Bob", exact=True)
    await expect(card).to_contain_text(f"@{bob.username}")
    await ann.context.set_offline(True)
    await card.get_by_role("button", name="Block").click()
    said = page.get_by_role("dialog", name="The server cannot be reached.")
    await expect(said).to_be_visible()
    await page.keyboard.press("Escape")
    await expect(said).to_have_count(0)
    await ann.context.set_offline(False)
    forgive_network(ann.problems)


@in_both_schemes
async def test_axe_finds_nothing_where_somebody_is_blocked(person: MakePerson, scheme: str) -> None:
    ann, bob, chat = await two(person, say=("Hello",))
    group = await talk(ann, bob, title="Tea")
    await bob.send(group, "Hello all")
    page = await open_chat(ann, chat)
    await colours_are(page, scheme)
    await (await open_dialog(page, "Details")).get_by_role("button", name="Block").click()
    await expect(question(page)).to_be_visible()
    assert await axe(page) == []
    await confirm(page)
    await expect(page.locator(".dm-composer-blocked")).to_be_attached()
    assert await axe(page) == []
    page = await open_chat(ann, group)
    await expect(page.locator(".dm-row").get_by_role("button", name=FOLDED)).to_be_visible()
    assert await axe(page) == []


@at_one_size
@pytest.mark.parametrize("language", ["ru-RU"])
async def test_blocking_speaks_russian(person: MakePerson, pictures: Path) -> None:
    ann, bob, chat = await two(person, say=("Привет",))
    page = await open_chat(ann, chat)
    await ann.call("user.block", user=bob.id)
    instead = page.locator(".dm-composer-blocked")
    await expect(instead).to_contain_text("Вы заблокировали этого человека.")
    await instead.get_by_role("button", name="Разблокировать").click()
    asked = page.get_by_role("dialog", name="Разблокировать: Bob?")
    await expect(asked).to_contain_text("Вы снова сможете писать друг другу.")
    await at_rest(page)
    await page.screenshot(path=pictures / "block-ru.png")
