"""From the landing page to the first message, by keyboard alone."""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Page, expect

from tests.browser.conftest import PASSWORD
from tests.browser.pages.messenger import bubbles, composer


async def tab_to(page: Page, name: str, limit: int = 25) -> None:
    """Press Tab until the focused element is called ``name``, unless it is already."""
    await expect(page.get_by_text(name).first).to_be_attached()
    for _ in range(limit):
        focused = await page.evaluate(
            """() => { const e = document.activeElement;
               // Between the last element and the first the page itself has the focus.
               if (e === document.body) return '';
               return [e.getAttribute('aria-label'), e.textContent,
                       e.labels && e.labels[0] && e.labels[0].textContent].join('|') }"""
        )
        if name in focused:
            return
        await page.keyboard.press("Tab")
    raise AssertionError(f"Tab does not lead to {name!r}")


async def test_keyboard_leads_from_the_landing_page_to_the_first_message(
    server: Any, new_context: Callable[[], Awaitable[Any]], person: Any
) -> None:
    bob = await person("Bob")
    context, _ = await new_context()
    page = await context.new_page()
    await page.goto(server.url)
    await tab_to(page, "Create an account")
    await page.keyboard.press("Enter")
    form = page.locator("form:visible")
    await expect(form).to_be_visible()
    required = form.locator("input[required]")
    assert 1 <= await required.count() <= 3
    await tab_to(page, "User name")
    name = "n" + secrets.token_hex(5)
    await page.keyboard.type(name)
    await tab_to(page, "Password")
    await page.keyboard.type(PASSWORD)
    await page.keyboard.press("Enter")
    # No chats: a sentence, and a button that starts one.
    await expect(page.get_by_text("No chats yet")).to_be_visible()
    await tab_to(page, "New chat")
    await page.keyboard.press("Enter")
    field = page.get_by_role("dialog").get_by_label("User name")
    await expect(field).to_be_visible()
    # On a phone it waits for a press: the keyboard would cover who can be chosen.
    if not await field.evaluate("e => e === document.activeElement"):
        await tab_to(page, "Name or user name")
    await page.keyboard.type(bob.username)
    await page.keyboard.press("Enter")
    await expect(composer(page)).to_be_visible()
    if not await composer(page).evaluate("e => e === document.activeElement"):
        await tab_to(page, "Message", limit=40)
    await page.keyboard.type("Hello Bob")
    # On a touch screen Enter alone begins a line.
    await page.keyboard.press("Control+Enter")
    await expect(bubbles(page, "Hello Bob")).to_be_visible()
    await expect(page.locator(".dm-row[data-state=sent]")).to_be_visible()


async def test_fields_tell_password_managers_what_they_are(
    server: Any, new_context: Callable[[], Awaitable[Any]]
) -> None:
    context, _ = await new_context()
    page = await context.new_page()
    for path, autocomplete in (
        ("/login", ["username", "current-password"]),
        ("/register", ["username", "name", "new-password"]),
    ):
        await page.goto(server.url + path)
        form = page.locator("form:visible")
        await form.wait_for()
        found = await form.locator("input:visible").evaluate_all(
            "inputs => inputs.map(input => input.autocomplete)"
        )
        assert sorted(found) == sorted(autocomplete)


async def test_errors_stand_under_their_field_and_nothing_typed_is_lost(
    server: Any, new_context: Callable[[], Awaitable[Any]], person: Any
) -> None:
    taken = (await person("Ann")).username
    context, problems = await new_context()
    page = await context.new_page()
    await page.goto(f"{server.url}/register")
    form = page.locator("form:visible")
    username, password = form.get_by_label("User name"), form.locator("input[name=password]")
    await form.get_by_label("Name that others see").fill("Zoë")
    await username.fill(taken)
    await password.fill("short")
    await password.press("Enter")
    await expect(password).to_have_attribute("aria-invalid", "true")
    await described(page, password, "15")
    await password.fill(PASSWORD)
    await password.press("Enter")
    await described(page, username, "taken")
    await expect(username).to_have_value(taken)
    await expect(password).to_have_value(PASSWORD)
    await expect(form.get_by_label("Name that others see")).to_have_value("Zoë")
    problems.clear()  # Chromium logs each answer with an error status.


async def test_wrong_password_is_said_in_one_sentence_and_the_name_stays(
    server: Any, new_context: Callable[[], Awaitable[Any]], person: Any
) -> None:
    someone = await person("Ann")
    context, problems = await new_context()
    page = await context.new_page()
    await page.goto(f"{server.url}/login")
    form = page.locator("form:visible")
    await form.get_by_label("User name").fill(someone.username)
    await form.locator("input[name=password]").fill("not the password at all")
    await form.locator("input[name=password]").press("Enter")
    await expect(form.get_by_text("User name or password is wrong.")).to_be_visible()
    await expect(form.get_by_label("User name")).to_have_value(someone.username)
    problems.clear()
    await form.locator("input[name=password]").fill(PASSWORD)
    await form.locator("input[name=password]").press("Enter")
    await expect(page.get_by_text("No chats yet")).to_be_visible()


async def described(page: Page, field: Any, words: str) -> None:
    """The field's error is visible, says ``words`` and is tied to the field."""
    await expect(field).to_have_attribute("aria-invalid", "true")
    ids = (await field.get_attribute("aria-describedby") or "").split()
    texts = [await page.locator(f"[id='{id}']").inner_text() for id in ids]
    assert any(words in text for text in texts), texts
    error = page.locator(f"[id='{ids[-1]}']")
    box, below = await field.bounding_box(), await error.bounding_box()
    assert box is not None
    assert below is not None
    assert below["y"] >= box["y"]
