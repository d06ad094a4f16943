"""What the page does when the server asks it to wait, or sends a drawing later."""

from __future__ import annotations

import asyncio
import json
import time
from collections.abc import Awaitable, Callable
from typing import Any

from playwright.async_api import Page, WebSocketRoute, expect

from tests.browser.conftest import Person, at_one_size
from tests.browser.pages.any_page import becomes, drawn
from tests.browser.pages.messenger import message, write
from tests.browser.people import talk

pytestmark = at_one_size

LIMITED = {
    "code": 1009,
    "message": "Too many requests.",
    "data": {"key": "rate_limited", "retryable": True, "params": {"retry_after_s": 1}},
}


def refusal(id: int) -> str:
    return json.dumps({"jsonrpc": "2.0", "id": id, "error": LIMITED})


async def open_limited(ann: Person, conversation: str, method: str) -> tuple[Page, list[float]]:
    """The chat, where the first request of a method meets a limit; and when each was made."""
    asked: list[float] = []

    async def on_socket(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()

        def from_page(payload: str | bytes) -> None:
            frame = json.loads(payload)
            if frame["method"] == method:
                asked.append(time.monotonic())
                if len(asked) == 1:
                    socket.send(refusal(frame["id"]))
                    return
            server.send(payload)

        socket.on_message(from_page)

    page = await ann.context.new_page()
    await page.route_web_socket("**/ws", on_socket)
    await page.goto(f"{ann.base_url}/c/{conversation}")
    return page, asked


async def test_message_over_a_limit_stays_pending_and_goes_when_the_server_says(
    person: Callable[..., Awaitable[Person]], size: str
) -> None:
    ann, ben = await person(), await person()
    page, asked = await open_limited(ann, await talk(ann, ben), "message.send")
    await write(page, "patience")
    await expect(page.locator(".dm-row[data-state=sent]")).to_have_count(1)
    assert len(asked) == 2
    assert asked[1] - asked[0] >= 1


async def test_history_over_a_limit_is_asked_for_again(
    person: Callable[..., Awaitable[Person]], size: str
) -> None:
    ann, ben = await person(), await person()
    conversation = await talk(ann, ben)
    await ben.send(conversation, "worth the wait")
    page, asked = await open_limited(ann, conversation, "message.history")
    await expect(message(page, "worth the wait")).to_be_visible()
    assert asked[1] - asked[0] >= 1


async def test_drawing_that_comes_later_takes_the_place_of_the_text(
    person: Callable[..., Awaitable[Person]], size: str
) -> None:
    ann, ben = await person(), await person()
    conversation = await talk(ann, ben)
    await ben.send(conversation, "before")
    late: list[dict[str, Any]] = []
    sockets: list[WebSocketRoute] = []

    async def on_socket(socket: WebSocketRoute) -> None:
        server = socket.connect_to_server()
        sockets.append(socket)

        def from_server(payload: str | bytes) -> None:
            frame = json.loads(payload)
            if frame.get("method") == "message.drawn":
                # The server itself was late.
                late.append(frame["params"])
                return
            if frame.get("method") == "event" and "message" in frame["params"]["data"]:
                told = frame["params"]["data"]["message"]
                if view := told.pop("view", None):
                    names = {"message": told["id"], "rev": told["rev"]}
                    late.append({"conversation": conversation, **names, "view": view})
            socket.send(json.dumps(frame))

        server.on_message(from_server)

    page = await ann.context.new_page()
    await page.route_web_socket("**/ws", on_socket)
    await page.goto(f"{ann.base_url}/c/{conversation}")
    await expect(message(page, "before")).to_be_visible()
    await ben.post(conversation, "markdown", {"text": "**loud** words"})
    row = page.locator(".dm-row").last
    await expect(row.get_by_text("loud words")).to_be_visible()
    assert await row.locator("strong").count() == 0
    await becomes(lambda: asyncio.sleep(0, late), len)

    async def tell(params: dict[str, Any]) -> None:
        sockets[-1].send(
            json.dumps({"jsonrpc": "2.0", "method": "message.drawn", "params": params})
        )
        await drawn(page)

    await tell({**late[0], "rev": late[0]["rev"] + 1})
    assert await row.locator("strong").count() == 0
    await tell(late[0])
    await expect(row.locator("strong")).to_have_text("loud")
