"""Tells people who are connected that somebody has another name or photo.

Owns how often. It is no event: nothing is stored for it and nothing is repeated; whoever was not
there learns it with what they load next. Invariant: of one person at most once in `EVERY_S`, and
the last change always.
"""

from __future__ import annotations

import asyncio
from typing import Protocol

from dash_messenger.protocol.models import User

__all__ = ["Notifier", "ProfileUpdates"]

EVERY_S = 2.0


class Notifier(Protocol):
    """Reaches people who are connected: the hub."""

    def notify_company(self, user: str, method: str, params: object) -> None:
        """Tell everybody who is in a conversation with a user, each once."""


class ProfileUpdates:
    """One for a process; everything is called on the loop."""

    def __init__(self, notifier: Notifier, every_s: float = EVERY_S) -> None:
        self._notifier = notifier
        self._every_s = every_s
        self._waiting: dict[str, User] = {}
        self._timers: dict[str, asyncio.TimerHandle] = {}

    def tell(self, user: User) -> None:
        """Note how somebody is called and pictured now."""
        self._waiting[user.id] = user
        if user.id not in self._timers:
            self._send(user.id)

    def _send(self, id: str) -> None:
        user = self._waiting.pop(id, None)
        if user is None:
            self._timers.pop(id, None)
            return
        self._notifier.notify_company(id, "user.updated", {"user": user})
        self._timers[id] = asyncio.get_running_loop().call_later(self._every_s, self._send, id)

    def close(self) -> None:
        """Stop the timers; what waits is not told."""
        for timer in self._timers.values():
            timer.cancel()
        self._timers.clear()
        self._waiting.clear()
