"""How much of the disk each user's files may take, and how much the disk keeps free.

Owns the counters. Must not know what a file is. Invariants: room is reserved before bytes come, so
that no number of uploads at once takes a user beyond the quota or the disk below its floor; what is
refused, broken off or removed gives its room back. The rows of ``blobs`` are the truth; a counter
lives while its user has uploads under way.
"""

from __future__ import annotations

import asyncio
from collections.abc import AsyncGenerator, AsyncIterable, AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from dataclasses import dataclass
from typing import Literal, TypeAlias

from msgspec import Struct
from sqlalchemy import Connection, case, func, select

from dash_messenger.blobs.collection import MIN_CHARGED_BYTES, Removed, charged
from dash_messenger.clock import Clock
from dash_messenger.errors import DiskLow, QuotaExceeded, StorageFailed
from dash_messenger.locks import Locks
from dash_messenger.rate_limits import Buckets
from dash_messenger.settings import Settings
from dash_messenger.store import Store
from dash_messenger.store.tables import blobs, users

__all__ = ["BlobUsage", "Disk", "Quotas", "Room", "Rules", "rules_of"]

# Uploads that nothing refers to, such as those of a form that waits offline; the oldest gives way.
MAX_WAITING_BYTES = 500_000_000
# What was uploaded since does not give way to its owner's next file: an album is being made.
FRESH_MS = 10 * 60_000
NEW_ACCOUNT_MS = 24 * 3_600_000
# Two albums of large photos at once, then faster than most people's lines.
RATE_BURST_BYTES = 512 * 1024 * 1024
RATE_BYTES_PER_S = 4 * 1024 * 1024
# On small disks the floor is at most this part of them.
FLOOR_PART = 10
DISK_RETRY_AFTER_S = 60
# With less than this a message is hardly stored.
FULL_BYTES = 2**20

# ``low``: files are refused, messages go on. ``full``: next to nothing is stored.
Disk: TypeAlias = Literal["ok", "low", "full"]

# Removes ``bytes`` of what a user does not need (what is fresh too, if asked); how many went.
GiveWay = Callable[[str, int, int | None], Awaitable[int]]


class BlobUsage(Struct, frozen=True):
    """Result of ``blob.usage``: what one's files take, and may; null where there is no limit.

    ``waiting_bytes`` are part of ``used_bytes``: uploads that nothing refers to (any more), which
    give way.
    """

    used_bytes: int
    waiting_bytes: int
    quota_bytes: int | None


@dataclass(frozen=True, slots=True)
class Rules:
    """What an admin may set."""

    quota_bytes: int
    new_account_quota_bytes: int
    min_free_disk_bytes: int
    rate_limits: bool


def rules_of(settings: Settings) -> Rules:
    """What the settings say."""
    return Rules(
        quota_bytes=settings.quota_bytes,
        new_account_quota_bytes=settings.new_account_quota_bytes,
        min_free_disk_bytes=settings.min_free_disk_bytes,
        rate_limits=settings.rate_limits,
    )


class _Account:
    """A user with uploads under way."""

    def __init__(self, usage: BlobUsage, new_for_s: int) -> None:
        self.used_bytes = usage.used_bytes
        self.waiting_bytes = usage.waiting_bytes
        self.quota_bytes = usage.quota_bytes
        self.new_for_s = new_for_s
        self.reserved_bytes = 0
        self.uploads = 0


class Room:
    """What one upload has reserved; it grows with what comes."""

    def __init__(self, quotas: Quotas, user: str, account: _Account, *, rated: bool) -> None:
        self._quotas = quotas
        self._user = user
        self._account = account
        self.rated = rated
        self.bytes = 0
        # Of what is reserved, this is on the disk already.
        self.come_bytes = 0

    async def need(self, size: int) -> None:
        """Have room for a file of ``size`` bytes in all.

        Raises:
            QuotaExceeded, DiskLow, RateLimited: there is none.
        """
        if size > self.bytes:
            await self._quotas.reserve(self._user, self._account, self, size - self.bytes)

    async def counted(self, chunks: AsyncIterable[bytes]) -> AsyncIterator[bytes]:
        """The chunks, each once there is room for it."""
        async for chunk in chunks:
            size = self.come_bytes + len(chunk)
            if size > self.bytes:
                await self.need(size)
            self.come_bytes = size
            yield chunk

    def stored(self, size: int) -> None:
        """The file has its row now: it counts by itself."""
        self._account.used_bytes += charged(size)
        self._account.waiting_bytes += charged(size)


