"""Who asks, and by TLS or not, where proxies stand between.

Owns which headers of a proxy are believed. Invariant: a header can change the answer only where the
connection comes from a proxy that the admin named; then, counted from the right, the first address
that is no such proxy counts (what stands before it, the client may have made up).
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping, MutableMapping
from ipaddress import IPv4Address, IPv6Address, ip_network
from typing import Any, NamedTuple

import structlog

from dash_messenger.places import Place, parse_address
from dash_messenger.plugin_api.web import Headers

__all__ = ["Addresses", "BehindProxies", "Found", "on_this_machine", "place_of"]

MAX_HOPS = 20
PLACE = "dash_messenger.place"
# What a proxy says of the request that it passes on; RFC 7239 has a header of its own.
SIGNS = ("X-Forwarded-For", "X-Forwarded-Proto", "X-Forwarded-Host", "X-Real-IP", "Forwarded")
# The same, and what proxies of known makers send.
SIGNS_OF_PROXIES = frozenset(
    ("forwarded", "via", "x-real-ip", "x-client-ip", "true-client-ip", "cf-connecting-ip")
)

log = structlog.get_logger(__name__)


class Found(NamedTuple):
    """Where a request comes from, and whether a proxy took it by TLS."""

    place: Place
    secure: bool


class Addresses:
    """Call it with the peer's address and the request's headers, repeated ones joined."""

    def __init__(self, trusted_proxies: Iterable[str]) -> None:
        """``trusted_proxies`` are addresses or networks.

        Raises:
            ValueError: one of them is neither.
        """
        self._trusted = [ip_network(proxy, strict=False) for proxy in trusted_proxies]
        self._told = False

    def __call__(self, peer: str, headers: Headers) -> Found:
        """The peer's own address unless it is a trusted proxy; then whom it names."""
        address = parse_address(peer)
        direct = str(address or peer)
        hops = (headers.get("X-Forwarded-For") or "").split(",")[-MAX_HOPS:]
        if address is None or not self._trusts(address):
            seen = [name for name in SIGNS if headers.get(name)]
            if not seen:
                return Found(Place(direct), secure=False)
            self._tell(direct, seen[0])
            claimed = parse_address(hops[-1])
            return Found(Place(direct, shared=True, claimed=str(claimed or "")), secure=False)
        schemes = (headers.get("X-Forwarded-Proto") or "").split(",")
        secure = schemes[-1].strip().lower() == "https"
        return Found(Place(self._client(hops) or direct), secure)

    def _client(self, hops: list[str]) -> str | None:
        for hop in reversed(hops):
            address = parse_address(hop)
            if address is None:
                return None
            if not self._trusts(address):
                return str(address)
        return None

    def _trusts(self, address: IPv4Address | IPv6Address) -> bool:
        return any(address in network for network in self._trusted)

    def _tell(self, peer: str, header: str) -> None:
        if not self._told:
            self._told = True
            log.warning(
                "proxy_not_trusted",
                peer=peer,
                header=header,
                setting="trusted_proxies",
                advice="if this peer is your proxy, name its address in the setting",
            )


class BehindProxies:
    """An ASGI application around another, whose requests come from where `Addresses` says."""

    def __init__(self, app: Any, addresses: Addresses) -> None:
        self._app = app
        self._addresses = addresses

    async def __call__(self, scope: MutableMapping[str, Any], receive: Any, send: Any) -> None:
        """Pass a request on, its peer and scheme being those of the client."""
        if scope["type"] == "http":
            peer, port = scope.get("client") or ("", None)
            place, secure = self._addresses(peer, _joined(scope["headers"]))
            scheme = "https" if secure else scope["scheme"]
            scope = {**scope, "client": (place.address, port), "scheme": scheme, PLACE: place}
        await self._app(scope, receive, send)


def place_of(scope: Mapping[str, object]) -> Place | None:
    """Where the request of an ASGI scope comes from, if `BehindProxies` passed it on."""
    found = scope.get(PLACE)
    return found if isinstance(found, Place) else None


def on_this_machine(scope: Mapping[str, Any]) -> bool:
    """Whether a request comes from a browser on this machine, and no proxy shows.

    The address that it asks for is this machine's too, so that another site's name that was pointed
    here does not count; and it is not by HTTP/1.0, which proxies speak and browsers do not.
    """
    place, host = place_of(scope), ""
    for raw, value in scope["headers"]:
        name = raw.decode("latin-1")
        if name == "host":
            host = value.decode("latin-1")
        elif name.startswith("x-forwarded-") or name in SIGNS_OF_PROXIES:
            return False
    asked = parse_address(host)
    return (
        place is not None
        and scope.get("http_version") != "1.0"
        and _is_loopback(parse_address(place.address))
        and (host.partition(":")[0] == "localhost" or _is_loopback(asked))
    )


def _is_loopback(address: IPv4Address | IPv6Address | None) -> bool:
    return address is not None and address.is_loopback


_NAMES = {name.lower().encode(): name for name in SIGNS}


def _joined(headers: Iterable[tuple[bytes, bytes]]) -> Mapping[str, str]:
    """The headers of proxies with each name once, as RFC 9110, section 5.3, lets them be joined."""
    found: dict[str, str] = {}
    for raw, value in headers:
        name = _NAMES.get(raw)
        if name is not None:
            text = value.decode("latin-1")
            found[name] = f"{found[name]}, {text}" if name in found else text
    return found
