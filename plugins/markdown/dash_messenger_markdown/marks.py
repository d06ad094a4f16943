"""By which marks a text is known as Markdown that nobody said is any.

For those alone that nobody types for another reason: sums, file names, globs and names in programs
hold none. Patterns of JavaScript, with the flags ``m`` and ``u``. Invariant: the time that each
takes grows as the text does, since what may stand inside a pair of marks never holds the mark.
"""

from __future__ import annotations

__all__ = ["MARKS"]

# A mark stands at the edge of words, where a sentence may begin or end.
_BEFORE = r"""(?<![^\s([{"'«„“—–-])"""
_AFTER = r"""(?![^\s)\]}"'»”“.,;:!?…—–-])"""


def _pair(mark: str, sign: str, not_first: str = "/.") -> str:
    """``mark`` around words that hold no ``sign``; what begins a path or an ending is none."""
    return rf"{_BEFORE}{mark}(?![\s{not_first}{sign}])[^{sign}\n]*[^\s{sign}]{mark}{_AFTER}"


MARKS = (
    _pair(r"\*\*", "*"),
    _pair(r"\*", "*"),
    _pair("~~", "~"),
    _pair(r"\|\|", "|"),
    _pair("`", "`", not_first=""),
    r"^```[^`\n]*\n",
    r"\[[^\[\]\n]+\]\((?:https?:\/\/|mailto:|tel:)[^\s()]+\)",
)
