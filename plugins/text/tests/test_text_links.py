"""Which parts of a text are addresses."""

from __future__ import annotations

import pytest
from dash_messenger_text.links import links


def found(text: str) -> list[str]:
    return [text[start:end] for start, end in links(text)]


@pytest.mark.parametrize(
    "address",
    [
        "https://example.org",
        "http://localhost:8050/x?y=1&z=2#f",
        "https://пример.рф/путь",
        "https://en.wikipedia.org/wiki/A_(b)",
        "https://a.b/[a]",
        "http://1.2.3.4:80/~x_",
        "HTTP://A.B",
        "https://🎉.ws/",
    ],
)
@pytest.mark.parametrize("around", ["{}", "see {}.", "({})", "„{}”", "<{}>", '"{}"!', "({}), then"])
def test_an_address_is_found_whole_and_alone(address: str, around: str) -> None:
    assert found(around.format(address)) == [address]


@pytest.mark.parametrize(
    "text",
    ["e.g.this", "http://", "https://.", "xhttp://a.b", "javascript://a.b", "mailto:a@b.c", "//a"],
)
def test_what_does_not_say_so_is_none(text: str) -> None:
    assert found(text) == []


def test_what_turns_text_round_ends_an_address() -> None:
    assert found("https://a.b/\u202egpj.exe") == ["https://a.b/"]


def test_several_are_found_in_their_order() -> None:
    assert found("http://a.b, (http://c.d) http://e.f…") == [
        "http://a.b",
        "http://c.d",
        "http://e.f",
    ]
