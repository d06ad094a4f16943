from __future__ import annotations

import pytest
from dash_messenger_stickers.emoji_names import is_found

RUSSIAN = {"love": "любовь", "coffee": "кофе"}


def found(query: str, emoji: str) -> bool:
    return is_found(query, emoji, lambda word: RUSSIAN.get(word, word))


@pytest.mark.parametrize(
    ("query", "emoji"),
    [
        ("❤", "😍 ❤️"),
        ("☕️", "☕"),
        ("👍🏽", "👍"),
        ("heart-shaped", "😍"),
        ("love", "👋 😍"),
        ("любовь", "😍"),
        ("кофе", "☕"),
        ("люб", "❤️"),
        ("hot bev", "☕"),
    ],
)
def test_a_sticker_is_found_by_its_emoji_and_by_words_for_it(query: str, emoji: str) -> None:
    assert found(query, emoji)


@pytest.mark.parametrize(("query", "emoji"), [("zebra", "😍"), ("любовь", "☕"), ("a", "")])
def test_what_means_something_else_is_not_found(query: str, emoji: str) -> None:
    assert not found(query, emoji)
