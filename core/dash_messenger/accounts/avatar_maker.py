"""Asks the plugin that makes photos of people and groups.

Owns which plugin that is and what may come back. Must not know blobs' rows, users
or conversations. Invariant: what comes back is a small picture that browsers show, whatever the
plugin did.
"""

from __future__ import annotations

import inspect

from dash_messenger.blobs.media_types import media_type_of
from dash_messenger.errors import PortraitFailed, PortraitsUnavailable
from dash_messenger.isolation.runner import PluginRunner
from dash_messenger.isolation.time_limits import AVATAR_WITHIN_S
from dash_messenger.plugin_api.avatars import Portrait, Portraits

__all__ = ["AvatarMaker"]

# A list shows dozens at once.
MAX_AVATAR_BYTES = 262_144
KINDS = ("image/webp", "image/png", "image/jpeg", "image/avif")


class AvatarMaker:
    """The one plugin that makes photos of people and groups, if there is one."""

    def __init__(self, runner: PluginRunner, *, make_within_s: float = AVATAR_WITHIN_S) -> None:
        self._runner = runner
        self._make_within_s = make_within_s
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

        async def make() -> Portrait:
            return _checked(await portraits.make(upload))

        return await self._runner.run(
            plugin, make, doing="portraits", within_s=self._make_within_s, raises=PortraitFailed
        )


def _checked(portrait: object) -> Portrait:
    if not isinstance(portrait, Portrait):
        raise TypeError(f"make returned {portrait!r}")
    found = media_type_of(portrait.data[:64])
    if portrait.media_type not in KINDS or found != portrait.media_type:
        raise ValueError(f"make returned {found} as {portrait.media_type}")
    if len(portrait.data) > MAX_AVATAR_BYTES:
        raise ValueError(f"make returned {len(portrait.data)} bytes")
    return portrait
