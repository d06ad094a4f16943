"""Item 10: nothing jumps, nothing overflows, and every language is read its own way."""

from __future__ import annotations

import asyncio
import re
import secrets
from collections.abc import Awaitable, Callable

import pytest
from dash_messenger.testing import ServerProcess, post
from playwright.async_api import BrowserContext, Locator, Page, Route, expect

from tests.browser.conftest import PASSWORD, PATIENCE_S, Person, at_one_size
from tests.browser.pages.any_page import at_rest, becomes, drawn
from tests.browser.pages.messenger import (
    SETTLED,
    TEXT_BOX,
    message,
    open_chat,
    open_list,
    until_kept,
    write,
)
from tests.browser.people import talk
from tests.browser.wire import sit_in_the_middle

MakePerson = Callable[..., Awaitable[Person]]
NewContext = Callable[[], Awaitable[tuple[BrowserContext, list[str]]]]
in_russian = pytest.mark.parametrize("language", ["ru-RU"])
MOST_SHIFT = 0.02
# All shifts count here, though those within 500 ms of a key or a tap would be excused.
OBSERVE_SHIFTS = """
window.shifts = [];
new PerformanceObserver((list) => {
    const box = ({ x, y, width, height }) => [x, y, width, height].map(Math.round).join(' ');
    const named = (node) => (node ? `${node.nodeName}.${node.className}` : '');
    for (const { value, sources } of list.getEntries()) {
        const what = sources.map(({ node, previousRect, currentRect }) =>
            `${named(node?.parentNode)} > ${named(node)}, ${box(previousRect)} -> ${box(currentRect)}`);
        window.shifts.push({ value, what });
    }
}).observe({ type: 'layout-shift', buffered: true });
"""
SCROLLS_SIDEWAYS = """() => [...document.querySelectorAll('*')]
    .filter((element) => {
        const { overflowX } = getComputedStyle(element);
        const scrolls = element === document.scrollingElement || /auto|scroll/.test(overflowX);
        return scrolls && element.scrollWidth > element.clientWidth + 1;
    })
    .map((element) => `${element.nodeName} ${element.className}`)"""
EDGES = """(all) => all.filter((one) => one.checkVisibility({ visibilityProperty: true }))
    .map((one) => one.getBoundingClientRect()).map(({ left, right }) => [left, right])"""
LONG_WORD = "Donaudampfschifffahrt" * 24  # 504 letters


async def shifted(page: Page) -> float:
    """By how much what stood somewhere was moved, in all."""
    await at_rest(page)
    await drawn(page)
    shifts = await page.evaluate("() => window.shifts")
    total = sum(shift["value"] for shift in shifts)
    assert total <= MOST_SHIFT, shifts
    return float(total)


@pytest.mark.parametrize("path", ["/", "/login", "/register"])
async def test_pages_before_the_log_in_hardly_shift(
    new_context: NewContext, server: ServerProcess, path: str
) -> None:
    context, _ = await new_context()
    page = await context.new_page()
    await page.add_init_script(OBSERVE_SHIFTS)
    await page.goto(server.url + path)
    await expect(page.locator("main:visible")).to_be_visible()
    await page.evaluate("() => document.fonts.ready")
    await shifted(page)


async def test_the_messenger_hardly_shifts_up_to_its_first_messages(person: MakePerson) -> None:
    ann, ben, cem = await person("Ann"), await person("Ben"), await person("Cem")
    chat = await talk(ann, ben)
    others = await talk(ann, ben, cem, title="All of us")
    for number in range(60):
        await ann.send(chat, f"Line {number}" + " and some more words" * (number % 9))
    await cem.send(others, "Hello all")
    for _ in range(2):  # the second time from what the browser kept
        page = await ann.context.new_page()
        await page.add_init_script(OBSERVE_SHIFTS)
        await page.goto(f"{ann.base_url}/c/{chat}")
        await expect(page.locator(SETTLED)).to_be_visible()
        await expect(page.locator('.dm-row[data-number="60"]')).to_be_in_viewport()
        await page.evaluate("() => document.fonts.ready")
        await shifted(page)
        await ben.send(chat, "A new one")
        await expect(message(page, "A new one").last).to_be_in_viewport()
        await write(page, "An answer")
        await expect(message(page, "An answer").last).to_be_in_viewport()
        await shifted(page)
        await page.close()


