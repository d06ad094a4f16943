"""Content that somebody hostile writes: every construct at its limits, made from a seed.

Owns what is written, not how it is sent. Each content is within what its type lets an author send,
or a little beyond it. The same seed gives the same contents.
"""

from __future__ import annotations

import random
import string
from collections.abc import Callable, Iterator
from typing import Any, TypeAlias

from pygments.lexers import get_all_lexers

__all__ = ["Contents", "Written"]

MAX_CHARACTERS = 16_000

# A message's type and content.
Written: TypeAlias = tuple[str, dict[str, Any]]

# What opens and closes something in Markdown, or is nearly that.
PAIRS = [
    *(("*", "*"), ("**", "**"), ("_", "_"), ("~~", "~~"), ("||", "||"), ("`", "`"), ("``", "``")),
    *(("[", "]"), ("[", "](a)"), ("![", "](a)"), ("[a](", ")"), ('[a](b "', '")'), ("[", "]: a")),
    *(("<", ">"), ("<a ", ">"), ("<!--", "-->"), ("&#", ";"), ("&amp", ";"), ("(", ")")),
    *(("http://a.", "/"), ("mailto:a@", ".b"), ("<http://", ">"), ('"', '"'), ("'", "'")),
]
# What stands at the beginning of a line.
LINES = [
    *("- ", "* ", "+ ", "1. ", "999999999) ", "- [ ] ", "- [x] ", "> ", ">", "# ", "###### "),
    *("    ", "\t", "| a | b |\n| --- | --- |\n| ", "|-|\n", "---\n", "===\n", "***\n", "[a]: b\n"),
    *("```\n", "~~~\n", "```python\n", ":::\n", "<div>\n", "&nbsp;\n", "\\\n", "  \n"),
]
# What regular expressions trip over when it is repeated and the end does not fit.
REPEATED = [
    *(
        "-",
        "=",
        "_",
        "*",
        " ",
        "\t",
        "\n",
        "a",
        "0",
        "9.",
        "aA",
        "\\",
        '"',
        "'",
        "$'",
        "`",
        "|",
        "#",
    ),
    *(
        "(",
        "((",
        "[",
        "[[",
        "{",
        "{{",
        "<",
        "<<",
        "/*",
        "//",
        "<!--",
        "\\\\",
        '\\"',
        "%",
        "%%",
        "@",
    ),
    *("::", ";", ",", ".", "..", "a.", "a,", "a=", "a:", "a b ", "=a", "r#", 'r#"', "/", "~", "^"),
    *("\u200b", "\u200f", "\u202e", "\u0301", "\U0001f469\u200d", "\ufeff", "ß", "İ", "ﷺ"),
]
ENDS = ["", "a", "!", "\n", "\\", '"', "\x01", "]", ")", "é", "0", " x", "\u2028"]
NUMBERS = [0, -1, 2**31, 2**53, 2**63, 10**400, 1e308, -0.0]
ODD: list[Any] = [None, True, 7, "", [], {}, [[]], "x" * 5_000, {"a": {"a": {"a": []}}}]