class Quotas:
    """The counters of one server.

    ``free_bytes()`` says how much of the disk is free and how large it is.
    """

    def __init__(
        self,
        store: Store,
        clock: Clock,
        rules: Rules,
        free_bytes: Callable[[], Awaitable[tuple[int, int]]],
        give_way: GiveWay,
        *,
        max_waiting_bytes: int = MAX_WAITING_BYTES,
    ) -> None:
        self._store = store
        self._clock = clock
        self._rules = rules
        self._free_bytes = free_bytes
        self._give_way = give_way
        self._max_waiting_bytes = max_waiting_bytes
        self._accounts: dict[str, _Account] = {}
        self._loading: Locks[str] = Locks()
        self._rooms: set[Room] = set()
        self._rate = Buckets(
            burst=RATE_BURST_BYTES, per_s=RATE_BYTES_PER_S, enabled=rules.rate_limits
        )
        # Set while the disk is below its floor: time to collect.
        self.low = asyncio.Event()

    @asynccontextmanager
    async def room(self, user: str, size: int, *, rated: bool) -> AsyncGenerator[Room, None]:
        """Room for a file of ``size`` bytes, or less, or more; ``rated`` counts the rate by bytes.

        Raises:
            QuotaExceeded: the user has no room for it.
            DiskLow: the disk has none.
            RateLimited: the user has sent too much lately.
        """
        account = await self._enter(user)
        room = Room(self, user, account, rated=rated)
        self._rooms.add(room)
        try:
            await room.need(charged(size))
            yield room
        finally:
            self._rooms.discard(room)
            account.reserved_bytes -= room.bytes
            account.uploads -= 1
            if not account.uploads:
                self._accounts.pop(user, None)
        if account.waiting_bytes > self._max_waiting_bytes:
            await self._trim(user, account)

    async def usage(self, user: str) -> BlobUsage:
        """What a user's files take."""
        usage, _ = await self._load(user)
        return usage

    def removed(self, gone: Removed) -> None:
        """Give back what these took."""
        for owner, size in gone:
            account = self._accounts.get(owner)
            if account is not None:
                account.used_bytes -= size
                account.waiting_bytes -= size

    async def is_low(self) -> bool:
        """Whether the disk has less than what is to be kept free."""
        free, floor = await self._free()
        if free >= floor:
            self.low.clear()
        return free < floor

    async def disk(self) -> Disk:
        """How the disk stands."""
        try:
            free, floor = await self._free()
        except (DiskLow, StorageFailed):
            return "full"
        if free < FULL_BYTES:
            return "full"
        return "low" if free < floor else "ok"

    async def reserve(self, user: str, account: _Account, room: Room, size: int) -> None:
        """Reserve ``size`` bytes more.

        Raises:
            QuotaExceeded, DiskLow, RateLimited: as `room`.
        """
        while True:
            free, floor = await self._free()
            # From here to the end nothing else runs, unless something has to give way first.
            over = self._beyond(account, size)
            if over <= 0:
                break
            if not await self._give_way(user, over, self._clock() - FRESH_MS):
                raise self._full(account)
        coming = sum(other.bytes - other.come_bytes for other in self._rooms)
        if free - coming - size < floor:
            self.low.set()
            raise DiskLow(retry_after_s=DISK_RETRY_AFTER_S)
        if room.rated:
            self._rate.take(user, size)
        account.reserved_bytes += size
        room.bytes += size

    @staticmethod
    def _beyond(account: _Account, size: int) -> int:
        if account.quota_bytes is None:
            return 0
        return account.used_bytes + account.reserved_bytes + size - account.quota_bytes

    @staticmethod
    def _full(account: _Account) -> QuotaExceeded:
        wait = {"retry_after_s": account.new_for_s} if account.new_for_s else {}
        return QuotaExceeded(quota_bytes=account.quota_bytes, used_bytes=account.used_bytes, **wait)

    async def _trim(self, user: str, account: _Account) -> None:
        """Let the oldest of what waits go; what is referred to by now is not among it."""
        usage = await self.usage(user)
        over = usage.waiting_bytes - self._max_waiting_bytes
        if over > 0:
            await self._give_way(user, over, None)
        account.waiting_bytes = usage.waiting_bytes

    async def _free(self) -> tuple[int, int]:
        free, whole = await self._free_bytes()
        return free, min(self._rules.min_free_disk_bytes, whole // FLOOR_PART)

    async def _enter(self, user: str) -> _Account:
        async with self._loading(user):
            account = self._accounts.get(user)
            if account is None:
                account = self._accounts[user] = _Account(*await self._load(user))
            account.uploads += 1
            return account

    async def _load(self, user: str) -> tuple[BlobUsage, int]:
        """What a user's files take, and for how many seconds the account is new."""
        used, waiting, role, created_at_ms = await self._store.read(
            lambda connection: _sums(connection, user)
        )
        if role == "bot":
            return BlobUsage(used, waiting, None), 0
        new_for_ms = max(0, NEW_ACCOUNT_MS - (self._clock() - created_at_ms))
        less = self._rules.new_account_quota_bytes
        if new_for_ms and less < self._rules.quota_bytes:
            return BlobUsage(used, waiting, less), -(-new_for_ms // 1000)
        return BlobUsage(used, waiting, self._rules.quota_bytes), 0


def _sums(connection: Connection, user: str) -> tuple[int, int, str, int]:
    charge = case((blobs.c.bytes < MIN_CHARGED_BYTES, MIN_CHARGED_BYTES), else_=blobs.c.bytes)
    waiting = case((blobs.c.unreferenced_at_ms.is_not(None), charge), else_=0)
    sums = select(func.coalesce(func.sum(charge), 0), func.coalesce(func.sum(waiting), 0))
    used, idle = connection.execute(sums.where(blobs.c.owner_id == user)).one()
    found = select(users.c.role, users.c.created_at_ms).where(users.c.id == user)
    role, created_at_ms = connection.execute(found).first() or ("user", 0)
    return int(used), int(idle), role, created_at_ms
