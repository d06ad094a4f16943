"""What people do on a page and what they see there, by the words and roles they know."""

from __future__ import annotations

from typing import Any

from playwright.async_api import Locator, Page, expect

__all__ = ["bubbles", "composer", "open_chat", "rows", "scroller", "settled", "write"]


def composer(page: Page) -> Locator:
    """The text box."""
    return page.locator(".dm-textbox")


def rows(page: Page) -> Locator:
    """The messages that are mounted."""
    return page.locator(".dm-row")


def bubbles(page: Page, text: str) -> Locator:
    """The messages whose body is ``text``."""
    return page.locator(".dm-row .dm-body").get_by_text(text, exact=True)


def scroller(page: Page) -> Locator:
    """What scrolls the messages."""
    return page.locator(".dm-scroll")


async def open_chat(page: Page, title: str) -> None:
    """Choose a conversation in the list."""
    await page.locator(".dm-chat", has_text=title).click()
    await expect(composer(page)).to_be_visible()


async def settled(page: Page) -> None:
    """The time line has found its place."""
    await page.locator(".dm-scroll[data-settled]").wait_for()


async def write(page: Page, text: str) -> None:
    """Type a message and send it with Enter."""
    await composer(page).fill(text)
    await composer(page).press("Enter")


async def two(person: Any, *, say: tuple[str, ...] = ()) -> tuple[Any, Any, str]:
    """Two people with a conversation in which the second has said some things."""
    ann, bob = await person("Ann"), await person("Bob")
    made = await ann.call("conversation.create", kind="direct", members=[bob.username])
    for text in say:
        await bob.send(made["id"], text)
    return ann, bob, made["id"]
