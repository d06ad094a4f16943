"""Colours for code, within limits of their own.

Owns what colouring may cost: characters and processor time. Must not know what stands around the
code. Invariant: code that would cost more is shown without colours.
"""

from __future__ import annotations

import time
from collections.abc import Callable, Iterable, Iterator
from functools import cached_property
from html import escape
from typing import TYPE_CHECKING, TypeAlias

from dash_messenger_markdown.grammars import COMMON, language_names, make_lexer

if TYPE_CHECKING:
    from pygments.lexer import Lexer
    from pygments.token import _TokenType

    _Piece: TypeAlias = tuple[_TokenType, str]

__all__ = ["COLOURED", "MAX_HIGHLIGHTED_CHARACTERS", "MAX_HIGHLIGHT_CPU_S", "Highlighting"]

# What one message's code may hold in all. What holds more is shown without colours.
MAX_HIGHLIGHTED_CHARACTERS = 4_000
# Ordinary code of 4,000 characters takes 10 to 40 ms.
MAX_HIGHLIGHT_CPU_S = 0.12
# The short names of kinds of words that have a colour in `assets/markdown.css`.
COLOURED = frozenset(
    (
        *("k", "kd", "kn", "kr", "kt", "kc", "ow"),
        *("s", "s1", "s2", "sd", "sb", "se", "sa", "si", "sx", "sr"),
        *("m", "mi", "mf", "mh", "mo", "il"),
        *("nf", "nc", "nd", "fm"),  # codespell:ignore nd
        *("nb", "bp", "nt", "na"),
        *("c", "c1", "cm", "ch", "cp"),
    )
)


class Highlighting:
    """The grammars, each set up once; `begin` with each message."""

    def __init__(
        self,
        *,
        clock: Callable[[], float] = time.thread_time,
        max_characters: int = MAX_HIGHLIGHTED_CHARACTERS,
    ) -> None:
        self._clock = clock
        self._max_characters = max_characters
        self._lexers: dict[str, Lexer] = {}
        self._left_characters = 0
        self._left_s = 0.0

    def load(self) -> None:
        """Set up the grammars of the most used languages."""
        for name in COMMON:
            self._lexer(name)

    def begin(self, *, coloured: bool = True) -> None:
        """From now on the code of another message is meant."""
        self._left_characters = self._max_characters if coloured else 0
        self._left_s = MAX_HIGHLIGHT_CPU_S

    def html(self, code: str, language: str) -> str:
        """The code as markup with a class for each colour; empty where it stays as it is."""
        self._left_characters -= len(code)
        if self._left_characters < 0 or self._left_s <= 0:
            return ""
        lexer = self._lexer(language.lower())
        if lexer is None:
            return ""
        ends_s = self._clock() + self._left_s
        parts: list[str] = []
        for name, text in _runs(self._until(lexer.get_tokens(code), ends_s)):
            shown = escape(text, quote=False)
            parts.append(f'<span class="hl-{name}">{shown}</span>' if name else shown)
        self._left_s = ends_s - self._clock()
        return "".join(parts) if self._left_s > 0 else ""

    def _until(self, pieces: Iterator[_Piece], ends_s: float) -> Iterator[_Piece]:
        """The pieces as long as there is time; a match alone is quick and not looked into."""
        for piece in pieces:
            if self._clock() > ends_s:
                return
            yield piece

    def _lexer(self, language: str) -> Lexer | None:
        """The grammar of a language by any of its names, or None."""
        name = self._names.get(language)
        if name is None:
            return None
        if name not in self._lexers:
            self._lexers[name] = make_lexer(name)
        return self._lexers[name]

    @cached_property
    def _names(self) -> dict[str, str]:
        return language_names()


def _runs(pieces: Iterable[_Piece]) -> Iterator[tuple[str, str]]:
    """The code in pieces of one colour each, with its class; "" for none."""
    from pygments.token import STANDARD_TYPES

    colour = ""
    run: list[str] = []
    for kind, value in pieces:
        while kind not in STANDARD_TYPES:
            kind = kind.parent
        name = STANDARD_TYPES[kind]
        if name not in COLOURED:
            name = ""
        if name != colour:
            if run:
                yield colour, "".join(run)
            colour, run = name, []
        run.append(value)
    if run:
        yield colour, "".join(run)
