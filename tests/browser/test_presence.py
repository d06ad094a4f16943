"""Who is there, when somebody was last seen, and who types, as others see it."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from pathlib import Path

import pytest
from playwright.async_api import Locator, Page, expect

from tests.browser.accessibility import axe, colours_are, in_both_schemes
from tests.browser.conftest import Person, at_one_size
from tests.browser.pages.any_page import at_rest
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.messenger import (
    composer,
    message,
    open_chat,
    open_list,
    round_trip,
    write,
)
from tests.browser.people import befriend, talk

MakePerson = Callable[..., Awaitable[Person]]

# A moment ago is told to the minute.
LATELY = re.compile("last seen (recently|1 minute ago)")
# By `visibility`: a dot keeps its place while nobody is there.
DOT = ".dm-dot"


def below(page: Page) -> Locator:
    """What stands under the title of the open chat."""
    return page.locator(".dm-header-below")


def preview(page: Page) -> Locator:
    """The second line of the only chat in the list."""
    return page.locator(".dm-chat-preview")


async def places(page: Page) -> list[object]:
    """Where the parts of the open chat and of the list stand that must not move."""
    found: list[object] = await page.evaluate(
        """() => ['.dm-header-title', '.dm-header-below', '.dm-scroll', '.dm-timeline .dm-notice',
            '.dm-chat', '.dm-chat-preview']
            .flatMap((one) => [...document.querySelectorAll(one)])
            .map((one) => one.getBoundingClientRect())
            .map(({ top, height }) => [top, height])"""
    )
    return found


async def test_a_contact_is_online_types_and_was_last_seen(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await befriend(ann, ben)
    chat = await talk(ann, ben)
    await ben.send(chat, "Good morning")
    listed, page = await open_list(ann), await open_chat(ann, chat)
    await expect(below(page)).to_have_text(LATELY)
    await expect(listed.locator(DOT)).to_be_hidden()
    before = await places(page), await places(listed)
    bens = await open_chat(ben, chat)
    await expect(below(page)).to_have_text("online")
    await expect(below(bens)).to_have_text("online")
    await expect(listed.locator(DOT)).to_be_visible()
    await page.screenshot(path=pictures / f"presence-online-{size}.png")
    # Who types is told in both places, and nothing moves.
    await composer(bens).press_sequentially("Do you")
    await expect(below(page)).to_have_text("typing…")
    await expect(preview(listed)).to_have_text("typing…")
    await page.screenshot(path=pictures / f"presence-typing-{size}.png")
    await listed.screenshot(path=pictures / f"presence-list-{size}.png")
    assert (await places(page), await places(listed)) == before
    # An emptied box, and a message, end it.
    await composer(bens).fill("")
    await expect(below(page)).to_have_text("online")
    await expect(preview(listed)).to_have_text("Good morning")
    await write(bens, "Do you have time?")
    await expect(message(page, "Do you have time?")).to_be_visible()
    await expect(below(page)).to_have_text("online")
    await bens.close()
    await expect(below(page)).to_have_text(LATELY)
    await expect(listed.locator(DOT)).to_be_hidden()
    # Not said by a screen reader as it changes.
    for each in (below(page), preview(listed)):
        assert not await each.evaluate("(one) => !!one.closest('[aria-live], [role=status]')")


async def test_a_group_sees_who_types_but_not_who_hides_it(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    group = await talk(ann, ben, cleo, title="Boat trip")
    await cleo.call("privacy.update", typing="nobody")
    await ann.send(group, "Who comes?")
    listed, page = await open_list(ann), await open_chat(ann, group)
    bens, cleos = await open_chat(ben, group), await open_chat(cleo, group)
    await expect(below(page)).to_have_text("3 members")
    await composer(cleos).press_sequentially("I do")
    # It was taken by the server before anything of the next one.
    await round_trip(cleos)
    await composer(bens).press_sequentially("Me too")
    await expect(below(page)).to_have_text("Ben is typing…")
    await expect(preview(listed)).to_have_text("Ben is typing…")
    await page.screenshot(path=pictures / f"presence-group-{size}.png")
    await expect(below(cleos)).to_have_text("Ben is typing…")
    # Once she shows it, both are named.
    await cleo.call("privacy.update", typing="everybody")
    await cleo.call("typing.set", conversation=group, on=True)
    await expect(below(page)).to_have_text("Ben and Cleo are typing…")
    await page.screenshot(path=pictures / f"presence-group-two-{size}.png")
    # What nobody renews is forgotten.
    await expect(below(page)).to_have_text("3 members")
    await expect(preview(listed)).to_contain_text("Who comes?")


@at_one_size
async def test_to_others_than_contacts_and_who_hides_it_nothing_is_shown(
    person: MakePerson,
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    await ben.call("privacy.update", typing="nobody")
    page = await open_chat(ann, chat)
    bens = await open_chat(ben, chat)
    await composer(bens).press_sequentially("Do you")
    await round_trip(bens)
    # By default contacts see who is there; typing is told to nobody.
    await write(bens, "Hello")
    await expect(message(page, "Hello")).to_be_visible()
    await expect(below(page)).to_have_text(f"@{ben.username}")
    await befriend(ann, ben)
    await expect(below(page)).to_have_text("online")
    await ben.call("privacy.except", user=ann.id, last_seen="deny")
    await expect(below(page)).to_have_text(f"@{ben.username}")
    # From whom one hides it, one does not see it.
    await expect(below(bens)).to_have_text(f"@{ann.username}")


@at_one_size
async def test_after_a_lost_connection_it_is_known_again(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await befriend(ann, ben)
    chat = await talk(ann, ben)
    page = await open_chat(ann, chat)
    await open_chat(ben, chat)
    await expect(below(page)).to_have_text("online")
    await page.evaluate("() => window.dashMessenger.socket.restart()")
    await expect(below(page)).to_have_text(f"@{ben.username}")
    await expect(below(page)).to_have_text("online")


async def test_cards_and_members_show_who_is_there(
    person: MakePerson, size: str, pictures: Path
) -> None:
    ann, ben, cleo = await person("Ann"), await person("Ben"), await person("Cleo")
    await befriend(ann, ben)
    group = await talk(ann, ben, cleo, title="Boat trip")
    page = await open_chat(ann, group)
    await open_list(ben)
    await open_dialog(page, "Details")
    row = page.locator(f".members [data-user='{ben.id}']")
    await expect(row.locator(DOT)).to_be_visible()
    await expect(page.locator(f".members [data-user='{cleo.id}'] {DOT}")).to_be_hidden()
    await page.screenshot(path=pictures / f"presence-members-{size}.png")
    await row.click()
    card = page.get_by_role("dialog", name="Ben")
    await expect(card.locator(".dm-card-status")).to_have_text("online")
    await at_rest(page)
    await page.screenshot(path=pictures / f"presence-card-{size}.png")


@in_both_schemes
async def test_axe_finds_nothing_where_presence_is_shown(
    person: MakePerson, scheme: str, size: str, pictures: Path
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await befriend(ann, ben)
    chat = await talk(ann, ben)
    page = await open_chat(ann, chat)
    await colours_are(page, scheme)
    await open_chat(ben, chat)
    await expect(below(page)).to_have_text("online")
    await expect(page.locator(f".dm-chat {DOT}")).to_be_visible()
    assert await axe(page) == []
    await ben.call("typing.set", conversation=chat, on=True)
    await expect(below(page)).to_have_text("typing…")
    await page.screenshot(path=pictures / f"presence-{scheme}-{size}.png")
    assert await axe(page) == []


@pytest.mark.parametrize("language", ["ru-RU"])
async def test_presence_speaks_russian(person: MakePerson, size: str, pictures: Path) -> None:
    ann, ben = await person("Аня"), await person("Борис")
    await befriend(ann, ben)
    chat = await talk(ann, ben)
    page = await open_chat(ann, chat)
    await expect(below(page)).to_have_text(re.compile(r"был\(а\) (недавно|1 минуту назад)"))
    await open_list(ben)
    await expect(below(page)).to_have_text("в сети")
    await ben.call("typing.set", conversation=chat, on=True)
    await expect(below(page)).to_have_text("печатает…")
    await page.screenshot(path=pictures / f"presence-ru-{size}.png")
