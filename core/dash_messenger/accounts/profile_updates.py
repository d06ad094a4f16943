"""Tells people who are connected that somebody has another name or photo.

Owns how often, and who hears of the photo. It is no event: nothing is stored for it and nothing is
repeated; whoever was not there learns it with what they load next. Invariants: of one person at
most once in `EVERY_S`, and the last change always; it is encoded twice at most, with the photo and
without, and nobody gets the photo after who shows it was told that they no longer do.
"""

from __future__ import annotations

import asyncio
from collections.abc import Collection
from typing import Protocol

import structlog
from msgspec.structs import replace

from dash_messenger.accounts.policy import Wish, whom_allows
from dash_messenger.accounts.privacy_watch import PrivacyWatch
from dash_messenger.errors import Failure
from dash_messenger.protocol.models import User
from dash_messenger.realtime.throttle import Throttle
from dash_messenger.store import Store

__all__ = ["Notifier", "ProfileUpdates"]

EVERY_S = 2.0
# Somebody changes their privacy while it is asked; after so many times the next change tells.
TRIES = 5

log = structlog.get_logger(__name__)


class Notifier(Protocol):
    """Reaches people who are connected: the hub."""

    def company_of(self, user: str) -> Collection[str]:
        """Everybody who is in a conversation with a user."""

    def notify_company(
        self,
        user: str,
        method: str,
        params: object,
        *,
        instead: object = None,
        to: Collection[str] | None = None,
    ) -> None:
        """Tell everybody who is in a conversation with a user, each once.

        With ``to`` only those get ``params``, and the others ``instead``.
        """


class ProfileUpdates:
    """One for a process; everything is called on the loop."""

    def __init__(
        self, notifier: Notifier, store: Store, watch: PrivacyWatch, every_s: float = EVERY_S
    ) -> None:
        self._notifier = notifier
        self._store = store
        self._watch = watch
        self._waiting: dict[str, User] = {}
        self._asking: dict[str, asyncio.Task[None]] = {}
        self._throttle = Throttle(self._send, every_s)

    def tell(self, user: User) -> None:
        """Note how somebody is called and pictured now."""
        self._waiting[user.id] = user
        self._throttle.ask(user.id)

    def _send(self, id: str) -> bool:
        if id in self._asking:
            return True
        user = self._waiting.pop(id, None)
        if user is None:
            return False
        if user.photo is None:
            self._notifier.notify_company(id, "user.updated", {"user": user})
        else:
            self._asking[id] = asyncio.create_task(self._send_pictured(user))
        return True

    async def _send_pictured(self, user: User) -> None:
        """Tell of the photo those to whom it is shown."""
        try:
            for _ in range(TRIES):
                before = self._watch.changes
                company = self._notifier.company_of(user.id)
                shown = await self._store.read(
                    lambda connection, company=company: whom_allows(  # type: ignore[misc]
                        connection, Wish.SEE_PHOTO, user.id, company
                    )
                )
                if self._watch.changes == before:
                    self._notifier.notify_company(
                        user.id,
                        "user.updated",
                        {"user": user},
                        instead={"user": replace(user, photo=None)},
                        to=shown,
                    )
                    return
        except Failure as failure:
            log.warning("profile_update_not_told", error=failure.key)
        finally:
            self._asking.pop(user.id, None)

    def close(self) -> None:
        """What waits is not told."""
        self._throttle.close()
        self._waiting.clear()
        for task in [*self._asking.values()]:
            task.cancel()
