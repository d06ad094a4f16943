"""What is known as Markdown without being called so, and what is not."""

from __future__ import annotations

import re
import time

import pytest
from dash_messenger_markdown.marks import MARKS
from dash_messenger_markdown.server import MAX_CHARACTERS

# Their syntax means the same in Python.
PATTERNS = [re.compile(mark, re.MULTILINE) for mark in MARKS]
MARKED = (
    *("**bold**", "a **bold word** here", "(*so*)", "«**жирно**»", "~~not~~ this", "||secret||"),
    *("see `x = 1`", "`/etc/hosts`.", "```\ncode\n```", "```python\nx\n```", "one\n*two*"),
    *("[here](https://example.com)", "[mail](mailto:a@b.example)", "**Note:** a*b", "*a*, *b*"),
)
PLAIN = (
    *("2*3*4", "2 * 3 * 4", "2**3**4", "snake_case_name", "__init__", "_x_", "а*б*в", "f(*a, **b)"),
    *(
        "src/*/test/*",
        "src/**/x.py",
        "**/a/**",
        "*.py and *.txt",
        "*.tar.*",
        "*/5 * * * *",
        "/*a*/",
    ),
    *("a || b || c", "x||y||z", "~/a ~/b", "~~", "it's ``", "a ` b ` c", "[1] (https://a.example)"),
    *("[a](b)", r"\*a\*", "* a\n* b", "- a\n- b", "1. a", "# 5", "> 5", "5 > 3", "***", "****"),
    *("https://a.example/?q=*b*", "/srv/a*b*c/d", "*p = *q", "a*", "*a", "**a", "say *a *b *c"),
)


@pytest.mark.parametrize("text", MARKED)
def test_marks_are_found(text: str) -> None:
    assert any(pattern.search(text) for pattern in PATTERNS)


@pytest.mark.parametrize("text", PLAIN)
def test_what_only_looks_like_marks_stays_text(text: str) -> None:
    assert not any(pattern.search(text) for pattern in PATTERNS)


@pytest.mark.parametrize("part", [" *a", " **a", "`a", " `", "[a", "[a](", " ~~a", " ||a", "*a "])
def test_a_text_full_of_near_misses_is_searched_in_time_that_grows_with_it(part: str) -> None:
    def cost_s(length: int) -> float:
        text = part * (length // len(part))
        began_s = time.thread_time()
        for pattern in PATTERNS:
            pattern.search(text)
        return time.thread_time() - began_s

    assert min(cost_s(MAX_CHARACTERS) for _ in range(3)) < 0.08
