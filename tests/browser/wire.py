"""The connection of a page: what it sends, and somebody in the middle who holds it up."""

from __future__ import annotations

import json
from collections.abc import Callable
from dataclasses import dataclass, field
from typing import Any

from playwright.async_api import Page, WebSocketRoute


def frames_sent(page: Page, method: str) -> list[dict[str, Any]]:
    """The parameters of every request with this method that the page sends from now on."""
    found: list[dict[str, Any]] = []

    def on_frame(payload: str | bytes) -> None:
        frame = json.loads(payload)
        if frame.get("method") == method:
            found.append(frame["params"])

    page.on("websocket", lambda socket: socket.on("framesent", on_frame))
    return found


def frames_heard(page: Page, method: str, found: list[dict[str, Any]]) -> None:
    """Put the parameters of every notification of this method into ``found`` from now on.

    To be called before the page is opened.
    """

    def on_frame(payload: str | bytes) -> None:
        frame = json.loads(payload)
        if frame.get("method") == method:
            found.append(frame["params"])

    page.on("websocket", lambda socket: socket.on("framereceived", on_frame))


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
