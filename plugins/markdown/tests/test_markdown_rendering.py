from __future__ import annotations

import html
import inspect
import json
import re
from pathlib import Path

import pytest
from dash_messenger_markdown import highlighting
from dash_messenger_markdown.rendering import MAX_DRAWN_BYTES, Rendering
from dash_messenger_markdown.server import MAX_CHARACTERS

LINK = 'target="_blank" rel="noopener noreferrer nofollow"'


@pytest.fixture(scope="module")
def rendering() -> Rendering:
    return Rendering()


@pytest.mark.parametrize(
    ("source", "expected"),
    [
        ("~~gone~~", "<p><s>gone</s></p>\n"),
        ("**a** and *b*", "<p><strong>a</strong> and <em>b</em></p>\n"),
        ("https://e.org/?a=1&b=2", f'<p><a href="https://e.org/?a=1&amp;b=2" {LINK}>'
         "https://e.org/?a=1&amp;b=2</a></p>\n"),
        ("https://xn--80ak6aa92e.com", f'<p><a href="https://xn--80ak6aa92e.com" {LINK}>'
         "https://xn--80ak6aa92e.com</a></p>\n"),
        ("<https://аррӏе.com/%E2%80%AE>",
         f'<p><a href="https://xn--80ak6aa92e.com/%E2%80%AE" {LINK}>'
         "https://xn--80ak6aa92e.com/%E2%80%AE</a></p>\n"),
        ("https://пример.рф", f'<p><a href="https://xn--e1afmkfd.xn--p1ai" {LINK}>'
         "https://пример.рф</a></p>\n"),
        ("[x](https://xn--80ak6aa92e.com)",
         f'<p><a href="https://xn--80ak6aa92e.com" {LINK}>x</a></p>\n'),
        ("[https://a.org/**b**](https://evil.example)", f'<p><a href="https://evil.example" {LINK}>'
         "https://a.org/<strong>b</strong></a> (evil.example)</p>\n"),
        ("![a.org](https://evil.example)",
         f'<p><a href="https://evil.example" {LINK}>a.org</a> (evil.example)</p>\n'),
        (
            "www.a.org/http://b.c *_d_*",
            f'<p><a href="https://www.a.org/http://b.c" {LINK}>www.a.org/http://b.c</a> '
            "<em><em>d</em></em></p>\n",
        ),
        ("www.a.org", f'<p><a href="https://www.a.org" {LINK}>www.a.org</a></p>\n'),
        ("**a@b.org**",
         f'<p><strong><a href="mailto:a@b.org" {LINK}>a@b.org</a></strong></p>\n'),
        ("http://[::1]:80/a_b_c。见", f'<p><a href="http://[::1]:80/a_b_c" {LINK}>'
         "http://[::1]:80/a_b_c</a>。见</p>\n"),
        ("tel:+4930123", f'<p><a href="tel:+4930123" {LINK}>tel:+4930123</a></p>\n'),
        ("[call](tel:+4930123)", f'<p><a href="tel:+4930123" {LINK}>call</a></p>\n'),
        ("mailto:a@b.org", f'<p><a href="mailto:a@b.org" {LINK}>mailto:a@b.org</a></p>\n'),
        ("see e.g.this", "<p>see e.g.this</p>\n"),
        ("![cat](https://e.org/c.png)", f'<p><a href="https://e.org/c.png" {LINK}>cat</a></p>\n'),
    ],
)  # fmt: skip
def test_what_people_write_looks_as_meant(rendering: Rendering, source: str, expected: str) -> None:
    assert rendering.html(source) == expected


def test_tables_are_aligned_by_classes(rendering: Rendering) -> None:
    drawn = rendering.html("|a|b|\n|:-|-:|\n|1|2|")
    assert '<th class="left">a</th>' in drawn
    assert '<td class="right">2</td>' in drawn


def test_what_is_too_wide_is_scrolled_by_keys_too(rendering: Rendering) -> None:
    assert '<div class="table" tabindex="0"><table dir="auto">' in rendering.html("|a|\n|-|\n|1|")
    assert '<pre tabindex="0">' in rendering.html("```\nx\n```")


def test_the_language_of_code_is_named_above_it(rendering: Rendering) -> None:
    assert '<span class="code-language">rust</span>' in rendering.html("```rust\nx\n```")


def test_tasks_have_boxes_that_nobody_can_click(rendering: Rendering) -> None:
    drawn = rendering.html("- [x] bread\n- [ ] milk")
    assert drawn.count('type="checkbox"') == drawn.count('disabled="disabled"') == 2
    assert drawn.count("checked=") == 1
    assert drawn.count('aria-label="Done"') == drawn.count('aria-label="To do"') == 1


def test_a_spoiler_is_a_button_until_it_is_pressed(rendering: Rendering) -> None:
    drawn = rendering.html("it was ||the *butler*||", reveal="Спойлер")
    assert 'aria-label="Спойлер">the <em>butler</em></span>' in drawn
    assert 'role="button" tabindex="0"' in drawn


@pytest.mark.parametrize("source", ["|| no ||", "a||b", "||open", "|one|", "a | b"])
def test_bars_that_mark_nothing_stay_bars(rendering: Rendering, source: str) -> None:
    assert rendering.html(source) == f"<p>{source}</p>\n"


def test_code_is_coloured_and_can_be_copied(rendering: Rendering) -> None:
    drawn = rendering.html("```python\nif True: pass\n```", copy="Копировать")
    assert '<span class="hl-k">if</span>' in drawn
    assert '<button type="button" data-copy="">Копировать</button>' in drawn


