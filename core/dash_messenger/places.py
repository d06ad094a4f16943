"""Where a request comes from, as limits count it.

Pure. Owns what counts as one place: an IPv4 address, or the 64 bits of IPv6 that one household has.
Invariant: people behind a proxy that the admin did not name are never counted as one.
"""

from __future__ import annotations

from dataclasses import dataclass, field
from ipaddress import IPv4Address, IPv6Address, ip_address, ip_network

__all__ = ["Place", "parse_address"]

# What a provider gives a household at least (RFC 6177): whoever has one address has 2^64.
IPV6_PREFIX_BITS = 64


def parse_address(text: str) -> IPv4Address | IPv6Address | None:
    """The address that stands in ``text``, or None.

    Some proxies add a port; IPv4 that comes by an IPv6 socket is IPv4 (RFC 4291, section 2.5.5.2).
    """
    text = text.strip()
    if text.startswith("["):
        text = text[1:].partition("]")[0]
    elif text.count(":") == 1:
        text = text.partition(":")[0]
    try:
        found = ip_address(text)
    except ValueError:
        return None
    mapped = found.ipv4_mapped if isinstance(found, IPv6Address) else None
    return mapped or found


@dataclass(frozen=True, slots=True)
class Place:
    """``shared``: a proxy that nobody named sent it, so that many people may have this address.

    ``claimed`` is whom that proxy names, which may be made up; ``device`` the secret by which a
    browser is known that logged in before.
    """

    address: str
    shared: bool = False
    claimed: str = ""
    device: str = field(default="", repr=False)

    @property
    def network(self) -> str:
        """The address, without the part that its owner may choose."""
        return _network(self.address)

    @property
    def counted_as(self) -> str | None:
        """What limits by address count, or None where nothing tells people apart.

        Behind a proxy that nobody named it is whom the proxy names: who makes names up evades the
        limit, and shuts nobody out.
        """
        if not self.shared:
            return self.network
        return f"{self.network} for {_network(self.claimed)}" if self.claimed else None


def _network(address: str) -> str:
    parsed = parse_address(address)
    if isinstance(parsed, IPv6Address):
        return str(ip_network((int(parsed), IPV6_PREFIX_BITS), strict=False))
    return address if parsed is None else str(parsed)
