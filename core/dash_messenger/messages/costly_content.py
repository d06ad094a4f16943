"""Content that was killed for what it cost, remembered so that nobody pays for it twice.

Owns the rows of ``costly_content``. Must not know what was done with the content: a key stands for
that. Invariant: what is remembered holds for one set of installed plugins and versions; with
another, everything is tried again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable
from hashlib import blake2b

import msgspec
import structlog
from msgspec import Struct
from sqlalchemy import delete, insert, select

from dash_messenger.accounts.admins import IsAdmin
from dash_messenger.errors import Failure, Forbidden
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.store import Store, Transaction
from dash_messenger.store.tables import costly_content

__all__ = ["MAX_COSTLY", "CostlyContent"]

# Each has cost 2 s of a processor: half a day of an attack by one child. Then the oldest go.
MAX_COSTLY = 20_000

log = structlog.get_logger(__name__)


class ForgetCostly(Struct, frozen=True, forbid_unknown_fields=True):
    """``plugin.forget_costly`` has no parameters."""


class Forgotten(Struct, frozen=True):
    """Result of ``plugin.forget_costly``: how many contents are tried again."""

    contents: int


class CostlyContent:
    """What was killed, by key. Call `load` before anything is looked up."""

    def __init__(self, store: Store) -> None:
        self._store = store
        self._installed = b""
        # The oldest first.
        self._keys: dict[bytes, None] = {}
        self._writing: set[asyncio.Task[None]] = set()

    async def load(self, versions: dict[str, str]) -> None:
        """Remember what was killed with these ``versions`` of plugins, and nothing else."""
        encoded = msgspec.json.encode(versions, order="sorted")
        self._installed = installed = blake2b(encoded, digest_size=16).digest()

        def work(transaction: Transaction) -> list[bytes]:
            connection = transaction.connection
            connection.execute(
                delete(costly_content).where(costly_content.c.installed_hash != installed)
            )
            rows = connection.execute(
                select(costly_content.c.key_hash).order_by(costly_content.c.at_ms)
            )
            return [row.key_hash for row in rows]

        self._keys = dict.fromkeys(await self._store.write(work))

    def __contains__(self, key: bytes) -> bool:
        return key in self._keys

    def add(self, key: bytes, job: str, type: str, reason: str) -> None:
        """Remember a content; it is on disk soon after."""
        if key in self._keys:
            return
        self._keys[key] = None
        forgotten = next(iter(self._keys)) if len(self._keys) > MAX_COSTLY else None
        if forgotten is not None:
            del self._keys[forgotten]

        def work(transaction: Transaction) -> None:
            connection = transaction.connection
            if forgotten is not None:
                connection.execute(
                    delete(costly_content).where(costly_content.c.key_hash == forgotten)
                )
            connection.execute(delete(costly_content).where(costly_content.c.key_hash == key))
            connection.execute(
                insert(costly_content).values(
                    key_hash=key,
                    installed_hash=self._installed,
                    job=job,
                    type=type,
                    reason=reason,
                    at_ms=transaction.now_ms,
                )
            )

        task = asyncio.get_running_loop().create_task(self._write(work))
        self._writing.add(task)
        task.add_done_callback(self._writing.discard)

    async def _write(self, work: Callable[[Transaction], None]) -> None:
        try:
            await self._store.write(work)
        except Failure as failure:
            # It is remembered until the next start.
            log.warning("costly_content_not_stored", reason=failure.key)

    async def forget(self) -> int:
        """Have everything tried again; how much that is."""
        self._keys = {}
        return await self._store.write(
            lambda transaction: transaction.connection.execute(delete(costly_content)).rowcount
        )

    async def aclose(self) -> None:
        """Wait for what is being stored."""
        await asyncio.gather(*self._writing, return_exceptions=True)

    def commands(self, is_admin: IsAdmin) -> list[Command]:
        """What an admin may ask."""

        async def forget(caller: Caller, params: ForgetCostly) -> Forgotten:
            if not await is_admin(caller.user_id):
                raise Forbidden
            return Forgotten(await self.forget())

        return [
            Command(
                "plugin.forget_costly",
                ForgetCostly,
                Forgotten,
                forget,
                "Try content again that was given up for what it cost; for admins.",
                rate="change",
            )
        ]
