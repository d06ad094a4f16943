"""Hashes that only this database can make: of what must not be guessed from what is stored.

Owns the key. Must not know what is hashed. Invariant: what is hashed for one purpose says nothing
of the same value hashed for another.
"""

from __future__ import annotations

import hashlib

__all__ = ["KeyedHashes"]


class KeyedHashes:
    """By the secret of a database, which stands in it: against who has both, values need length."""

    __slots__ = ("_secret",)

    def __init__(self, secret: bytes) -> None:
        self._secret = secret

    def make(self, purpose: str, *values: str) -> bytes:
        """32 bytes; ``purpose`` has at most 16 characters, values no null character."""
        said = "\0".join(values).encode()
        return hashlib.blake2b(
            said, key=self._secret, person=purpose.encode(), digest_size=32
        ).digest()
