"""On the phone whatever can be pressed is hit within 44 px each way, and by nothing else there."""

from __future__ import annotations

from collections.abc import Awaitable, Callable

import pytest
from dash_messenger.testing import ServerProcess
from playwright.async_api import BrowserContext, Page, expect

from tests.browser.conftest import PASSWORD, Person
from tests.browser.pages.any_page import at_rest
from tests.browser.pages.dialogs import open_dialog
from tests.browser.pages.forms import FORM, chosen, form, png
from tests.browser.pages.messenger import message, open_chat, open_list, scroller, write
from tests.browser.people import talk

pytestmark = pytest.mark.parametrize("size", ["phone"])
MakePerson = Callable[..., Awaitable[Person]]
NewContext = Callable[[], Awaitable[tuple[BrowserContext, list[str]]]]
MARKDOWN = """A [link](https://example.org) and ||a secret||.

```python
print("code")
```

- [ ] a task
"""
# What the reader's finger meets is asked of the browser, point by point from the middle, so that
# room which another control covers does not count.
SMALL_TARGETS = """(within) => {
    const LEAST = 44;
    const all = `a, button, input, textarea, select, summary, [role=button], [role=tab], [role^=menuitem],
        [role=switch], [data-user], [data-reveal], label:has(input)`;
    const small = [];
    for (const element of within.querySelectorAll(all)) {
        if (element.closest('[aria-hidden=true], [inert]') || element.matches(':disabled')) continue;
        if (!element.checkVisibility({ visibilityProperty: true, opacityProperty: true })) continue;
        const style = getComputedStyle(element);
        if (style.clipPath === 'inset(50%)' || style.pointerEvents === 'none') continue;
        // Within a sentence (WCAG 2.2, 2.5.8): room around a word would cover the lines beside it.
        if (element.matches('a, [data-user], [data-reveal]') && style.display === 'inline') continue;
        // Pressed by its label, and measured there.
        if (element.matches('input') && element.closest('label')) continue;
        element.scrollIntoView({ block: 'center', inline: 'center' });
        // A field among pills is hit wherever their box is.
        const shown = element.closest('.mantine-TagsInput-input, .mantine-PasswordInput-input') ?? element;
        const { left, top, width, height } = shown.getBoundingClientRect();
        if (!width || !height) continue;
        const inside = (x, y) => {
            const there = document.elementFromPoint(x, y);
            if (!there) return false;
            if (shown.contains(there)) {
                return there.closest(all) === element || shown !== element || element.matches('label');
            }
            const label = there.closest('label');
            return !!label && (label.control === element || label.contains(element));
        };
        const reach = (dx, dy) => {
            let far = 0;
            while (far < LEAST && inside(left + width / 2 + dx * (far + 1), top + height / 2 + dy * (far + 1))) far++;
            return far;
        };
        const wide = reach(-1, 0) + reach(1, 0) + 1, high = reach(0, -1) + reach(0, 1) + 1;
        if (wide >= LEAST && high >= LEAST) continue;
        const name = element.getAttribute('aria-label') || element.textContent.trim().slice(0, 40) || element.id;
        small.push(`${element.tagName} .${element.className} "${name}" ${wide}x${high}`);
    }
    return small;
}"""


async def small_targets(page: Page, within: str = "body") -> list[str]:
    await at_rest(page)
    found: list[str] = await page.locator(within).evaluate(SMALL_TARGETS)
    return found


@pytest.mark.parametrize("path", ["/", "/login", "/register", "/nowhere"])
async def test_before_the_log_in(new_context: NewContext, server: ServerProcess, path: str) -> None:
    context, problems = await new_context()
    page = await context.new_page()
    await page.goto(server.url + path)
    await expect(page.locator("main:visible")).to_be_visible()
    assert await small_targets(page) == []
    # The address of nothing is answered as such.
    problems[:] = [one for one in problems if "/nowhere" not in one]


async def test_of_pages_beside_the_messenger(
    new_context: NewContext, server: ServerProcess
) -> None:
    context, problems = await new_context()
    root = Person("root", "", context, server.url, problems)
    await root.call("session.open", username="root", password=PASSWORD, **{"as": "cookie"})
    page = await root.open("/plugins")
    await expect(page.locator(".dm-plugin").first).to_be_visible()
    assert await small_targets(page) == []
    await page.goto(server.url + "/p/markdown/guide")
    await expect(page.locator(".guide-mark").first).to_be_visible()
    assert await small_targets(page) == []


