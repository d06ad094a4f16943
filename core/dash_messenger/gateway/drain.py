"""Lets a client hear why its request was too large.

Owns nothing. A server that answers and closes while the client is still sending resets the
connection, and the client never reads the answer. So the end of the answer waits, for a while,
until the client has sent what it wanted to; what is too much is thrown away as it comes.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeAlias

__all__ = ["DrainedBodies"]

DRAIN_WITHIN_S = 5.0

Event: TypeAlias = MutableMapping[str, Any]
Receive: TypeAlias = Callable[[], Awaitable[Event]]
Send: TypeAlias = Callable[[Event], Awaitable[None]]
App: TypeAlias = Callable[[MutableMapping[str, Any], Receive, Send], Awaitable[None]]


class DrainedBodies:
    """An ASGI application around another: of a request's body it passes on ``max_bytes``."""

    def __init__(self, app: App, *, max_bytes: int) -> None:
        self._app = app
        self._max_bytes = max_bytes

    async def __call__(self, scope: MutableMapping[str, Any], receive: Receive, send: Send) -> None:
        """Serve one request."""
        if scope["type"] != "http":
            await self._app(scope, receive, send)
            return
        ended = asyncio.Event()
        taken = 0

        async def receive_some() -> Event:
            nonlocal taken
            event = await receive()
            if event["type"] == "http.request":
                before, body = taken, event.get("body", b"")
                taken += len(body)
                if taken > self._max_bytes:
                    # One byte too many, so that the application sees that it is too large.
                    event = {**event, "body": body[: max(0, self._max_bytes + 1 - before)]}
            if not event.get("more_body"):
                ended.set()
            return event

        async def send_at_the_end(event: Event) -> None:
            if event["type"] == "http.response.body" and not event.get("more_body"):
                with contextlib.suppress(TimeoutError):
                    async with asyncio.timeout(DRAIN_WITHIN_S):
                        await ended.wait()
            await send(event)

        await self._app(scope, receive_some, send_at_the_end)
