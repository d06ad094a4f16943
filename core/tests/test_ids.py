"""Ids: unique, growing, of RFC 9562's seventh version."""

from __future__ import annotations

import time
import uuid

import pytest
from dash_messenger.ids import IdMaker, parse_id


def test_ids_grow_though_the_clock_stands_still(monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(time, "time_ns", lambda: 1_790_000_000_000_000_000)
    make = IdMaker()
    made = [make() for _ in range(10_000)]
    assert made == sorted(set(made))


def test_ids_grow_though_the_clock_steps_back(monkeypatch: pytest.MonkeyPatch) -> None:
    make = IdMaker()
    first = make()
    monkeypatch.setattr(time, "time_ns", lambda: 0)
    assert make() > first


def test_an_id_is_a_version_7_uuid_with_its_time() -> None:
    before_ms = time.time_ns() // 1_000_000
    value = uuid.UUID(IdMaker()())
    assert value.version == 7
    assert value.variant == uuid.RFC_4122
    assert before_ms <= value.int >> 80 <= time.time_ns() // 1_000_000


@pytest.mark.parametrize(
    "text",
    [
        "0190163d8694739baea5966c26f8ad91",
        "0190163D-8694-739B-AEA5-966C26F8AD91",
        "{0190163d-8694-739b-aea5-966c26f8ad91}",
        "urn:uuid:0190163d-8694-739b-aea5-966c26f8ad91",
    ],
)
def test_usual_forms_of_a_uuid_are_one(text: str) -> None:
    assert parse_id(text) == "0190163d8694739baea5966c26f8ad91"


@pytest.mark.parametrize("text", ["", "0", "x" * 32, "1" * 33, "é" * 32, "1" * 100_000])
def test_what_is_no_uuid_is_refused(text: str) -> None:
    with pytest.raises(ValueError, match=r"UUID|badly formed|invalid literal"):
        parse_id(text)
