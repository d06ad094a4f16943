"""How many connections there may be, in all and from one address.

Owns who gives way when there are too many. Must not know HTTP. Invariant: a connection on which a
request is under way is never ended for another's sake; an idle one is, so that whoever holds many
shuts nobody out, be they behind the same proxy.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable
from ipaddress import IPv6Address, ip_address, ip_network
from itertools import islice
from typing import Protocol

import structlog

__all__ = ["ConnectionLimits", "Connections"]

# Looked at, oldest first, to find one that gives way. Under an attack nearly all of them are idle.
MAX_LOOKED_AT = 256
# Who is refused is logged once in so long, with how many were since.
LOG_EVERY_S = 10.0
# What a provider gives a household at least (RFC 6177): whoever has one address has 2^64.
IPV6_PREFIX_BITS = 64

log = structlog.get_logger(__name__)


class Idle(Protocol):
    """A connection of plain HTTP."""

    @property
    def idle(self) -> bool:
        """Whether no request is under way on it."""

    def give_way(self) -> None:
        """End it."""


class ConnectionLimits(Protocol):
    """What a connection of plain HTTP asks."""

    def admit(self, connection: Idle, address: str, in_all: int) -> bool:
        """Whether it may stay; ``in_all`` counts it, and sockets."""

    def leave(self, connection: Idle, address: str) -> None:
        """It is gone, or a socket now."""


class Connections:
    """The connections of plain HTTP by address. Those from ``proxies`` count in all alone."""

    def __init__(
        self,
        *,
        max_in_all: int,
        max_per_address: int,
        proxies: Iterable[str] = (),
        clock: Callable[[], float] = time.monotonic,
    ) -> None:
        self._max_in_all = max_in_all
        self._max_per_address = max_per_address
        self._proxies = [ip_network(proxy, strict=False) for proxy in proxies]
        self._clock = clock
        # Dictionaries keep the order of arrival.
        self._all: dict[Idle, None] = {}
        self._by_place: dict[str, dict[Idle, None]] = {}
        self._refused: dict[str, int] = {}
        self._logged_s = -LOG_EVERY_S

    def admit(self, connection: Idle, address: str, in_all: int) -> bool:
        """Whether the connection may stay; another that is idle may have to go for it."""
        place = self._place(address)
        ours = self._by_place.get(place, {})
        if place and len(ours) >= self._max_per_address and not _end_idle(ours):
            self._refuse("too many from one address", address)
            return False
        if in_all > self._max_in_all and not _end_idle(self._all):
            self._refuse("too many in all", address)
            return False
        self._all[connection] = None
        if place:
            self._by_place.setdefault(place, {})[connection] = None
        return True

    def leave(self, connection: Idle, address: str) -> None:
        """Forget a connection. Harmless twice."""
        self._all.pop(connection, None)
        place = self._place(address)
        ours = self._by_place.get(place)
        if ours is not None:
            ours.pop(connection, None)
            if not ours:
                del self._by_place[place]

    def _place(self, address: str) -> str:
        """What counts as one address; nothing for a proxy's, and where it has none."""
        try:
            found = ip_address(address)
        except ValueError:
            return ""
        if isinstance(found, IPv6Address):
            if found.ipv4_mapped is None:
                place = str(ip_network((found, IPV6_PREFIX_BITS), strict=False))
                return "" if any(found in proxy for proxy in self._proxies) else place
            found = found.ipv4_mapped
        return "" if any(found in proxy for proxy in self._proxies) else str(found)

    def _refuse(self, reason: str, address: str) -> None:
        self._refused[reason] = self._refused.get(reason, 0) + 1
        if self._clock() - self._logged_s < LOG_EVERY_S:
            return
        self._logged_s = self._clock()
        for why, count in self._refused.items():
            log.warning("connections_refused", reason=why, count=count, last=address)
        self._refused.clear()


def _end_idle(connections: dict[Idle, None]) -> bool:
    """End the connection that was there first of those that are idle; whether there was one."""
    found = next((one for one in islice(connections, MAX_LOOKED_AT) if one.idle), None)
    if found is None:
        return False
    found.give_way()
    return True