class Contents:
    """An endless row of contents. ``blob`` is an upload that the author may refer to."""

    def __init__(self, seed: int, *, blob: str) -> None:
        self._chance = random.Random(seed)
        self._blob = blob
        self._languages = sorted(alias for lexer in get_all_lexers() for alias in lexer[1][:1])

    def __iter__(self) -> Iterator[Written]:
        kinds: list[Callable[[], Written]] = [
            *(self._nested, self._lines, self._repeated, self._mixed) * 2,
            *(self._code,) * 6,
            *(self._text, self._photo, self._files, self._sticker, self._poll, self._misfit),
        ]
        while True:
            yield self._chance.choice(kinds)()

    def code(self, language: str) -> Written:
        """A block of code in one language that nearly is code."""
        return self._markdown(f"```{language}\n{self._near_miss(3_900)}\n```")

    @property
    def languages(self) -> list[str]:
        """A name of every language that code can be in."""
        return self._languages

    def _code(self) -> Written:
        return self.code(self._chance.choice(self._languages))

    def _nested(self) -> Written:
        opens, closes = self._chance.choice(PAIRS)
        depth = self._chance.choice([1, 5, 20, 100, MAX_CHARACTERS])
        depth = min(depth, MAX_CHARACTERS // len(opens + closes))
        kept = self._chance.choice([depth, depth, depth - 1, depth // 2, 0])
        return self._markdown(opens * depth + self._chance.choice(ENDS) + closes * kept)

    def _lines(self) -> Written:
        starts = "".join(self._chance.choices(LINES, k=self._chance.choice([1, 2, 5, 50])))
        times = self._chance.choice([1, 3, 30, 2_000])
        line = starts * times if self._chance.random() < 0.5 else starts
        line = line[:MAX_CHARACTERS] + self._chance.choice(ENDS) + "\n"
        return self._markdown(line * min(times, MAX_CHARACTERS // len(line) + 1))

    def _repeated(self) -> Written:
        return self._markdown(self._near_miss(MAX_CHARACTERS))

    def _mixed(self) -> Written:
        parts = [*(one for pair in PAIRS for one in pair), *LINES, *REPEATED, *ENDS]
        return self._markdown(
            "".join(self._chance.choices(parts, k=self._chance.randint(1, 1_500)))
        )

    def _text(self) -> Written:
        text = self._near_miss(MAX_CHARACTERS + self._chance.choice([0, 0, 1]))
        return "text", {"text": text}

    def _photo(self) -> Written:
        photo: dict[str, Any] = {"blob": self._blob, "alt": self._near_miss(500)}
        if self._chance.random() < 0.5:
            claimed = ("width", "height", "animated", "hash", "variants", "alt", "blob")
            photo[self._chance.choice(claimed)] = self._odd()
        times = self._chance.choice([0, 1, 1, 11])
        return "photo", {"photos": [photo] * times, "caption": self._near_miss(1_000)}

    def _files(self) -> Written:
        file: dict[str, Any] = {"blob": self._blob}
        if self._chance.random() < 0.5:
            file[self._chance.choice(("name", "media_type", "bytes", "blob"))] = self._odd()
        times = self._chance.choice([0, 1, 10, 11])
        return "files", {"files": [file] * times, "caption": self._near_miss(1_000)}

    def _sticker(self) -> Written:
        sticker = {"sticker": self._chance.choice([self._blob, "0" * 32, self._near_miss(64)])}
        if self._chance.random() < 0.5:
            claimed = ("sticker", "pack", "blob", "width", "height", "animated", "emoji")
            sticker[self._chance.choice(claimed)] = self._odd()
        return "sticker", sticker

    def _poll(self) -> Written:
        options = [self._near_miss(self._chance.choice([1, 100, 101])) for _ in range(10)]
        poll: dict[str, Any] = {"question": self._near_miss(100), "options": options}
        if self._chance.random() < 0.3:
            poll[self._chance.choice(("question", "options", "several"))] = self._odd()
        return "acme.poll", poll

    def _misfit(self) -> Written:
        type_name = self._chance.choice(["text", "markdown", "photo", "files", "sticker"])
        field = self._chance.choice(["text", "photos", "files", "caption", "sticker", "x"])
        return type_name, {field: self._odd()}

    def _near_miss(self, characters: int) -> str:
        """Something repeated up to a length that does not end as it should."""
        one = self._chance.choice(REPEATED)
        if self._chance.random() < 0.3:
            one += self._chance.choice([*REPEATED, *string.punctuation])
        begins = self._chance.choice(["", "", '"', "'", "/*", "<", "{{", "(", "$", "#", "\n"])
        length = self._chance.choice([40, 90, characters, characters])
        ends = self._chance.choice(ENDS)
        return (begins + one * (length // len(one) + 1))[: length - len(ends)] + ends

    def _odd(self) -> Any:
        return self._chance.choice([*NUMBERS, *ODD])

    @staticmethod
    def _markdown(source: str) -> Written:
        return "markdown", {"text": source[:MAX_CHARACTERS]}
