"""Item 11: everybody can use it (axe), and the browser is told to trust nothing but us."""

from __future__ import annotations

import re
from collections.abc import Awaitable, Callable
from importlib.resources import files

import pytest
from dash_messenger.testing import ServerProcess
from playwright.async_api import BrowserContext, FilePayload, expect

from tests.browser.accessibility import axe, colours_are, in_both_schemes
from tests.browser.conftest import PASSWORD, Person, at_one_size
from tests.browser.pages.any_page import reload_after_closing
from tests.browser.pages.dialogs import choose_person, open_dialog, people_field
from tests.browser.pages.messenger import BANNER, TEXT_BOX, message, open_chat, open_list, write
from tests.browser.people import talk
from tests.browser.wire import sit_in_the_middle

MakePerson = Callable[..., Awaitable[Person]]
NewContext = Callable[[], Awaitable[tuple[BrowserContext, list[str]]]]


@in_both_schemes
@pytest.mark.parametrize("path", ["/", "/login", "/register"])
async def test_axe_finds_nothing_before_the_log_in(
    new_context: NewContext, server: ServerProcess, scheme: str, path: str
) -> None:
    context, _ = await new_context()
    page = await context.new_page()
    await page.goto(server.url + path)
    await expect(page.locator("main:visible")).to_be_visible()
    await colours_are(page, scheme)
    assert await axe(page) == []
    if path != "/":
        await page.locator("main:visible button[type=submit]").click()
        await expect(page.locator("main:visible [aria-invalid=true]").first).to_be_visible()
        assert await axe(page) == []


@in_both_schemes
async def test_axe_finds_nothing_in_the_log_in_that_says_why(
    new_context: NewContext, server: ServerProcess, scheme: str
) -> None:
    context, _ = await new_context()
    page = await context.new_page()
    await page.goto(server.url + "/login?why=closed")
    await expect(
        page.get_by_text("You were logged out in another tab or on another device.")
    ).to_be_visible()
    await colours_are(page, scheme)
    assert await axe(page) == []


@in_both_schemes
async def test_axe_finds_nothing_in_the_empty_messenger(person: MakePerson, scheme: str) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    page = await open_list(ann)
    await colours_are(page, scheme)
    assert await axe(page) == []
    page = await open_chat(ann, await talk(ann, ben))
    await expect(
        page.get_by_text("No messages here yet.").locator("visible=true").first
    ).to_be_visible()
    assert await axe(page) == []


@in_both_schemes
async def test_axe_finds_nothing_among_messages(person: MakePerson, scheme: str) -> None:
    people = [await person(name) for name in ("Ann", "Ben Brown", "Cem", "Дина")]
    ann, ben, *_ = people
    chat = await talk(*people, title="Everybody")
    await ben.send(await talk(ben, ann), "Unread")
    for number in range(6):
        for someone in people:
            await someone.send(chat, f"Line {number}")
    await ben.send(chat, f"See {ann.base_url}/login?a=1")
    await ben.send(chat, "🎉")
    page = await open_chat(ann, chat)
    await write(page, "My own")
    await expect(message(page, "My own")).to_have_attribute("data-state", re.compile("sent|read"))
    await page.locator(TEXT_BOX).fill("x" * 16_001)
    await expect(page.locator(".dm-composer-error")).to_be_visible()
    await colours_are(page, scheme)
    assert await axe(page) == []
    await page.locator(".dm-scroll").evaluate("(element) => element.scrollTo(0, 0)")
    await expect(page.locator(".dm-down")).to_be_visible()
    assert await axe(page) == []
    page = await open_list(ann)
    await expect(page.locator(".dm-badge")).to_be_visible()
    assert await axe(page) == []


