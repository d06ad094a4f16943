"""The kit tells linear code from code that people's content can make slow."""

from __future__ import annotations

import re
from typing import Any

import pytest
from dash_messenger.testing.growth import near_misses, out_of_proportion


def searching(pattern: str) -> Any:
    compiled = re.compile(pattern)
    return lambda value: compiled.search(value["text"])


@pytest.mark.parametrize(
    "pattern",
    [
        # Exponential: what a list item's rule was once.
        r"^(-+)*$",
        r"^(a|a)*$",
        r"(\\.|[^'])*\\'$(?<=b')",
        # Quadratic and cubic.
        r"\s+$",
        r"[ \t]*\t*[ \t]*x",
        r"<!--.*-->",
    ],
)
def test_superlinear_expressions_are_told(pattern: str) -> None:
    told = out_of_proportion(searching(pattern), [{"text": "hello"}])
    assert told is not None
    assert told.startswith("text: ")


@pytest.mark.parametrize(
    "work",
    [
        searching(r"\S"),
        lambda value: value["text"].split(),
        lambda value: sorted(set(value["text"])),
        lambda value: [word.upper() for word in value["text"]],
    ],
)
def test_linear_code_is_not(work: Any) -> None:
    assert out_of_proportion(work, [{"text": "hello"}]) is None


def test_lists_grow_too() -> None:
    def count(value: dict[str, list[str]]) -> int:
        return sum(option == other for option in value["options"] for other in value["options"])

    told = out_of_proportion(count, [{"options": ["yes"]}])
    assert told is not None
    assert "options: the first item repeated" in told


def test_what_raises_has_taken_its_time_all_the_same() -> None:
    pattern = re.compile(r"\s+$")

    def refuse(value: dict[str, str]) -> None:
        if not pattern.search(value["text"]):
            raise ValueError

    assert out_of_proportion(refuse, [{"text": "hello"}]) is not None


def test_every_place_grows_and_nothing_else_changes() -> None:
    sample = {"title": "a", "options": [{"label": "b"}, {"label": "c"}], "places": 3}
    made = [miss.make(4) for miss in near_misses([sample, sample])]
    assert len(made) == len(list(near_misses([sample])))
    titles = {value["title"] for value in made}
    labels = {value["options"][0]["label"] for value in made}
    assert "----" in titles & labels
    assert "----a" in titles & labels
    assert [{"label": "b"}] * 4 in [value["options"] for value in made]
    assert {value["places"] for value in made} == {3}
    assert sample["title"] == "a"
