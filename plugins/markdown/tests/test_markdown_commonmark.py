"""The 652 examples of the CommonMark specification, through the sanitiser and all.

Those that need raw HTML are left out: a message has none. What is ours on purpose stands in
`EXCEPTIONS` by the example's number; one that passes all the same fails the test, so that the list
stays true.
"""

from __future__ import annotations

import json
import re
from html.parser import HTMLParser

import pytest
from dash_messenger_markdown.rendering import Rendering
from markdown_it import MarkdownIt

from tests.corpora import source_of

SCHEME = "an address of a kind that nobody should follow from a message"
PICTURE = "a picture is a link: showing it would tell its host who reads"
BARE = "a bare address is a link"
NOTHING = "marks around nothing are shown as they were typed"
EXCEPTIONS = {
    **dict.fromkeys((517, 520, 531, *range(572, 590), 591), PICTURE),
    **dict.fromkeys((596, 598, 599, 601), SCHEME),
    **dict.fromkeys((602, 608, 611, 612), BARE),
    **dict.fromkeys((79, 207, 239, 240, 284, 334, 484, 487), NOTHING),
}


def examples() -> list[tuple[int, str, str]]:
    path = source_of("markdown-it-py") / "tests" / "test_cmark_spec" / "commonmark.json"
    return [(one["example"], one["markdown"], one["html"]) for one in json.loads(path.read_text())]


EXAMPLES = examples()
_with_html = MarkdownIt("commonmark", {"html": True})
_without_html = MarkdownIt("commonmark", {"html": False})


def needs_html(source: str) -> bool:
    return bool(_with_html.render(source) != _without_html.render(source))


class Canonical(HTMLParser):
    """Markup as a list: no matter how it is written, and without what we add around it."""

    def __init__(self) -> None:
        super().__init__(convert_charrefs=True)
        self.parts: list[object] = []
        self._hidden = 0
        self._left_out: list[tuple[bool, bool]] = []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        given = dict(attrs)
        name = given.get("class") or ""
        ours = tag == "button" or name.startswith(("code", "hl-", "table"))
        # The name of a language and the button stand above the code.
        hides = tag == "button" or name == "code-head"
        if tag in ("button", "div", "span"):
            self._left_out.append((ours, hides))
        self._hidden += hides
        if not ours:
            added = {"rel", "target", "tabindex", "dir"}
            if name.startswith("digits-"):
                added.add("class")
            kept = {k: v for k, v in given.items() if k not in added}
            self.parts.append((tag, sorted(kept.items())))

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.handle_starttag(tag, attrs)

    def handle_endtag(self, tag: str) -> None:
        if tag in ("button", "div", "span"):
            ours, hides = self._left_out.pop()
            self._hidden -= hides
            if ours:
                return
        self.parts.append(f"/{tag}")

    def handle_data(self, data: str) -> None:
        if self._hidden:
            return
        if self.parts and isinstance(self.parts[-1], list):
            self.parts[-1][0] += data
        else:
            self.parts.append([data])


def canonical(markup: str) -> list[object]:
    parser = Canonical()
    # A line break between blocks means nothing; inside of them it does.
    parser.feed(re.sub(r">\n+<(?=/?(?:p|h\d|ul|ol|li|blockquote|div|hr)\b)", "><", markup).strip())
    parser.close()
    return [part for part in parser.parts if part != ["\n"]]


def test_there_are_652_examples() -> None:
    assert len(EXAMPLES) == 652
    assert set(EXCEPTIONS) <= {number for number, source, _ in EXAMPLES if not needs_html(source)}


@pytest.mark.parametrize(
    ("number", "source", "expected"),
    [example for example in EXAMPLES if not needs_html(example[1])],
    ids=lambda value: str(value) if isinstance(value, int) else "",
)
def test_an_example_of_commonmark(number: int, source: str, expected: str) -> None:
    same = canonical(Rendering().html(source)) == canonical(expected)
    if number in EXCEPTIONS:
        assert not same, f"example {number} passes: take it off the list"
    else:
        assert same, f"{source!r}\n{Rendering().html(source)}\n{expected}"
