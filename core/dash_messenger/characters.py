"""Characters of people's text: which can be seen, which hide or turn round, where text may be cut.

Must not know what the text is for. Invariant: time in proportion to the text, and no rule takes a
character for nothing because this Python's Unicode tables are older than it.
"""

from __future__ import annotations

import unicodedata

__all__ = [
    "NothingVisible",
    "canonical_emoji",
    "count_emoji",
    "cut",
    "is_visible",
    "require_visible",
    "without_controls",
    "without_hidden",
]

_JOINERS = frozenset("\u200c\u200d")
_TEXT_STYLE, _EMOJI_STYLE, _KEY_CAP = "\ufe0e", "\ufe0f", "\u20e3"
_SKIN_TONES = frozenset(map(chr, range(0x1F3FB, 0x1F400)))
# Of these letters flags of regions are made, behind a black flag.
_BLACK_FLAG = "\U0001f3f4"
_TAGS = frozenset(map(chr, range(0xE0020, 0xE0080)))
_FLAG_LETTERS = range(0x1F1E6, 0x1F200)
# Symbols and emoji alone stand here, those of coming years too.
_PICTURES = range(0x1F000, 0x1FFFE)
# "#", "*" and digits become emoji by a key cap alone.
_KEYS = frozenset("#*0123456789")
_SIGNS = frozenset("©®™‼⁉ℹ〰〽㊗㊙")
# Letters and symbols by their category, of which nothing is seen; and what is never seen by itself
# (Default_Ignorable_Code_Point of Unicode, which is reserved by these ranges).
_BLANKS = frozenset("\u2800\u3164\u115f\u1160\uffa0\U0001d159")
_IGNORED = frozenset(
    "\u00ad\u034f\u061c\u17b4\u17b5\u180b\u180c\u180d\u180e\u180f"
    + "".join(
        map(
            chr,
            (
                *range(0x200B, 0x2010),
                *range(0x202A, 0x202F),
                *range(0x2060, 0x2070),
                *range(0xFE00, 0xFE10),
                *(0xFEFF, *range(0xFFF0, 0xFFF9)),
                *range(0x1BCA0, 0x1BCA4),
                *range(0x1D173, 0x1D17B),
                *range(0xE0000, 0xE1000),
            ),
        )
    )
)
# What is looked at before a text's characters are told apart, which takes longer.
_LOOKED_AT = 16
_CONTROLS = {code: None for code in (*range(32), *range(0x7F, 0xA0)) if chr(code) not in "\t\n\r"}


class NothingVisible(ValueError):
    """A text in which nothing can be seen; ``field`` is where it stands."""

    def __init__(self, field: str) -> None:
        super().__init__("nothing in it can be seen")
        self.field = field


def require_visible(text: str, field: str = "text") -> None:
    """Refuse a text that shows nothing: for ``__post_init__`` of a content.

    Raises:
        NothingVisible: whoever sent it is told so at that field.
    """
    if not is_visible(text):
        raise NothingVisible(field)


def is_visible(text: str) -> bool:
    """Whether anything in ``text`` can be seen: neither blanks nor what is never shown."""
    # Most texts begin with a letter or a digit; what does not is soon over, or repeats itself.
    return (
        "!" <= text[:1] <= "~"
        or any(map(_is_seen, text[:_LOOKED_AT]))
        or any(map(_is_seen, set(text[_LOOKED_AT:])))
    )


def _is_seen(character: str) -> bool:
    return (
        not character.isspace()
        and character not in _BLANKS
        and character not in _IGNORED
        and unicodedata.category(character) not in ("Cc", "Cf", "Cs")
    )


def without_controls(text: str) -> str:
    """``text`` without control characters, but for tabs and the ends of lines."""
    return text.translate(_CONTROLS)


def without_hidden(text: str) -> str:
    """``text`` on one line, without what would let a name hide or turn its surroundings round."""
    kept: list[str] = []
    flag = False
    for character in unicodedata.normalize("NFC", text):
        if character in _TAGS:
            if flag:
                kept.append(character)
            continue
        flag = character == _BLACK_FLAG
        # The joiners build emoji and are needed by Persian and Indic scripts.
        if character in _JOINERS or character.isspace() or not _is_hidden(character):
            kept.append(character)
    return " ".join("".join(kept).split())


def _is_hidden(character: str) -> bool:
    kind = unicodedata.category(character)
    # Marks that choose a variant of what stands before them are seen by that.
    if kind in ("Cc", "Cf", "Cs", "Co") or (kind != "Mn" and character in _IGNORED):
        return True
    code = ord(character)
    # What no Unicode will ever assign.
    return code & 0xFFFE == 0xFFFE or 0xFDD0 <= code < 0xFDF0


def cut(text: str, most: int) -> str:
    """``text``, at most ``most`` characters of it; what is seen as one is left whole."""
    if len(text) <= most:
        return text
    # Takes 50 ms once, and few texts are cut.
    from wcwidth import grapheme_boundary_before

    return text[: grapheme_boundary_before(text, most + 1)] or text[:most]


def canonical_emoji(text: str) -> str:
    """Emoji in the one spelling that each has, or an empty text where it is none.

    The spelling is Unicode's fully qualified one: what is text by itself has the variation
    selector, and nothing else has.
    """
    kept = [one for one in text if one not in (_TEXT_STYLE, _EMOJI_STYLE)]
    parts: list[str] = []
    shown = False
    for place, character in enumerate(kept):
        following = kept[place + 1] if place + 1 < len(kept) else ""
        parts.append(character)
        if character in _KEYS:
            if following != _KEY_CAP:
                return ""
            shown = True
        elif _is_picture(character):
            shown = True
            if following in _SKIN_TONES or not _is_text_by_itself(character):
                continue
        elif character in _SKIN_TONES or character in _TAGS or character in ("\u200d", _KEY_CAP):
            continue
        else:
            return ""
        parts.append(_EMOJI_STYLE)
    return "".join(parts) if shown else ""


def count_emoji(text: str) -> int:
    """How many emoji ``text`` is, spaces aside; 0 where anything else is in it."""
    if not canonical_emoji(text.replace(" ", "")):
        return 0
    # As in `cut`: few texts come this far.
    from wcwidth import iter_graphemes

    shown = [one for word in text.split() for one in iter_graphemes(word)]
    return len(shown) if all(map(canonical_emoji, shown)) else 0


def _is_picture(character: str) -> bool:
    if character in _SKIN_TONES:
        return False
    return (
        ord(character) in _PICTURES
        or character in _SIGNS
        or unicodedata.category(character) == "So"
        or (unicodedata.category(character) == "Sm" and ord(character) >= 0x2190)
    )


def _is_text_by_itself(character: str) -> bool:
    """Whether it is an emoji by the variation selector alone."""
    if ord(character) in _FLAG_LETTERS or unicodedata.category(character) == "Cn":
        return False
    return unicodedata.east_asian_width(character) != "W"
