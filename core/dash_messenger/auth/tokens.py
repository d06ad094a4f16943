"""The secrets that requests carry: tokens of sessions, and devices that logged in before.

Owns their names and forms. Invariant: only hashes of tokens are stored.
"""

from __future__ import annotations

import hashlib
import secrets

from dash_messenger.plugin_api.web import Headers

__all__ = [
    "cookie_name",
    "device_cookie_name",
    "device_of",
    "hash_token",
    "new_device",
    "new_token",
    "read_cookie",
]

# 256 bits, and what they are in base64.
TOKEN_BYTES = 32
TOKEN_CHARACTERS = 43


def cookie_name(secure: bool) -> str:
    """The session cookie's name; ``__Host-`` makes browsers refuse one set by another host."""
    return "__Host-session" if secure else "session"


def device_of(headers: Headers, secure: bool) -> str:
    """The secret of the device that a request carries, or nothing where it carries none."""
    found = read_cookie(headers.get("Cookie") or "", device_cookie_name(secure))
    return found if len(found) == TOKEN_CHARACTERS else ""


def device_cookie_name(secure: bool) -> str:
    """The name of the cookie by which a browser is known that logged in before."""
    return "__Host-device" if secure else "device"


def new_device() -> str:
    """The secret of a device that was not seen before."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def new_token() -> str:
    """A token that nobody can guess: 256 bits."""
    return secrets.token_urlsafe(TOKEN_BYTES)


def hash_token(token: str) -> bytes:
    """What is stored of a token."""
    return hashlib.sha256(token.encode("utf-8", "surrogatepass")).digest()


def read_cookie(header: str, name: str) -> str:
    """The first cookie of that name (RFC 6265, section 4.2.1), or nothing."""
    for pair in header.split(";"):
        key, _, value = pair.strip().partition("=")
        if key == name:
            return value.strip('"')
    return ""
