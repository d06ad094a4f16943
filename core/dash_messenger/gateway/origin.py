"""Which pages may talk to the server as the user: exactly our own origin (RFC 6454).

Pure, and the same for the socket, the API and Dash's callbacks. Invariant: a request that carries
a cookie is acted on only if its ``Origin`` equals, character for character, the origin people use.
Nothing is matched by prefix, suffix or pattern; ``null`` is nobody's origin.
"""

from __future__ import annotations

__all__ = ["origin_allowed"]


def origin_allowed(
    origin: str | None,
    *,
    public_url: str | None,
    host: str | None,
    secure: bool = False,
    cookie: bool,
    bearer: bool,
) -> bool:
    """Whether a request that changes or reveals something may be acted on.

    ``public_url`` is the configured origin (``https://chat.example.org``). Without one, the origin
    must be the address the request was sent to: ``host`` is its ``Host`` header, ``secure``
    whether it came by TLS. ``cookie`` and ``bearer`` say whether the request has a ``Cookie`` and
    an ``Authorization: Bearer`` header: only a script has no ``Origin``, and a script has a token
    and no cookie.
    """
    if origin is None:
        return bearer and not cookie
    if public_url is not None:
        return origin == public_url
    if not host:
        return False
    scheme = "https" if secure else "http"
    return origin == f"{scheme}://{host.lower()}"
