"""Which pages may talk to the server as the user: exactly our own origin (RFC 6454).

The same for the socket, the API and Dash's callbacks. Invariant: a request that carries
a cookie is acted on only if its ``Origin`` equals, character for character, the origin people use.
Nothing is matched by prefix, suffix or pattern; ``null`` is nobody's origin.
"""

from __future__ import annotations

import structlog

__all__ = ["Origins", "origin_allowed"]

MAX_SHOWN_CHARACTERS = 256

log = structlog.get_logger(__name__)


class Origins:
    """The origin of one server; tells its admin once when a page of another one was refused."""

    def __init__(self, public_url: str | None) -> None:
        self._public_url = public_url
        self._told = False

    def allow(
        self, origin: str | None, *, host: str | None, secure: bool, cookie: bool, bearer: bool
    ) -> bool:
        """Whether a request may be acted on, as `origin_allowed` says."""
        allowed = origin_allowed(
            origin,
            public_url=self._public_url,
            host=host,
            secure=secure,
            cookie=cookie,
            bearer=bearer,
        )
        if not allowed and origin is not None and not self._told:
            self._told = True
            log.warning(
                "origin_refused",
                origin=origin[:MAX_SHOWN_CHARACTERS],
                expected=self._public_url or (host or "")[:MAX_SHOWN_CHARACTERS],
                setting="public_url",
                advice="if this is the address people use, it belongs into the setting",
            )
        return allowed


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