@pytest.mark.parametrize("language", ["nonesuch", "python" * 20, "<b>", '"onclick="x'])
def test_code_in_a_language_nobody_knows_is_shown_as_it_is(
    rendering: Rendering, language: str
) -> None:
    drawn = rendering.html(f"```{language}\na < b\n```")
    assert "a &lt; b" in drawn
    assert "hl-" not in drawn
    # Its name is text and part of a class, and no attribute.
    tags = re.sub(r">[^<]*", ">", drawn)
    assert "onclick" not in tags.replace("language-&quot;onclick", "")


def test_ordinary_code_of_full_length_is_coloured(rendering: Rendering) -> None:
    code = (inspect.getsource(Rendering) * 2)[: highlighting.MAX_HIGHLIGHTED_CHARACTERS - 1]
    coloured = "hl-k" in rendering.html(f"```python\n{code}\n```")
    assert coloured


def test_code_whose_colours_are_too_large_is_drawn_without(rendering: Rendering) -> None:
    source = "```python\n" + "1." * 1_900 + "\n```"
    assert len(rendering.html(source)) < MAX_DRAWN_BYTES
    drawn = Rendering(max_drawn_bytes=8_192).html("```python\n" + "1 if 1 else 1\n" * 200 + "```")
    assert "hl-" not in drawn
    assert "1 if 1 else 1" in drawn


@pytest.mark.parametrize("part", ["- [ ] a\n", "||a||", "a.de ", "|a\n|-\n|b\n\n", "&"])
def test_what_would_be_too_large_is_drawn_as_it_was_typed(rendering: Rendering, part: str) -> None:
    source = (part * MAX_CHARACTERS)[:MAX_CHARACTERS]
    assert len(json.dumps(rendering.html(source))) <= MAX_DRAWN_BYTES
    small = Rendering(max_drawn_bytes=1_000)
    assert small.html("- [ ] a\n" * 50) == "<p>" + "- [ ] a<br>" * 50 + "</p>\n"


def test_all_code_of_a_message_shares_one_limit() -> None:
    rendering = Rendering(max_highlighted_characters=15)
    drawn = rendering.html("```python\nif True: a\n```\n\n```python\nif False: b\n```")
    assert drawn.count('<span class="hl-k">if</span>') == 1
    assert "if False: b" in drawn


def test_every_colour_is_in_the_style_sheet() -> None:
    sheet = Path(highlighting.__file__).parent / "assets" / "markdown.css"
    assert set(re.findall(r"\.hl-(\w+)", sheet.read_text())) == set(highlighting.COLOURED)


@pytest.mark.parametrize(
    "source",
    [
        "<script>alert(1)</script>",
        "<img src=x onerror=alert(1)>",
        "[x](javascript:alert(1))",
        "[x](vbscript:a)",
        "[x](data:text/html;base64,PHNjcmlwdD4=)",
        "<javascript:alert(1)>",
        '[x](https://e.org "onmouseover=alert(1)")',
        "```<script>\n</code></pre><script>alert(1)</script>\n```",
        '<p data-act="vote">',
    ],
)
def test_nothing_runs_and_nothing_acts(rendering: Rendering, source: str) -> None:
    drawn = rendering.html(source)
    for sign in ("<script", "<img", 'href="javascript', 'href="data', "<p data-act"):
        assert sign not in drawn


@pytest.mark.parametrize(
    "source", ["[a]: https://a.org", "[](https://a.org)", "# \u200b", ">", "||\u2800||"]
)
def test_marks_around_nothing_are_shown_as_typed(rendering: Rendering, source: str) -> None:
    assert rendering.html(source) == f"<p>{html.escape(source)}</p>\n"


@pytest.mark.parametrize("source", ["---", "- [ ]  \u200b", "&#x200b;a"])
def test_marks_that_are_seen_by_themselves_are_drawn(rendering: Rendering, source: str) -> None:
    assert source not in rendering.html(source)


def test_each_block_runs_as_its_words_do(rendering: Rendering) -> None:
    drawn = rendering.html("# a\n\nb\n\n- c\n  1. d\n\n> e\n\n|f|\n|-|\n|g|")
    for block in ('<ul dir="auto">', "<ol>", '<blockquote dir="auto">', '<table dir="auto">'):
        assert block in drawn
    assert "<h1>a</h1>\n<p>b</p>" in drawn


@pytest.mark.parametrize(
    ("source", "opens"),
    [
        ("1. a", '<ol dir="auto">'),
        ("99. a", '<ol start="99" dir="auto">'),
        ("99. a\n100. b", '<ol start="99" dir="auto" class="digits-3">'),
        ("2026. A good year", '<ol start="2026" dir="auto" class="digits-4">'),
        ("999999999. a\n1. b", '<ol start="999999999" dir="auto" class="digits-10">'),
    ],
)
def test_numbers_of_lists_have_room_for_their_digits(
    rendering: Rendering, source: str, opens: str
) -> None:
    assert opens in rendering.html(source)


def test_every_number_of_digits_is_in_the_style_sheet() -> None:
    sheet = (Path(highlighting.__file__).parent / "assets" / "markdown.css").read_text()
    # CommonMark takes nine; counting on makes it one more.
    assert re.findall(r"\.digits-(\d+) ", sheet) == [str(n) for n in range(3, 11)]