async def test_of_the_list_and_its_dialogs(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    await ben.send(await talk(ann, ben, title="A group"), "Hello")
    page = await open_list(ann)
    assert await small_targets(page) == []
    for name in ("New chat", "New group", "Settings"):
        dialog = await open_dialog(page, name)
        for section in await dialog.locator("summary").all():
            await section.click()
        shown = "[role=dialog]" if name == "Settings" else "dialog.dm-people"
        assert (name, await small_targets(page, shown)) == (name, [])
        await page.keyboard.press("Escape")
        await expect(dialog).to_have_count(0)
    await page.locator(".dm-chat").click()
    await open_dialog(page, "Details")
    assert await small_targets(page, ".pane-details") == []


async def test_of_messages_and_what_opens_from_them(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben, title="A group")
    await ben.send(chat, "line\n" * 40)
    first = await ben.send(chat, "Hello")
    for emoji in ("👍", "❤️", "🎉", "👏"):
        for each in (ann, ben):
            await each.call("message.react", message=first["id"], emoji=emoji, on=True)
    await ben.post(chat, "text", {"text": "Yes"}, reply_to=first["id"])
    await ben.post(chat, "markdown", {"text": MARKDOWN})
    photo = await ben.upload("a.png", "image/png", png())
    await ben.post(chat, "photo", {"photos": [{"blob": photo, "alt": "a"}]})
    file = await ben.upload("a.txt", "text/plain", b"a")
    await ben.post(chat, "files", {"files": [{"blob": file}]})
    page = await open_chat(ann, chat)
    hello = page.locator(".dm-row[data-number='2']")
    await write(page, "Mine")
    await expect(message(page, "Mine")).to_have_attribute("data-state", "sent")
    for place in ("e.scrollHeight", "0"):
        await scroller(page).evaluate(f"e => {{ e.scrollTop = {place} }}")
        edge = message(page, "Mine") if place != "0" else page.locator(".dm-unfold")
        await expect(edge).to_be_attached()
        assert (place, await small_targets(page)) == (place, [])
    await hello.locator("[data-react]").last.dispatch_event("contextmenu")
    await expect(page.locator(".dm-menu .dm-person")).to_have_count(2)
    assert await small_targets(page, ".dm-menu") == []
    await page.keyboard.press("Escape")
    await hello.locator(".dm-body").dispatch_event("contextmenu")
    assert await small_targets(page, ".dm-menu") == []
    await page.get_by_role("menuitem", name="More emoji").click()
    await expect(page.locator(".dm-reacting .dm-picker-grid > .dm-pick").first).to_be_visible()
    assert await small_targets(page, ".dm-reacting") == []
    await page.keyboard.press("Escape")
    await hello.locator(".dm-body").dispatch_event("contextmenu")
    await page.get_by_role("menuitem", name="Profile: Ben").click()
    assert await small_targets(page, ".dm-card") == []


async def test_of_what_is_written_picked_and_sent(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    page = await open_chat(ann, await talk(ann, ben))
    await page.get_by_role("button", name="Attach").click()
    assert await small_targets(page, ".dm-attach-menu") == []
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Stickers").click()
    await expect(page.locator(".dm-pick").first).to_be_visible()
    assert await small_targets(page, ".dm-picker") == []
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Emoji", exact=True).click()
    await page.locator(".dm-tones > .dm-pick").click()
    await expect(page.locator(".dm-tones > .dm-pick")).to_have_count(6)
    assert await small_targets(page, ".dm-picker") == []
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Write as: Markdown").click()
    assert await small_targets(page, ".dm-composer") == []
    for kind in ("Photo", "File"):
        await (await form(page, kind)).set_input_files(chosen("a.png", "b.png"))
        await expect(page.locator(f"{FORM} .dm-files li")).to_have_count(2)
        await expect(page.locator(f"{FORM} progress")).to_have_count(0)
        assert (kind, await small_targets(page, FORM)) == (kind, [])
        page = await open_chat(ann, page.url.rsplit("/", 1)[1])
