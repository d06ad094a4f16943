"""Photos of people and groups: from somebody's upload to the blob that others see.

Owns whose upload it may be. Must not know what a picture is, nor who refers to it in the end.
Invariant: nothing but what the plugin drew itself is ever shown.
"""

from __future__ import annotations

from collections.abc import Awaitable, Callable
from typing import TypeAlias

from dash_messenger.accounts.avatar_maker import AvatarMaker
from dash_messenger.blobs import BlobStore
from dash_messenger.errors import BlobUnusable, PortraitsUnavailable
from dash_messenger.isolation.shared_places import FairTurns
from dash_messenger.rate_limits import Buckets

__all__ = ["MakePhoto", "PhotoMaker", "no_photos"]

MAX_UPLOAD_BYTES = 30_000_000
# Each has its upload in memory; decoding them has limits of its own.
AT_ONCE = 2
MAX_WAITING = 1_000
MAX_WAITING_A_USER = 10

# The blob to show, made from (user, the upload they name).
MakePhoto: TypeAlias = Callable[[str, str], Awaitable[str]]


class PhotoMaker:
    """Makes blobs to show from uploads."""

    def __init__(self, blobs: BlobStore, maker: AvatarMaker, *, rate_limits: bool) -> None:
        self._blobs = blobs
        self._maker = maker
        self._turns = FairTurns(
            AT_ONCE, max_waiting=MAX_WAITING, max_waiting_a_user=MAX_WAITING_A_USER
        )
        # Enough to try some, too little to keep the decoders busy.
        self._changes = Buckets(burst=20, per_s=0.1, enabled=rate_limits)

    async def make(self, user: str, upload: str) -> str:
        """A new blob, of the user's, to which nothing refers yet.

        Raises:
            BlobUnusable: there is no such upload of theirs.
            TooLarge: it has more than 30 MB.
            PortraitsUnavailable: no plugin makes photos.
            Refused, PortraitFailed, TimedOut: as the plugin did.
            RateLimited: too many changes.
            Busy: too many wait.
            QuotaExceeded, DiskLow: there is no room for it.
        """
        if not self._maker.available:
            raise PortraitsUnavailable
        self._changes.take(user)
        info = await self._blobs.info(upload)
        if info is None or info.owner != user:
            raise BlobUnusable(blob=upload)
        async with self._turns.turn(user):
            portrait = await self._maker.make(
                await self._blobs.read(info.id, max_bytes=MAX_UPLOAD_BYTES)
            )
        made = await self._blobs.put(
            portrait.data, owner=user, name="photo", media_type=portrait.media_type
        )
        return made.id


async def no_photos(user: str, upload: str) -> str:
    """Where there are no uploads there are no photos.

    Raises:
        PortraitsUnavailable: always.
    """
    raise PortraitsUnavailable
