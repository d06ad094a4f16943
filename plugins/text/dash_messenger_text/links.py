"""Finds web addresses in a text, in one pass.

Owns what counts as an address: one that says ``http://`` or ``https://``. Must not know how it is
drawn. Invariant: time in proportion to the text, whatever it is; text is drawn where a look at it
cannot be stopped.
"""

from __future__ import annotations

import re
from collections.abc import Iterator

__all__ = ["links"]

# No white space, no quotation marks, nothing that hides or turns round what follows. Each match
# begins where the last one ended, so that nothing is read twice.
_CANDIDATE = re.compile(
    r"(?<!\w)https?://(?=[^\W_]|[^\x00-\x7f])"
    r"[^\s<>\"“”„«»‹›。、，\x00-\x20\x7f-\x9f\u200b-\u200f\u202a-\u202e\u2066-\u2069]+",
    re.IGNORECASE,
)
# At the end they belong to the sentence.
_PUNCTUATION = ".,:;!?'`…"
_OPENERS = {")": "(", "]": "[", "}": "{"}


def links(text: str) -> Iterator[tuple[int, int]]:
    """Where each address begins and ends."""
    for candidate in _CANDIDATE.finditer(text):
        start, end = candidate.span()
        address = text[start : start + _closed(text[start:end])]
        bare = address.rstrip(_PUNCTUATION)
        # A scheme alone leads nowhere.
        if len(bare) > bare.find("//") + 2:
            yield start, start + len(bare)


def _closed(address: str) -> int:
    """How much of it has no bracket that closes and was not opened in it."""
    open_ = dict.fromkeys(_OPENERS.values(), 0)
    for index, character in enumerate(address):
        if character in open_:
            open_[character] += 1
        elif character in _OPENERS:
            if not open_[_OPENERS[character]]:
                return index
            open_[_OPENERS[character]] -= 1
    return len(address)
