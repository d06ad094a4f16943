"""Tells people who are connected that somebody has another name or photo.

Owns how often. It is no event: nothing is stored for it and nothing is repeated; whoever was not
there learns it with what they load next. Invariant: of one person at most once in `EVERY_S`, and
the last change always.
"""

from __future__ import annotations

from typing import Protocol

from dash_messenger.protocol.models import User
from dash_messenger.realtime.throttle import Throttle

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
        self._waiting: dict[str, User] = {}
        self._throttle = Throttle(self._send, every_s)

    def tell(self, user: User) -> None:
        """Note how somebody is called and pictured now."""
        self._waiting[user.id] = user
        self._throttle.ask(user.id)

    def _send(self, id: str) -> bool:
        user = self._waiting.pop(id, None)
        if user is None:
            return False
        self._notifier.notify_company(id, "user.updated", {"user": user})
        return True

    def close(self) -> None:
        """What waits is not told."""
        self._throttle.close()
        self._waiting.clear()
