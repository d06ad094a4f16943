"""What a text costs grows with its length, whatever stands in it.

Near misses begin as something that a rule takes and do not end as it. Each is tried short before it
is tried long, so that a rule that is exponential fails the test instead of holding it up.
"""

from __future__ import annotations

import gc
import re
import time
from collections.abc import Callable
from html import unescape

import pytest
from dash_messenger_markdown.grammars import LANGUAGES, MENDED, language_names, make_lexer
from dash_messenger_markdown.highlighting import (
    MAX_HIGHLIGHT_CPU_S,
    MAX_HIGHLIGHTED_CHARACTERS,
    Highlighting,
)
from dash_messenger_markdown.plain_text import PlainText
from dash_messenger_markdown.rendering import Rendering
from dash_messenger_markdown.server import MAX_CHARACTERS

SHORT = (18, 24, 36, 72, 150)
# An exponential rule takes minutes for 72 characters, others less than a millisecond.
SHORT_S = 0.05
# A message is given 2 s in all, in a process of its own.
FULL_S = 1.0
# n, 2n, 4n: what is quadratic takes 16 times as long for 4n as for n, what is cubic 64 times.
FULL = (MAX_CHARACTERS // 4, MAX_CHARACTERS // 2, MAX_CHARACTERS)
QUADRATIC = 16
# Less than this is not told from nothing.
NOTHING_S = 0.01

MARKS = (
    *("-", "- ", "|---", "|a", "[", "![", "[a](", "[[]", "*", "**a ", "*_", "_a ", "~~", "||"),
    *("||a", "[a]: b\n", "> ", "> - ", "\\", "\\*", "`", "`a", "```\n", "- [x] ", "1. ", "    a\n"),
    *("# ", "<", "<a@", "://", "http://", "http://[", "https://a/?", "a@b.", "&", "&#", "\t", "\n"),
)  # fmt: skip
CODE = (
    *(("$'", "\\"), ('"', "\\"), ("'", "\\"), ('"""', "\\\\"), ("<<", "0_"), ("<<EOF\n", "é")),
    *(("new ", "\t\n"), ("int a", "\n"), ("type ", "\n"), ("@@ ", "\t"), ("a", " "), ("a{", "0")),
    *(("/*", "*"), ("/", "a"), ("`", "${"), ("<a ", "b="), ("<", "<a "), ("f(", "a, ")),
    *(("$", "$("), ("0x", "0'"), ("a = ", "a."), ("", "["), ("", "{ "), ("", "a::"), ("#{", "#{")),
    ("&", "\n\n"),
)  # fmt: skip


def cpu_s(work: Callable[[str], object], text: str) -> float:
    # The collector's time is that of everything that the test run holds.
    gc.disable()
    try:
        began_s = time.thread_time()
        work(text)
        return time.thread_time() - began_s
    finally:
        gc.enable()


def is_quick(work: Callable[[str], object], text: str) -> bool:
    """Whether it takes less than `SHORT_S`, at the second try if another process was in the way."""
    return cpu_s(work, text) < SHORT_S or cpu_s(work, text) < SHORT_S


def cut(prefix: str, unit: str, characters: int) -> str:
    return (prefix + unit * characters)[: characters - 1] + "!"


def check_growth(work: Callable[[str], object], prefix: str, unit: str) -> None:
    work("warm")
    for characters in SHORT:
        assert is_quick(work, cut(prefix, unit, characters)), characters
    # The quickest of three: another process may have been in the way.
    took = [min(cpu_s(work, cut(prefix, unit, n)) for _ in range(3)) for n in FULL]
    assert took[2] < FULL_S, took
    assert took[2] < 2 * QUADRATIC * max(took[0], NOTHING_S), took


@pytest.mark.parametrize("unit", MARKS)
def test_the_text_of_odd_marks_is_made_in_time(unit: str) -> None:
    check_growth(PlainText().of, "", unit)


def test_dashes_and_a_letter_are_no_riddle() -> None:
    check_growth(PlainText().of, "", "-")
    assert PlainText().of("-" * 90 + "a") == "-" * 90 + "a"


@pytest.fixture(scope="module")
def rendering() -> Rendering:
    return Rendering()


@pytest.mark.parametrize("unit", MARKS)
def test_odd_marks_are_drawn_in_time(rendering: Rendering, unit: str) -> None:
    check_growth(rendering.html, "", unit)


@pytest.mark.parametrize("language", sorted(LANGUAGES))
def test_odd_code_is_coloured_in_time(language: str) -> None:
    highlighting = Highlighting()

    def colour(code: str) -> None:
        highlighting.begin()
        highlighting.html(code, language)

    colour("warm")
    for prefix, unit in CODE:
        for characters in SHORT:
            assert is_quick(colour, cut(prefix, unit, characters)), (prefix, unit)
        # Between two words the time is looked at; one alone must not take long.
        took_s = min(cpu_s(colour, cut(prefix, unit, MAX_HIGHLIGHTED_CHARACTERS)) for _ in range(2))
        assert took_s < MAX_HIGHLIGHT_CPU_S * 2, (prefix, unit)


@pytest.mark.parametrize(
    ("language", "code"),
    [
        ("bash", "$'" + "\\" * 72),
        ("scala", '"' + "\\" * 72),
        ("easytrieve", "\t" * 2_990),
        ("docker", "<<" + "0_" * 1_990),
    ],
)
def test_code_that_held_up_the_server_is_drawn(
    rendering: Rendering, language: str, code: str
) -> None:
    drawn: list[str] = []
    source = f"```{language}\n{code}\n```"
    assert cpu_s(lambda text: drawn.append(rendering.html(text)), source) < FULL_S
    assert code in unescape(re.sub(r"<[^>]*>", "", drawn[0]))


def test_code_that_takes_too_long_stays_as_it_is() -> None:
    clock = iter([0.0, 0.0, MAX_HIGHLIGHT_CPU_S + 1, MAX_HIGHLIGHT_CPU_S + 1])
    highlighting = Highlighting(clock=lambda: next(clock))
    highlighting.begin()
    assert highlighting.html("if True: pass", "python") == ""
    assert highlighting.html("if True: pass", "python") == ""


@pytest.mark.parametrize("name", sorted(MENDED))
def test_a_mended_grammar_still_fits_what_is_installed(name: str) -> None:
    make_lexer(name)


def test_mended_grammars_colour_ordinary_code() -> None:
    kinds = {
        "bash": ("echo $'a\\'b' && cat <<EOF\nx\nEOF\n", {"$'a\\'b'", "<<EOF\nx\nEOF"}),
        "c": ('int main(void) { return puts("a"); }\n', {"int", "return"}),
        "ini": ("[a]\nkey = value\n", {"key ", "value"}),
    }
    for name, (code, expected) in kinds.items():
        words = {text for kind, text in make_lexer(name).get_tokens(code)}
        assert expected <= words


def test_every_language_has_a_grammar() -> None:
    assert set(language_names().values()) == LANGUAGES
