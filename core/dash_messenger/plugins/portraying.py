"""Asks the plugin that makes photos of people and groups.

Owns which plugin that is, the time limit and what may come back. Must not know blobs' rows, users
or conversations. Invariant: what comes back is a small picture that browsers show, whatever the
plugin did.
"""

from __future__ import annotations

import asyncio
import inspect
from collections.abc import Callable

import structlog

from dash_messenger.blobs.kinds import media_type_of
from dash_messenger.errors import ANYTHING, Failure, PortraitFailed, PortraitsUnavailable, TimedOut
from dash_messenger.plugins.portraits import Portrait, Portraits

__all__ = ["PortraitMaker"]

# The client waits 30.
MAKE_WITHIN_S = 25.0
# A list shows dozens at once.
MAX_PORTRAIT_BYTES = 262_144
KINDS = ("image/webp", "image/png", "image/jpeg", "image/avif")

log = structlog.get_logger(__name__)


class PortraitMaker:
    """The one plugin that makes photos of people and groups, if there is one.

    ``failed(plugin, error)`` hears of its failures.
    """

    def __init__(self, failed: Callable[[str, BaseException], None]) -> None:
        self._failed = failed
        self._maker: tuple[str, Portraits] | None = None

    def add(self, plugin: str, portraits: Portraits) -> None:
        """Let a plugin make them.

        Raises:
            TypeError: it cannot.
            ValueError: another plugin does.
        """
        if not inspect.iscoroutinefunction(getattr(portraits, "make", None)):
            raise TypeError(f"{portraits!r} is not a Portraits")
        if self._maker is not None:
            raise ValueError(f"portraits are made by {self._maker[0]}")
        self._maker = (plugin, portraits)

    def remove(self, plugin: str) -> None:
        """Forget what a plugin registered."""
        if self._maker is not None and self._maker[0] == plugin:
            self._maker = None

    @property
    def available(self) -> bool:
        """Whether there is a plugin that makes them."""
        return self._maker is not None

    async def make(self, upload: bytes) -> Portrait:
        """The photo to show.

        Raises:
            Refused: the plugin declines the file.
            PortraitsUnavailable: there is no such plugin.
            PortraitFailed: its code failed.
            TimedOut: it took too long.
        """
        if self._maker is None:
            raise PortraitsUnavailable
        plugin, portraits = self._maker
        try:
            async with asyncio.timeout(MAKE_WITHIN_S):
                return _checked(await portraits.make(upload))
        except Failure:
            raise
        except TimeoutError:
            log.warning("portrait_timed_out", plugin=plugin)
            raise TimedOut from None
        # The edge to a stranger's code.
        except ANYTHING as error:
            log.error("portrait_failed", plugin=plugin, exc_info=error)
            self._failed(plugin, error)
            raise PortraitFailed from error


def _checked(portrait: object) -> Portrait:
    if not isinstance(portrait, Portrait):
        raise TypeError(f"make returned {portrait!r}")
    found = media_type_of(portrait.data[:64])
    if portrait.media_type not in KINDS or found != portrait.media_type:
        raise ValueError(f"make returned {found} as {portrait.media_type}")
    if len(portrait.data) > MAX_PORTRAIT_BYTES:
        raise ValueError(f"make returned {len(portrait.data)} bytes")
    return portrait