@in_both_schemes
async def test_axe_finds_nothing_while_there_is_no_connection(
    person: MakePerson, scheme: str
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    page = await ann.context.new_page()
    wire = await sit_in_the_middle(page)
    await page.goto(f"{ann.base_url}/c/{chat}")
    await page.wait_for_function("() => window.dashMessenger?.store.synced")
    wire.refuse = True
    await wire.cut()
    await write(page, "Waiting")
    await expect(page.locator(BANNER)).to_be_visible()
    await expect(message(page, "Waiting")).to_have_attribute("data-state", "pending")
    await colours_are(page, scheme)
    assert await axe(page) == []


@in_both_schemes
@pytest.mark.parametrize("dialog", ["New chat", "New group", "Settings", "Details"])
async def test_axe_finds_nothing_in_a_dialog(person: MakePerson, scheme: str, dialog: str) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    if dialog != "Details":
        page = await open_list(ann)
        shown = await open_dialog(page, dialog)
        assert await axe(page) == []
        if dialog == "Settings":
            return
        if dialog == "New group":
            await shown.get_by_role("button", name="Create the group").click()
            await expect(shown.get_by_text("Please fill this in.")).to_be_visible()
        await people_field(shown).fill(ben.username)
        await expect(shown.get_by_text(f"@{ben.username}")).to_be_visible()
        await colours_are(page, scheme)
        assert await axe(page) == []
        return
    for title in (None, "A group"):
        page = await open_chat(ann, await talk(ann, ben, title=title))
        shown = await open_dialog(page, dialog)
        await expect(shown.get_by_text(f"@{ben.username}").first).to_be_visible()
        await colours_are(page, scheme)
        assert await axe(page) == []


async def test_a_tour_of_everything_stays_quiet_and_on_its_own_origin(
    new_context: NewContext, server: ServerProcess, person: MakePerson
) -> None:
    ben = await person("Ben")
    context, problems = await new_context()
    asked: list[str] = []
    context.on("request", lambda request: asked.append(request.url))
    page = await context.new_page()
    await page.goto(server.url)
    await page.get_by_role("link", name="Create an account").locator("visible=true").first.click()
    form = page.locator(".page-register form")
    username = f"{ben.username}x"
    await form.get_by_label("User name").fill(username)
    await form.get_by_label("Password", exact=True).fill(PASSWORD)
    await form.get_by_role("button", name="Create an account").click()
    await expect(page.locator(".dm-list .dm-notice")).to_be_visible()
    for name in ("New group", "Settings"):
        await open_dialog(page, name)
        await page.keyboard.press("Escape")
        await expect(page.get_by_role("dialog")).to_have_count(0)
    dialog = await open_dialog(page, "New chat")
    await choose_person(dialog, ben.username)
    await write(page, "Hello 🎉")
    await expect(message(page, "Hello 🎉")).to_have_attribute("data-state", "sent")
    await open_dialog(page, "Details")
    await page.keyboard.press("Escape")
    await reload_after_closing(page)
    await expect(message(page, "Hello 🎉")).to_be_visible()
    await page.goto(server.url)
    dialog = await open_dialog(page, "Settings")
    await dialog.get_by_text("Dark", exact=True).click()
    await colours_are(page, "dark")
    await dialog.get_by_role("button", name="Log out").click()
    await expect(page.locator(".page-landing")).to_be_visible()
    assert problems == []
    assert len(asked) > 10
    assert [url for url in asked if not url.startswith((server.url + "/", "data:"))] == []


@at_one_size
async def test_the_policy_lets_nothing_in_from_elsewhere_and_evaluates_nothing(
    person: MakePerson, new_context: NewContext, server: ServerProcess
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    stranger, _ = await new_context()
    for context, paths in (
        (stranger, ("/", "/login", "/register")),
        (ann.context, ("/", f"/c/{chat}")),
    ):
        for path in paths:
            answer = await context.request.get(server.url + path)
            policy = policy_of(answer.headers)
            assert policy["default-src"] == ["'self'"]
            scripts = policy["script-src"]
            assert "'self'" in scripts
            rest = [source for source in scripts if source != "'self'"]
            assert all(re.fullmatch(r"'sha256-[\w+/]+=*'", source) for source in rest), scripts
            for directive in ("object-src", "base-uri", "frame-ancestors"):
                assert policy[directive] == ["'none'"]
            assert policy["form-action"] == ["'self'"]
            everything = {source for sources in policy.values() for source in sources}
            assert not everything & {"*", "http:", "https:", "'unsafe-eval'", "'strict-dynamic'"}
            assert [name for name, sources in policy.items() if "'unsafe-inline'" in sources] == [
                "style-src"
            ]
            assert answer.headers["x-content-type-options"] == "nosniff"


def policy_of(headers: dict[str, str]) -> dict[str, list[str]]:
    """The sources of each directive."""
    directives = (part.split() for part in headers["content-security-policy"].split(";"))
    return {name: sources for name, *sources in directives}


@at_one_size
async def test_the_browser_keeps_to_the_policy_and_we_would_notice(person: MakePerson) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    await page.evaluate(
        """() => {
            window.blocked = [];
            addEventListener('securitypolicyviolation', ({ effectiveDirective }) =>
                window.blocked.push(effectiveDirective));
            const script = document.createElement('script');
            script.textContent = 'window.evil = 1';
            document.body.append(script);
            const image = document.createElement('img');
            image.src = 'https://example.org/pixel.png';
            document.body.append(image);
            document.body.insertAdjacentHTML('beforeend', '<i id="e" onclick="window.evil = 2">e</i>');
            document.querySelector('#e').click();
            setTimeout('window.evil = 3');
        }"""
    )
    await page.wait_for_function("() => window.blocked.length === 4")
    reported = " ".join(ann.problems)
    for directive in ("script-src", "img-src"):
        assert directive in reported
    assert await page.evaluate("() => window.evil") is None
    ann.problems.clear()


@at_one_size
async def test_the_watch_over_pages_notices_each_kind_of_problem(person: MakePerson) -> None:
    ann = await person("Ann")
    page = await open_list(ann)

    async def noticed(script: str, word: str) -> None:
        async with page.expect_event("console" if "console" in script else "pageerror"):
            await page.evaluate(script)
        assert any(word in problem for problem in ann.problems), ann.problems
        ann.problems.clear()

    await noticed("() => console.error('spilt milk')", "spilt milk")
    await noticed("() => { setTimeout(() => { throw new Error('tripped'); }); }", "tripped")


@at_one_size
async def test_axe_notices_what_is_wrong(person: MakePerson) -> None:
    ann = await person("Ann")
    page = await open_list(ann)
    await page.evaluate(
        """() => document.querySelector('.dm-list').insertAdjacentHTML('beforeend',
            '<button></button><p style="color: #ccc; background: #fff">Pale</p>')"""
    )
    found = " ".join(await axe(page))
    assert "button-name" in found
    assert "color-contrast" in found


@in_both_schemes
async def test_axe_finds_nothing_in_what_plugins_draw_and_write(
    person: MakePerson, scheme: str
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    source = """# Plan\n> quoted\n\n- [x] done\n- [ ] not yet\n\n||hidden||

| a | b |\n|---|---|\n| 1 | 2 |\n
```python\n@cached\ndef f(x: int = 1) -> str:\n    return "text"  # why\n```\n"""
    picture = (files("dash_messenger_webui") / "assets" / "icon-192.png").read_bytes()
    for someone in (ann, ben):
        blob = await someone.upload("a.png", "image/png", picture)
        for type, content in (
            ("markdown", {"text": source}),
            ("photo", {"photos": [{"blob": blob, "alt": "An icon"}], "caption": "Small"}),
            ("files", {"files": [{"blob": blob}]}),
        ):
            await someone.post(chat, type, content)
    page = await open_chat(ann, chat)
    await colours_are(page, scheme)
    await expect(page.locator(".dm-body[data-plugin]")).to_have_count(6)
    assert await axe(page) == []
    await page.get_by_role("button", name="Write as: Markdown").click()
    await page.locator(TEXT_BOX).fill("**bold**")
    await page.get_by_role("button", name="Preview").click()
    await expect(page.locator(".dm-preview strong")).to_be_visible()
    assert await axe(page) == []
    await page.keyboard.press("Escape")
    # On a phone the text takes the place of the sticker button.
    await page.locator(TEXT_BOX).fill("")
    await page.locator(".dm-composer-line").get_by_role("button", name="Stickers").click()
    await expect(page.locator(".dm-pick").first).to_be_visible()
    assert await axe(page) == []
    await page.keyboard.press("Escape")
    await page.locator(".dm-composer-line").get_by_role("button", name="Emoji", exact=True).click()
    await expect(page.locator(".dm-picker-grid > .dm-pick").first).to_be_visible()
    assert await axe(page) == []
    await page.locator(".dm-tones > .dm-pick").click()
    await expect(page.locator(".dm-tones > .dm-pick")).to_have_count(6)
    assert await axe(page) == []
    await page.keyboard.press("Escape")
    await page.locator(TEXT_BOX).fill("")
    await page.locator(TEXT_BOX).press_sequentially(":smi")
    await expect(page.get_by_role("listbox", name="Emoji")).to_be_visible()
    assert await axe(page) == []
    await page.locator(TEXT_BOX).press("Escape")
    await page.locator(TEXT_BOX).fill("")
    await page.get_by_role("button", name="An icon").last.click()
    await expect(page.get_by_role("dialog", name="Picture")).to_be_visible()
    assert await axe(page) == []
    await page.keyboard.press("Escape")
    await page.get_by_role("button", name="Attach").click()
    await page.get_by_role("menuitem", name="Photo").click()
    chosen = FilePayload(name="a.png", mimeType="image/png", buffer=picture)
    await page.locator(".dm-add-files input").set_input_files([chosen, chosen])
    await page.get_by_role("button", name="Close").click()
    await expect(page.get_by_role("button", name="Discard")).to_be_visible()
    assert await axe(page) == []


@in_both_schemes
async def test_axe_finds_nothing_where_packs_of_stickers_are_made(
    person: MakePerson, scheme: str
) -> None:
    ann = await person("Ann")
    await ann.call("stickers.make", title="Mine")
    page = await open_list(ann)
    settings = await open_dialog(page, "Settings")
    await settings.locator(".settings-panel > summary", has_text="Stickers").click()
    for title in ("Mine", "Dash"):
        await settings.locator(".pack > summary", has_text=title).click()
    await expect(settings.get_by_text("Delete the pack")).to_be_visible()
    await colours_are(page, scheme)
    assert await axe(page) == []
