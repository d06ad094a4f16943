"""Words as people look for them."""

from __future__ import annotations

import sys
import unicodedata

import pytest
from dash_messenger.folding import MAX_WORD_CHARACTERS, words_of
from dash_messenger.testing.growth import out_of_proportion

TABLE = {
    "case": ("Ann SMITH", ["ann", "smith"]),
    "a user name": ("ben.smith_2", ["ben", "smith", "2"]),
    "accents": ("Zoë Ångström Çelik", ["zoe", "angstrom", "celik"]),
    "accents taken apart": ("Zoe\u0308", ["zoe"]),
    "yo": ("Пётр Алёхин", ["петр", "алехин"]),
    "short i": ("Андрей", ["андреи"]),
    "sharp s": ("Groß", ["gross"]),
    "capital sharp s": ("GROẞ", ["gross"]),
    "the i without a dot": ("Işık", ["isik"]),
    "the capital i with a dot": ("İnci", ["inci"]),
    "letters of their own": ("Søren Łukasz Æsir", ["soren", "lukasz", "aesir"]),
    "full width": ("Ａｎｎ", ["ann"]),
    "mathematical": ("𝔄𝔫𝔫", ["ann"]),
    "final sigma": ("Οδυσσεύς", ["οδυσσευσ"]),
    "no signs": ("O'Brien-Smith, 50% a_b", ["o", "brien", "smith", "50", "a", "b"]),
    "emoji": ("🦊Fox ❤️ 👍🏽", ["🦊", "fox", "❤", "👍"]),
    "a family": ("👨‍👩‍👧", ["👨", "👩", "👧"]),
    "points of Hebrew": ("שָׁלוֹם", ["שלום"]),
    "vowels of Arabic": ("مُحَمَّد", ["محمد"]),
    "a stretched letter": ("محـــمد", ["محمد"]),
    "a joiner in Persian": ("می‌خواهم", ["میخواهم"]),
    "vowels of Hindi": ("हिन्दी", ["हिनदी"]),
    "Chinese": ("王小明", ["王小明"]),
    "a variant of a character": ("葛\U000e0100城 e\ufe0ff", ["葛城", "ef"]),
    "Korean": ("김", [unicodedata.normalize("NFKD", "김")]),
    "each once": ("Ann ann ÁNN", ["ann"]),
    "nothing": ("", []),
    "signs alone": (" ._-@%*?!\u202e\ud800", []),
    "marks alone": ("\u0301\ufe0f", []),
}


@pytest.mark.parametrize("name", TABLE)
def test_what_is_meant_alike_is_one_word(name: str) -> None:
    text, words = TABLE[name]
    assert words_of(text) == words


def test_folding_twice_changes_nothing() -> None:
    for character in map(chr, range(sys.maxunicode + 1)):
        changes = unicodedata.normalize("NFKD", character).casefold() != character
        if changes or unicodedata.category(character)[0] == "M":
            words = words_of(f"a{character}b")
            assert words_of(" ".join(words)) == words, hex(ord(character))


def test_a_word_is_cut_where_it_is_longer_than_any_name() -> None:
    assert words_of("a" * 1_000) == ["a" * MAX_WORD_CHARACTERS]
    assert words_of("ﷺ" * 1_000)


def test_folding_takes_time_in_proportion_to_the_text() -> None:
    assert out_of_proportion(words_of, ["é🦊ﷺ"]) is None
