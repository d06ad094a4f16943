"""Words as people look for them: what is written differently and meant alike becomes one.

Pure. Owns what a word is, and how it is folded: upper and lower case, accents, the forms of one
letter. Must not know where words stand or who looks. Invariant: what is folded stays as it is when
it is folded again, so that what was stored is found by what is typed.
"""

from __future__ import annotations

import unicodedata

__all__ = ["MAX_WORD_CHARACTERS", "words_of"]

# Longer than any name. A word beyond it is found by its beginning.
MAX_WORD_CHARACTERS = 64

# Letters that Unicode does not take apart, as people without that key type them.
_PLAIN = str.maketrans(
    {"ı": "i", "ø": "o", "ł": "l", "đ": "d", "ħ": "h", "æ": "ae", "œ": "oe", "ð": "d", "þ": "th"}
)
# They stand inside words and are seldom typed: joiners, and what writes a letter longer.
_LEFT_OUT = frozenset("\u200c\u200d\u00ad\u0640")
# Emoji, those of coming years too; the skin tones among them only change the one before.
_PICTURES = range(0x1F000, 0x1FFFE)
_SKIN_TONES = range(0x1F3FB, 0x1F400)


def words_of(text: str) -> list[str]:
    """The folded words of ``text``, each once: letters and digits that stand together.

    An emoji is a word, whatever stands beside it. Other signs only part words.
    """
    words: dict[str, None] = {}
    word: list[str] = []

    def end() -> None:
        if word:
            words["".join(word)[:MAX_WORD_CHARACTERS]] = None
            word.clear()

    for character in _folded(text):
        kind = unicodedata.category(character)
        if kind[0] in "LN" or (kind[0] == "M" and word and not _is_selector(character)):
            word.append(character)
        elif kind == "So" or ord(character) in _PICTURES:
            end()
            if ord(character) not in _SKIN_TONES:
                words[character] = None
        elif kind[0] != "M":
            end()
    end()
    return list(words)


def _folded(text: str) -> str:
    """``text`` with neither case nor accents; ё is е and ß is ss, as in all of Unicode."""
    # Taking letters apart may bring capitals: of mathematical ones, and of what is full width.
    apart = unicodedata.normalize("NFKD", unicodedata.normalize("NFKD", text).casefold())
    bare = "".join(
        character
        for character in apart.casefold()
        # Vowels of Indic scripts and of Thai are marks too, but of class 0: they stay.
        if character not in _LEFT_OUT and not unicodedata.combining(character)
    )
    return bare.translate(_PLAIN)


def _is_selector(character: str) -> bool:
    """Whether it only chooses how what stands before it is drawn."""
    return "\ufe00" <= character <= "\ufe0f" or "\U000e0100" <= character <= "\U000e01ef"
