"""Codes that people read out and type: their characters, and what was meant by what was typed.

Pure. Must not know what a code is for.
"""

from __future__ import annotations

import unicodedata

__all__ = ["CHARACTERS", "code_of", "in_groups", "plain_code"]

# Nothing that looks like something else: 4.9 bits each.
CHARACTERS = "ABCDEFGHJKMNPQRSTVWXYZ23456789"
_GROUP_CHARACTERS = 4


def in_groups(characters: str) -> str:
    """Characters as they are shown, four at a time."""
    places = range(0, len(characters), _GROUP_CHARACTERS)
    return "-".join(characters[place : place + _GROUP_CHARACTERS] for place in places)


def code_of(digest: bytes, count: int) -> str:
    """So many characters, plain, that go by a digest with many more bits than they have."""
    number, characters = int.from_bytes(digest), ""
    for _ in range(count):
        number, place = divmod(number, len(CHARACTERS))
        characters += CHARACTERS[place]
    return characters


def plain_code(typed: str) -> str:
    """What was typed without what stands between its parts, in upper case."""
    folded = unicodedata.normalize("NFKC", typed).upper()
    # Digits may be those of another keyboard.
    meant = "".join(str(unicodedata.decimal(c, c)) for c in folded)
    return "".join(c for c in meant if c.isascii() and c.isalnum())
