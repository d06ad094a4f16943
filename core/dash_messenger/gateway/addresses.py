"""Who asks: the address that limits are counted against.

Pure. Invariant: a header can change the answer only where the connection comes from a proxy that
the admin named; then the last address that is no such proxy counts (what stands before it, the
client may have made up).
"""

from __future__ import annotations

from collections.abc import Iterable
from ipaddress import ip_address, ip_network

from dash_messenger.plugins.web import Headers

__all__ = ["Addresses"]

MAX_HOPS = 20


class Addresses:
    """Call it with the peer's address and the request's headers."""

    def __init__(self, trusted_proxies: Iterable[str]) -> None:
        """``trusted_proxies`` are addresses or networks.

        Raises:
            ValueError: one of them is neither.
        """
        self._trusted = [ip_network(proxy, strict=False) for proxy in trusted_proxies]

    def __call__(self, peer: str, headers: Headers) -> str:
        """The address of whoever asks; the peer's own without a trusted proxy."""
        if not self._trusted or not self._is_trusted(peer):
            return peer
        hops = (headers.get("X-Forwarded-For") or "").split(",")
        for hop in reversed(hops[-MAX_HOPS:]):
            address = hop.strip()
            if not _is_address(address):
                return peer
            if not self._is_trusted(address):
                return address
        return peer

    def _is_trusted(self, address: str) -> bool:
        if not _is_address(address):
            return False
        parsed = ip_address(address)
        return any(parsed in network for network in self._trusted)


def _is_address(text: str) -> bool:
    try:
        ip_address(text)
    except ValueError:
        return False
    return True
