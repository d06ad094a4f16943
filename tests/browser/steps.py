"""Steps and looks that several browser tests share.

Owns the class names by which tests find things on the messenger's page. Must not know what a test
is about.
"""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import CDPSession, Locator, Page, WebSocketRoute, expect

from tests.browser.conftest import Person

SETTLED = ".dm-scroll[data-settled]"
TEXT_BOX = "textarea.dm-textbox"
BANNER = ".dm-banner"


async def talk(one: Person, *others: Person, title: str | None = None) -> str:
    """A conversation of these people: direct with one other and no title, a group otherwise."""
    kind = "direct" if title is None and len(others) == 1 else "group"
    titled = {} if kind == "direct" else {"title": title or "A group"}
    members = [other.username for other in others]
    created = await one.call("conversation.create", kind=kind, members=members, **titled)
    return str(created["id"])


async def open_chat(person: Person, conversation: str) -> Page:
    """A page at the conversation, when its messages stand where they will stay."""
    page = await person.open(f"/c/{conversation}")
    await expect(page.locator(f"{SETTLED}, .dm-timeline .dm-notice")).to_be_visible()
    await drawn(page)
    return page


async def open_list(person: Person) -> Page:
    """A page at the list, when the server has sent it."""
    page = await person.open("/")
    await expect(page.locator(".dm-chats, .dm-list .dm-notice").first).to_be_visible()
    return page


async def open_dialog(page: Page, name: str) -> Locator:
    """The dialog with this heading, when it has come to rest."""
    if name == "Details":
        await page.locator(".dm-header-chat").click()
    else:
        button = "Menu" if name == "Settings" else name
        await page.locator(".dm-list .dm-header").get_by_role("button", name=button).click()
    dialog = page.get_by_role("dialog", name=name)
    await expect(dialog).to_be_visible()
    await at_rest(page)
    return dialog


async def at_rest(page: Page) -> None:
    """Wait until every animation that ends has ended, those too that the next frames begin."""
    await page.evaluate(
        """async () => {
            const frame = () => new Promise((drawn) => requestAnimationFrame(drawn));
            const ends = (one) =>
                one.playState !== 'finished' && one.effect.getComputedTiming().endTime !== Infinity;
            for (let still = 0; still < 3; still++) {
                await frame();
                const moving = document.getAnimations().filter(ends);
                if (moving.length) still = -1;
                await Promise.allSettled(moving.map((one) => one.finished));
            }
        }"""
    )


def message(page: Page, text: str) -> Locator:
    """The row of the message with this text."""
    return page.locator(".dm-row").filter(has=page.get_by_text(text, exact=True))


async def write(page: Page, *texts: str) -> None:
    """Send messages as people do."""
    box = page.locator(TEXT_BOX)
    for text in texts:
        await box.fill(text)
        await box.press("Enter")


async def like_a_window(page: Page) -> CDPSession:
    """Let the page have the focus only while it is in front; Playwright lets all have it."""
    devtools = await page.context.new_cdp_session(page)
    await devtools.send("Emulation.setFocusEmulationEnabled", {"enabled": False})
    return devtools


async def round_trip(page: Page) -> None:
    """Wait until the server has answered on the page's own connection.

    The requests of a connection are begun in order: whatever the page sent before was heard.
    """
    await page.evaluate("() => window.dashMessenger.call('account.get', {})")


async def drawn(page: Page) -> None:
    """Wait until what the page has been told is drawn and its effects have run."""
    await page.evaluate(
        "() => new Promise((done) => requestAnimationFrame(() => requestAnimationFrame(() => {"
        " const channel = new MessageChannel(); channel.port1.onmessage = done;"
        " channel.port2.postMessage(0); })))"
    )


def frames_sent(page: Page, method: str) -> list[dict[str, Any]]:
    """The parameters of every request with this method that the page sends from now on."""
    found: list[dict[str, Any]] = []

    def on_frame(payload: str | bytes) -> None:
        frame = json.loads(payload)
        if frame.get("method") == method:
            found.append(frame["params"])

    page.on("websocket", lambda socket: socket.on("framesent", on_frame))
    return found


@dataclass
class Wire:
    """The page's connection, with somebody sitting in the middle."""

    sockets: list[WebSocketRoute] = field(default_factory=list)
    sent: list[dict[str, Any]] = field(default_factory=list)
    kept: list[Callable[[], None]] = field(default_factory=list)
    keep_answers_to: set[str] = field(default_factory=set)
    keep_all: bool = False
    hold_requests: bool = False
    refuse: bool = False

    def let_go(self) -> None:
        """Deliver what was kept, and keep nothing any more."""
        self.keep_answers_to, self.keep_all = set(), False
        kept, self.kept = self.kept, []
        for deliver in kept:
            deliver()

    async def cut(self) -> None:
        """Lose the connection, and for ever what was kept."""
        self.keep_answers_to, self.keep_all = set(), False
        self.kept = []
        await self.sockets[-1].close(code=4000, reason="cut by the test")


async def sit_in_the_middle(page: Page) -> Wire:
    """Take over the page's next connections. To be called before the page is opened."""
    wire = Wire()

    async def on_socket(socket: WebSocketRoute) -> None:
        if wire.refuse:
            await socket.close(code=1012, reason="refused by the test")
            return
        server = socket.connect_to_server()
        methods: dict[int, str] = {}
        wire.sockets.append(socket)

        def from_page(payload: str | bytes) -> None:
            frame = json.loads(payload)
            if wire.hold_requests:
                return
            wire.sent.append(frame)
            methods[frame["id"]] = frame["method"]
            server.send(payload)

        def from_server(payload: str | bytes) -> None:
            frame = json.loads(payload)
            method = methods.get(frame.get("id"), frame.get("method"))
            if wire.keep_all or method in wire.keep_answers_to:
                wire.kept.append(lambda: socket.send(payload))
            else:
                socket.send(payload)

        socket.on_message(from_page)
        server.on_message(from_server)

    await page.route_web_socket("**/ws", on_socket)
    return wire