async def test_messages_sent_while_away_move_none_of_those_that_the_browser_kept(
    person: MakePerson,
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    for number in range(60):
        await ann.send(chat, f"Line {number}" + " and some more words" * (number % 9))
    page = await ann.context.new_page()
    await page.goto(f"{ann.base_url}/c/{chat}")
    await expect(page.locator('.dm-row[data-number="60"]')).to_be_in_viewport()
    await until_kept(page, ann, chat, 60)
    await page.close()
    for number in range(60, 67):
        await ann.send(chat, f"Line {number}" + " and some more words" * (number % 9))
    page = await ann.context.new_page()
    await page.add_init_script(OBSERVE_SHIFTS)
    wire = await sit_in_the_middle(page)
    wire.keep_answers_to = {"message.history"}
    await page.goto(f"{ann.base_url}/c/{chat}")
    await expect(page.locator(SETTLED)).to_be_visible()
    await expect(page.locator('.dm-row[data-number="60"]')).to_be_in_viewport()
    await drawn(page)
    wire.let_go()
    await expect(page.locator('.dm-row[data-number="67"]')).to_be_in_viewport()
    await shifted(page)
    await ben.send(chat, "And one more")
    await expect(message(page, "And one more")).to_be_in_viewport()


async def test_the_list_hardly_shifts(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    for number in range(5):
        chat = await talk(ann, ben, title=f"Group {number}")
        await ben.send(chat, "Hello")
    page = await ann.context.new_page()
    await page.add_init_script(OBSERVE_SHIFTS)
    await page.goto(ann.base_url)
    await expect(page.locator(".dm-chat")).to_have_count(5)
    await page.evaluate("() => document.fonts.ready")
    await shifted(page)


@pytest.mark.parametrize(
    ("command", "skeleton"), [("message.history", ".dm-skeleton"), ("sync", ".dm-list-skeleton")]
)
async def test_a_skeleton_stands_in_after_200_ms_until_a_slow_answer_comes(
    person: MakePerson, size: str, command: str, skeleton: str
) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    await ben.send(chat, "Worth the wait")
    page = await ann.context.new_page()
    wire = await sit_in_the_middle(page)
    await page.clock.install()
    in_chat = command == "message.history"
    if in_chat:
        await page.goto(ann.base_url)
        await page.wait_for_function("() => window.dashMessenger?.store.synced")
        await page.clock.pause_at(await page.evaluate("() => Date.now() + 5000"))
        wire.keep_answers_to = {command}
        await page.evaluate("(id) => window.dashMessenger.route.open(id)", chat)
    else:
        await page.route("**/_dash-layout", lambda route: pause_then_go_on(page, route))
        wire.keep_answers_to = {command}
        await page.goto(ann.base_url)
    async with asyncio.timeout(PATIENCE_S):
        while not wire.kept:
            await drawn_at_a_standstill(page)
    await drawn_at_a_standstill(page)
    await page.clock.run_for(190)
    await drawn_at_a_standstill(page)
    await expect(page.locator(skeleton)).to_have_count(0)
    await page.clock.run_for(20)
    await expect(page.locator(skeleton)).to_be_visible()
    await page.clock.resume()
    wire.let_go()
    await expect(page.locator(skeleton)).to_have_count(0)
    if in_chat:
        await expect(message(page, "Worth the wait")).to_be_visible()
    else:
        await expect(page.locator(".dm-chat")).to_be_visible()


async def pause_then_go_on(page: Page, route: Route) -> None:
    """Stop the page's clock before any of our components is drawn."""
    await page.clock.pause_at(await page.evaluate("() => Date.now() + 5000"))
    await route.continue_()


async def drawn_at_a_standstill(page: Page) -> None:
    """What `drawn` waits for, where frames come by a clock that stands still."""
    for _ in range(3):
        await page.evaluate(
            "() => new Promise((done) => { const channel = new MessageChannel();"
            " channel.port1.onmessage = done; channel.port2.postMessage(0); })"
        )


async def test_an_outline_stands_in_while_the_page_is_on_its_way(person: MakePerson) -> None:
    ann = await person("Ann")
    page = await ann.context.new_page()
    scripts, layout = asyncio.Event(), asyncio.Event()
    await page.route("**/_dash-component-suites/**", waiting_for(scripts))
    await page.route("**/_dash-layout", waiting_for(layout))
    await page.goto(ann.base_url, wait_until="commit")
    outline = page.locator(".outline")
    await expect(outline).to_have_css("opacity", "1")
    assert await outline.evaluate("(e) => getComputedStyle(e).animationDelay") == "0.2s"
    await expect(page.locator(".outline-list")).to_be_visible()
    await at_rest(page)
    looks, before = await page.screenshot(), b""
    while looks != before:
        looks, before = await page.screenshot(), looks
    scripts.set()
    await expect(page.locator("._dash-loading")).to_be_visible()
    # What is there may be painted a frame later on a busy machine.
    await becomes(page.screenshot, lambda now: now == looks)
    layout.set()
    await expect(page.locator(".dm-list .dm-notice")).to_be_visible()


def waiting_for(answer: asyncio.Event) -> Callable[[Route], Awaitable[None]]:
    """Lets a request go on when the event has come."""

    async def wait(route: Route) -> None:
        await answer.wait()
        await route.continue_()

    return wait


async def test_a_word_of_500_letters_scrolls_nothing_sideways(person: MakePerson) -> None:
    ann, ben = await person(LONG_WORD[:64]), await person("Ben")
    chat = await talk(ann, ben, title=LONG_WORD[:128])
    await ann.send(chat, LONG_WORD)
    await ann.send(chat, f"https://example.org/{LONG_WORD}")
    page = await open_chat(ben, chat)
    await page.locator(TEXT_BOX).fill(LONG_WORD)
    await write(page, LONG_WORD)
    await expect(page.locator('.dm-own[data-number="3"]')).to_be_visible()
    await page.locator(TEXT_BOX).fill(LONG_WORD)
    for where in ("chat", "list"):
        if where == "list":
            page = await open_list(ben)
        await at_rest(page)
        assert await page.evaluate(SCROLLS_SIDEWAYS) == []
        width = await page.evaluate("() => innerWidth")
        boxes = page.locator(".dm-bubble, .dm-chat, .dm-header, .dm-chat time, .dm-chat .dm-badge")
        for left, right in await boxes.evaluate_all(EDGES):
            assert left >= -1
            assert right <= width + 1


@at_one_size
async def test_links_can_be_followed_and_lead_nowhere_else(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    address = f"{ann.base_url}/login?a=1&b=%3C"
    await ann.send(chat, f"Look: {address}, it is (really) good.")
    await ann.send(chat, "javascript:alert(1) data:text/html,x vbscript:x file:///etc/passwd")
    await ann.send(chat, 'http://evil.example/"onmouseover="window.evil=1 <b>bold</b>')
    await ann.send(chat, "<img src=x onerror=window.evil=1><script>window.evil=1</script>")
    page = await open_chat(ben, chat)
    links = page.locator(".dm-row a")
    await expect(links).to_have_count(2)
    link = links.first
    await expect(link).to_have_attribute("href", address)
    await expect(link).to_have_text(address)
    for each in await links.all():
        await expect(each).to_have_attribute("target", "_blank")
        await expect(each).to_have_attribute("rel", re.compile("noopener"))
        await expect(each).to_have_attribute("rel", re.compile("noreferrer"))
        attributes = await each.evaluate("(a) => a.getAttributeNames().sort()")
        assert attributes == ["href", "rel", "target"]
    await expect(page.locator(".dm-row :is(b, img, script)")).to_have_count(0)
    await expect(page.locator(".dm-row").get_by_text("<img src=x onerror=")).to_be_visible()
    async with ben.context.expect_page() as opened:
        await link.click()
    other = await opened.value
    await other.wait_for_load_state()
    assert await other.evaluate("() => [opener, document.referrer]") == [None, ""]
    assert await page.evaluate("() => window.evil") is None
    await expect(page).to_have_url(f"{ben.base_url}/c/{chat}")


async def test_each_text_runs_the_way_its_script_does(person: MakePerson) -> None:
    ann, ben = await person("מיכל"), await person("Ben")
    chat = await talk(ann, ben, title="קבוצה שלנו")
    hebrew, arabic = "שלום, מה שלומך?", "مرحبا 123!"
    for text in (hebrew, "Hello, how are you?", f"{arabic} https://example.org/x"):
        await ann.send(chat, text)
    page = await open_chat(ben, chat)

    async def direction(place: Locator) -> str:
        return str(await place.evaluate("(element) => getComputedStyle(element).direction"))

    bodies = page.locator(".dm-row .dm-body")
    await expect(bodies).to_have_count(3)
    assert [await direction(body) for body in await bodies.all()] == ["rtl", "ltr", "rtl"]
    assert await direction(page.locator(".dm-author").first) == "rtl"
    assert await direction(page.get_by_role("heading", name="קבוצה שלנו")) == "rtl"
    box = page.locator(TEXT_BOX)
    await box.fill(arabic)
    assert await direction(box) == "rtl"
    await box.fill("Latin")
    assert await direction(box) == "ltr"
    chats = await open_list(ben)
    assert await direction(chats.locator(".dm-chat-title")) == "rtl"


async def test_the_time_never_covers_the_text(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    texts = ["שלום, מה שלומך?", "Hi", "One line that is a little longer", "مرحبا " * 30, "x" * 45]
    for text in [*texts, *(text + "\nhttps://example.org/x" for text in texts)]:
        await ann.send(chat, text)
        await ben.send(chat, text)
    page = await open_chat(ben, chat)
    # High enough for all rows to be in view: others are not drawn for long.
    assert page.viewport_size is not None
    await page.set_viewport_size({"width": page.viewport_size["width"], "height": 6_000})
    await expect(page.locator(".dm-row")).to_have_count(20)
    await expect(page.locator(".dm-row .dm-body .dm-space")).to_have_count(20)
    covered = await page.evaluate(
        """() => [...document.querySelectorAll('.dm-row')].filter((row) => {
            const time = row.querySelector('.dm-meta').getBoundingClientRect();
            const body = row.querySelector('.dm-body');
            const text = document.createRange();
            text.selectNodeContents(body);
            text.setEndBefore(body.querySelector('.dm-space'));
            return [...text.getClientRects()].some((line) =>
                line.left < time.right && time.left < line.right
                && line.top + 4 < time.bottom && time.top + 4 < line.bottom);
        }).map((row) => row.textContent)"""
    )
    assert covered == []


@at_one_size
@in_russian
async def test_russian_counts_unread_messages_as_russians_do(person: MakePerson) -> None:
    ann, ben = await person("Аня"), await person("Боря")
    chat = await talk(ann, ben)
    page = await open_list(ben)
    badge = page.locator(".dm-chat .dm-badge")
    sent = 0
    for count, words in {
        1: "1 непрочитанное сообщение",
        2: "2 непрочитанных сообщения",
        5: "5 непрочитанных сообщений",
        21: "21 непрочитанное сообщение",
    }.items():
        while sent < count:
            sent += 1
            await ann.send(chat, f"Сообщение {sent}")
        await expect(page.get_by_role("link", name=re.compile(rf"\b{words}$"))).to_be_visible()
        await expect(badge).to_contain_text(str(count))


@at_one_size
@in_russian
@pytest.mark.parametrize(
    ("count", "words"),
    [(1, "1 участник"), (2, "2 участника"), (5, "5 участников"), (21, "21 участник")],
)
async def test_russian_counts_members_as_russians_do(
    person: MakePerson, count: int, words: str
) -> None:
    ann = await person("Аня")
    others = [f"p{secrets.token_hex(6)}" for _ in range(max(1, count - 1))]
    for username in others:
        await post(ann.base_url, "account.register", {"username": username, "password": PASSWORD})
    created = await ann.call("conversation.create", kind="group", title="Друзья", members=others)
    if count == 1:
        await ann.call(
            "conversation.remove", conversation=created["id"], user=await id_of(ann, others[0])
        )
    page = await open_chat(ann, created["id"])
    below = page.locator(".dm-timeline .dm-header").get_by_text(re.compile(r"^\d+ "))
    await expect(below).to_have_text(words)


async def id_of(person: Person, username: str) -> str:
    """The id of somebody whose user name one knows."""
    found = await person.call("user.get", users=[username])
    return str(found["users"][0]["id"])


@at_one_size
@in_russian
async def test_russian_counts_characters_as_russians_do(person: MakePerson) -> None:
    ann, ben = await person("Аня"), await person("Боря")
    page = await open_chat(ann, await talk(ann, ben))
    for count, words in {
        1: "Лишний 1 символ.",
        2: "Лишние 2 символа.",
        5: "Лишних 5 символов.",
        21: "Лишний 21 символ.",
    }.items():
        await page.locator(TEXT_BOX).fill("я" * (16_000 + count))
        await expect(page.locator(".dm-composer-error")).to_contain_text(words)


@in_russian
async def test_a_russian_page_speaks_russian_throughout(person: MakePerson) -> None:
    ann, ben = await person("Ann"), await person("Ben")
    chat = await talk(ann, ben)
    await ben.send(chat, "Hello")
    page = await open_chat(ann, chat)
    assert await page.locator("html").get_attribute("lang") == "ru"
    named = page.locator(":is(button, a, textarea, nav, aside, section, [role=region])")
    for name in await named.evaluate_all("(all) => all.map((one) => one.ariaLabel)"):
        assert name is None or re.search("[А-Яа-яЁё]", name), name
    await expect(page.locator(TEXT_BOX)).to_have_attribute("placeholder", re.compile("[А-Яа-я]"))
    await expect(page.locator(".dm-day")).to_have_text("Сегодня")


@pytest.mark.parametrize("size", ["desktop"])
async def test_the_width_of_the_list_is_told_as_it_is_changed(person: MakePerson) -> None:
    ann = await person("Ann")
    page = await ann.open()
    handle = page.get_by_role("separator", name="Width of the list")
    for key, px in (("ArrowRight", 16), ("ArrowRight", 16), ("ArrowLeft", -16)):
        before = await page.locator(".pane-list").evaluate("e => e.offsetWidth")
        await expect(handle).to_have_attribute("aria-valuenow", str(before))
        await handle.press(key)
        await expect(handle).to_have_attribute("aria-valuenow", str(before + px))
