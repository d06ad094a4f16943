from __future__ import annotations

import pytest
from dash_messenger_markdown.plain_text import PlainText
from dash_messenger_markdown.server import Markdown, MarkdownMessage


@pytest.mark.parametrize(
    ("source", "words"),
    [
        ("**bold** and *italic* and ~~gone~~", "bold and italic and gone"),
        ("# Title\n\ntext", "Title\n\ntext"),
        ("> quoted\n> more", "quoted\nmore"),
        ("see [the page](https://e.org)", "see the page"),
        ("![a cat](https://e.org/cat.png)", "a cat"),
        ("- [x] bread\n- [ ] milk", "- ☑ bread\n- ☐ milk"),
        ("```python\nx = a_b_c\n```", "x = a_b_c"),
        ("|a|b|\n|-|-|\n|1|2|", "|a|b|\n|1|2|"),
        ("|a|b|\n|---|:---:|\n|1|2|", "|a|b|\n|1|2|"),
        ("||secret||", "secret"),
        (r"\*not bold\*", "*not bold*"),
        ("snake_case stays, 2 * 3 * 4 too", "snake_case stays, 2 * 3 * 4 too"),
        ("no marks", "no marks"),
        ("1. a\n   - b\n     c\n2. d", "1. a\n  - b\n    c\n2. d"),
        ("- \n- b", "- \n- b"),
        ("a\n\n---\n\nb", "a\n\nb"),
        ("    indented\n      code", "indented\n  code"),
        ("![](https://e.org/cat.png)", "https://e.org/cat.png"),
        ("a &amp; b", "a & b"),
        ("<b>as typed</b>", "<b>as typed</b>"),
    ],
)
def test_the_fallback_is_the_words_without_their_marks(source: str, words: str) -> None:
    assert PlainText().of(source) == words


def test_what_has_no_words_stands_for_itself() -> None:
    assert MarkdownMessage().text(Markdown("---"), None) == "---"
