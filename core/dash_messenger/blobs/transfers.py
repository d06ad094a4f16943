"""Files on their way, in or out, and whether they may go on.

Owns who is under way. Must not know how bytes travel. Invariant: a transfer ends within a second of
the end of its session, or of its user's right to read the file, whatever ended them: every transfer
that lasts is looked up again twice a second, in one read for all.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Iterator, MutableMapping
from contextlib import contextmanager
from dataclasses import dataclass
from functools import partial
from typing import Any, Protocol

import structlog
from sqlalchemy import Connection, select

from dash_messenger.clock import Clock
from dash_messenger.errors import Failure
from dash_messenger.store import Store
from dash_messenger.store.access import is_open
from dash_messenger.store.blob_references import CoreBlobRows, may_read
from dash_messenger.store.tables import blobs

__all__ = ["ABORT", "Transfers"]

# Under a second in all, with the read and a busy loop.
LOOK_EVERY_S = 0.4
# Where a request's scope has the function that cuts its connection.
ABORT = "dash_messenger.abort"

log = structlog.get_logger(__name__)


class Session(Protocol):
    """The session that a request carries."""

    @property
    def id(self) -> str:
        """Its id."""

    @property
    def user(self) -> str:
        """Whose it is."""


@dataclass(frozen=True, slots=True, eq=False)
class _Transfer:
    """One request; ``blob`` goes out, None comes in."""

    session: Session
    blob: str | None
    abort: Callable[[], None]


class Transfers:
    """The transfers of one server."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self._store = store
        self._clock = clock
        self._under_way: set[_Transfer] = set()
        self._looking: asyncio.Task[None] | None = None

    @contextmanager
    def watch(
        self, scope: MutableMapping[str, Any], session: Session, blob: str | None = None
    ) -> Iterator[None]:
        """Cut the connection of a request when the session, or the right to ``blob``, ends."""
        abort = scope.get(ABORT)
        if abort is None:
            # Not a connection: a test's client.
            yield
            return
        transfer = _Transfer(session, blob, abort)
        self._under_way.add(transfer)
        if self._looking is None or self._looking.done():
            self._looking = asyncio.get_running_loop().create_task(self._look())
        try:
            yield
        finally:
            self._under_way.discard(transfer)

    async def aclose(self) -> None:
        """Look no more."""
        if self._looking is not None:
            self._looking.cancel()
            await asyncio.gather(self._looking, return_exceptions=True)

    async def _look(self) -> None:
        while self._under_way:
            await asyncio.sleep(LOOK_EVERY_S)
            asked = [*self._under_way]
            try:
                over = await self._store.read(partial(_over, transfers=asked, now_ms=self._clock()))
            except Failure as failure:
                # The database is busy: they are looked up in a moment.
                log.warning("transfers_not_checked", error=failure.key)
                continue
            for transfer in over:
                if transfer in self._under_way:
                    log.info("transfer_ended", user=transfer.session.user, blob=transfer.blob)
                    transfer.abort()


def _over(connection: Connection, transfers: list[_Transfer], now_ms: int) -> list[_Transfer]:
    """Those that may not go on."""
    return [one for one in transfers if not _may_go_on(connection, one, now_ms)]


def _may_go_on(connection: Connection, transfer: _Transfer, now_ms: int) -> bool:
    if not is_open(connection, transfer.session.id, now_ms):
        return False
    if transfer.blob is None:
        return True
    owner = connection.execute(select(blobs.c.owner_id).where(blobs.c.id == transfer.blob)).scalar()
    if owner is None or owner == transfer.session.user:
        return owner is not None
    return may_read(CoreBlobRows(connection), transfer.session.user, transfer.blob)
