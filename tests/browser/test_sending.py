"""One's own message: there at once, then stored, or failed with a way to try again; never twice."""

from __future__ import annotations

import asyncio
import json
from typing import Any

from playwright.async_api import Page, WebSocketRoute, expect

from tests.browser.pages.messenger import SEND_KEY, bubbles, composer, rows, settled, write
from tests.browser.people import two


class Line:
    """The socket between page and server, on which answers to sends can be held back."""

    def __init__(self) -> None:
        self.hold = False
        self.sends = 0
        self._ids: set[object] = set()
        self._held: list[tuple[WebSocketRoute, str | bytes]] = []

    async def attach(self, page: Page) -> None:
        await page.route_web_socket("**/ws", self._connect)

    def _connect(self, route: WebSocketRoute) -> None:
        server = route.connect_to_server()

        def from_page(message: str | bytes) -> None:
            request = json.loads(message)
            if request.get("method") == "message.send":
                self.sends += 1
                if self.hold:
                    self._held.append((server, message))
                    return
            server.send(message)

        route.on_message(from_page)
        server.on_message(route.send)

    def let_go(self) -> None:
        self.hold = False
        held, self._held = self._held, []
        for server, message in held:
            server.send(message)


async def test_own_bubble_is_pending_in_the_next_frame_then_sent(person: Any) -> None:
    ann, _, conversation = await two(person)
    page = await ann.context.new_page()
    line = Line()
    await line.attach(page)
    await page.goto(f"{ann.base_url}/c/{conversation}")
    await settled(page)
    await composer(page).fill("first")
    line.hold = True
    state = await page.evaluate(
        """() => new Promise(done => {
          const box = document.querySelector('.dm-textbox');
          box.dispatchEvent(new KeyboardEvent('keydown',
            {key: 'Enter', ctrlKey: true, bubbles: true, cancelable: true}));
          requestAnimationFrame(() => setTimeout(() => {
            const row = document.querySelector('.dm-row');
            done(row && [row.dataset.state, row.querySelector('.dm-body').textContent]);
          }));
        })"""
    )
    assert state is not None
    assert state[0] == "pending"
    assert state[1].startswith("first")
    line.let_go()
    await expect(page.locator(".dm-row[data-state=sent]")).to_have_count(1)
    await expect(rows(page)).to_have_count(1)


async def test_message_without_an_answer_fails_after_ten_seconds_and_can_be_tried_again(
    person: Any,
) -> None:
    ann, bob, conversation = await two(person)
    page = await ann.context.new_page()
    await page.clock.install()
    line = Line()
    await line.attach(page)
    await page.goto(f"{ann.base_url}/c/{conversation}")
    await settled(page)
    await composer(page).fill("lost?")
    line.hold = True
    # From here on time passes as the test says.
    await page.clock.pause_at(await page.evaluate("() => Date.now() + 5000"))
    await composer(page).press(SEND_KEY)
    await page.clock.run_for(100)
    await expect(page.locator(".dm-row[data-state=pending]")).to_have_count(1)
    await page.clock.run_for(9_000)
    await expect(page.locator(".dm-row[data-state=pending]")).to_have_count(1)
    await page.clock.run_for(1_500)
    await page.clock.resume()
    await expect(page.locator(".dm-row[data-state=failed]")).to_have_count(1)
    await expect(page.get_by_text("Not sent")).to_be_visible()
    line.hold = False
    await page.get_by_role("button", name="Retry").click()
    await expect(page.locator(".dm-row[data-state=sent]")).to_have_count(1)
    # The answer that was held back comes after all: the same client id, so the same message.
    line.let_go()
    history = await bob.call("message.history", conversation=conversation)
    assert [message["text"] for message in history["messages"]] == ["lost?"]
    await expect(rows(page)).to_have_count(1)


async def test_many_messages_in_a_row_arrive_once_and_in_order(person: Any) -> None:
    ann, bob, conversation = await two(person)
    theirs = await bob.open(f"/c/{conversation}")
    await expect(theirs.get_by_text("No messages here yet")).to_have_count(1)
    page = await ann.open(f"/c/{conversation}")
    for number in range(12):
        await write(page, f"number {number}")
    await expect(bubbles(theirs, "number 11")).to_be_visible()
    expected = [f"number {number}" for number in range(12)]
    history = await bob.call("message.history", conversation=conversation)
    assert [message["text"] for message in history["messages"]] == expected
    await expect(page.locator(".dm-row[data-state=pending]")).to_have_count(0)
    for shown in (page, theirs):
        texts = await shown.locator(".dm-row .dm-body").all_text_contents()
        assert [text.strip() for text in texts][-5:] == expected[-5:]
        assert len(texts) == len(set(texts))


async def test_message_appears_in_ones_other_tab_and_at_the_other_end(person: Any) -> None:
    ann, bob, conversation = await two(person)
    pages = await asyncio.gather(
        ann.open(f"/c/{conversation}"),
        ann.open(f"/c/{conversation}"),
        bob.open(f"/c/{conversation}"),
    )
    for page in pages:
        await expect(composer(page)).to_be_visible()
    await write(pages[0], "everywhere")
    for page in pages:
        await expect(bubbles(page, "everywhere")).to_have_count(1)
