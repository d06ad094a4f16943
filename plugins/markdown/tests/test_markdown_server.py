from __future__ import annotations

import pytest
from dash_messenger_markdown.server import MAX_CHARACTERS, plain


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
        ("|a|b|\n|-|-|\n|1|2|", "|a|b|\n|-|-|\n|1|2|"),
        ("|a|b|\n|---|:---:|\n|1|2|", "|a|b|\n|1|2|"),
        ("||secret||", "secret"),
        (r"\*not bold\*", "*not bold*"),
        ("snake_case stays, 2 * 3 * 4 too", "snake_case stays, 2 * 3 * 4 too"),
        ("no marks", "no marks"),
    ],
)
def test_the_fallback_is_the_words_without_their_marks(source: str, words: str) -> None:
    assert plain(source) == words


@pytest.mark.parametrize(
    "unit", ["[", "![", "[a](", "*", "_a ", "> ", "\\", "||", "`", "|---", "- [x] ", "\\*"]
)
def test_the_fallback_of_odd_texts_ends(unit: str) -> None:
    """A regular expression that backtracks would take hours: the run would be stopped here."""
    assert isinstance(plain((unit * MAX_CHARACTERS)[:MAX_CHARACTERS]), str)
