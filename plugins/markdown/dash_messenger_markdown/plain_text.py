"""The text that stands for Markdown in lists, notifications and search: its words without marks.

Must not know how it is drawn. No regular expression runs over what people wrote: the words come
from the parser's tokens, so that the text says what the drawing shows.
"""

from __future__ import annotations

from collections.abc import Iterable

from markdown_it.token import Token

from dash_messenger_markdown.dialect import make_parser

__all__ = ["PlainText"]

DONE, TODO = "☑", "☐"
INDENT = "  "


class PlainText:
    """The parser, set up once. Not for two threads at a time."""

    def __init__(self) -> None:
        self._parser = make_parser()

    def of(self, source: str) -> str:
        """The words of ``source``: list marks and cells stay, and empty lines between blocks."""
        lines = _Lines()
        for token in self._parser.parse(source):
            lines.take(token)
        return lines.text()


class _Lines:
    """The text as far as it was read."""

    def __init__(self) -> None:
        self._parts: list[str] = []
        # The line of the source after the last block that left a text.
        self._end = 0
        # One for each list that is open: the mark of an item whose text has not begun, or "".
        self._marks: list[str] = []
        # The line that the last item of a list begins on.
        self._item = 0
        self._row: tuple[list[str], int] | None = None

    def take(self, token: Token) -> None:
        """Add what a token says."""
        begins, ends = token.map or (self._end, self._end)
        if token.type in ("bullet_list_open", "ordered_list_open"):
            self._marks.append("")
        elif token.type in ("bullet_list_close", "ordered_list_close"):
            self._marks.pop()
        elif token.type == "list_item_open":
            self._marks[-1], self._item = f"{token.info}{token.markup} ", begins
        elif token.type == "list_item_close" and self._marks[-1]:
            # An item without a text.
            self._add("", self._item, self._item + 1)
        elif token.type == "tr_open":
            self._row = ([], begins)
        elif token.type == "tr_close" and self._row is not None:
            cells, line = self._row
            self._row = None
            self._add(f"|{'|'.join(cells)}|", line, line + 1)
        elif token.type == "thead_close":
            # The line of dashes.
            self._end += 1
        elif token.type == "inline":
            words = _words(token.children or ())
            if self._row is None:
                self._add(words, begins, ends)
            else:
                self._row[0].append(words)
        elif token.type in ("fence", "code_block"):
            self._add(token.content.rstrip("\n"), begins, ends)

    def text(self) -> str:
        """All of it."""
        return "".join(self._parts).strip()

    def _add(self, words: str, begins: int, ends: int) -> None:
        if self._parts:
            self._parts.append("\n\n" if begins > self._end else "\n")
        indent = INDENT * len(self._marks)
        first = indent
        if self._marks and self._marks[-1]:
            first = INDENT * (len(self._marks) - 1) + self._marks[-1]
            self._marks[-1] = ""
        self._parts.append(first + words.replace("\n", "\n" + indent))
        self._end = ends


def _words(tokens: Iterable[Token]) -> str:
    """What a line of text says."""
    parts: list[str] = []
    for token in tokens:
        if token.type in ("softbreak", "hardbreak"):
            parts.append("\n")
        elif token.type == "image":
            parts.append(_words(token.children or ()) or str(token.attrs.get("src", "")))
        elif token.type == "html_inline":
            # There is no other raw HTML than the box of a task.
            parts.append(DONE if "checked=" in token.content else TODO)
        else:
            parts.append(token.content)
    return "".join(parts)
