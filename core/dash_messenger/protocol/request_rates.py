"""How often, and how many at once, each class of requests may be made.

Owns the classes and what each allows. Must not know any command: each is registered with its class.
Invariants: a command has a class; one user's reads never hold all the threads that read, and of one
connection's pages there is at most one that it has not yet taken.
"""

from __future__ import annotations

import time
from collections.abc import AsyncIterator, Callable, Coroutine, Mapping
from contextlib import asynccontextmanager
from types import MappingProxyType
from typing import Any, Literal, Protocol, TypeAlias, TypeVar, get_args

from msgspec import Struct

from dash_messenger.rate_limits import Buckets
from dash_messenger.turns import Newest, Turns

__all__ = ["ALLOWANCES", "RATES", "Allowance", "Rate", "Rates", "Takes"]

Rate: TypeAlias = Literal[
    "cheap read", "dear read", "write", "change", "preview", "callback", "anonymous", "own"
]
"""The class of a command.

``cheap read``: a few rows. ``dear read``: a page of messages or events. ``write``: to a message.
``change``: of conversations, accounts and sessions. ``preview``: work on content that is not kept.
``callback``: a page's. ``anonymous``: whoever has no session, by address. ``own``: the command
counts itself, as ``message.send`` does.
"""
RATES: frozenset[str] = frozenset(get_args(Rate))

# A page goes on its way when the one before it has left the socket's buffer. Several sockets of one
# user take turns, so that others wait for two of theirs at most.
DEAR_READS_AT_ONCE = 2
# A fraction of what waits for the reader threads before they are busy for everybody.
CHEAP_READS_AT_ONCE = 8

T = TypeVar("T")


class Allowance(Struct, frozen=True):
    """``burst`` requests at once, ``per_s`` in the long run."""

    burst: int
    per_s: float


ALLOWANCES: Mapping[Rate, Allowance] = MappingProxyType(
    {
        # A client with 500 conversations that reconnects asks for 6 pages of the list, and for each
        # conversation for what it missed and a page of history; twice, where the line is bad.
        "cheap read": Allowance(2_000, 50),
        "dear read": Allowance(2_500, 20),
        # Faster than anybody can click.
        "write": Allowance(300, 20),
        # Moving a team into its groups; nobody does that all day.
        "change": Allowance(120, 1),
        # While one types, one preview for each pause.
        "preview": Allowance(60, 2),
        # Pages ask once for each click, and several times as they open.
        "callback": Allowance(300, 20),
        # By address, unless a proxy that the admin did not name hides it. Passwords take so long to
        # check that this many a second are never answered; it bounds what is not about passwords.
        "anonymous": Allowance(1_000, 50),
    }
)


class Takes(Protocol):
    """A connection that pages are sent to."""

    async def drained(self) -> None:
        """Return once the client has taken most of what it was sent, or is gone."""


class Rates:
    """Counts requests and lets them begin. ``enabled``: whether how often is limited."""

    def __init__(
        self, *, enabled: bool = True, clock_s: Callable[[], float] = time.monotonic
    ) -> None:
        self._buckets = {
            rate: Buckets(
                burst=allowance.burst, per_s=allowance.per_s, enabled=enabled, clock_s=clock_s
            )
            for rate, allowance in ALLOWANCES.items()
        }
        self._dear: Turns[str] = Turns(DEAR_READS_AT_ONCE)
        self._cheap: Turns[str] = Turns(CHEAP_READS_AT_ONCE)
        self._pages: Turns[Takes] = Turns(1)
        self._previews: Newest[str] = Newest()

    def take(self, rate: Rate, key: str) -> None:
        """Count a request of ``key``, a user or an address.

        Raises:
            RateLimited: there were too many of this class.
        """
        if rate != "own":
            self._buckets[rate].take(key)

    async def run(
        self, rate: Rate, key: str, connection: Takes | None, work: Coroutine[Any, Any, T]
    ) -> T:
        """What ``work`` returns, begun when it is its turn.

        Raises:
            Superseded: a newer preview was asked for.
            Exception: what ``work`` raises.
        """
        begun = False
        try:
            async with self._turn(rate, key, connection):
                begun = True
                if rate == "preview":
                    return await self._previews.run(key, work)
                return await work
        finally:
            if not begun:
                work.close()

    @asynccontextmanager
    async def _turn(self, rate: Rate, key: str, connection: Takes | None) -> AsyncIterator[None]:
        if rate == "cheap read":
            async with self._cheap(key):
                yield
        elif rate == "dear read" and connection is not None:
            async with self._pages(connection):
                await connection.drained()
                async with self._dear(key):
                    yield
        elif rate == "dear read":
            async with self._dear(key):
                yield
        else:
            yield
