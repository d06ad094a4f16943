from __future__ import annotations

import pytest
from dash_messenger import characters
from dash_messenger.characters import (
    canonical_emoji,
    count_emoji,
    cut,
    is_visible,
    without_controls,
    without_hidden,
)
from dash_messenger.testing.growth import out_of_proportion

FAMILY = "👨‍👩‍👧‍👦"
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"
# Later than the Unicode of any Python that runs this: 17.0, and reserved for coming years.
NEW = ("\U0001faea", "\U0001fa8e", "\U0001faff")


@pytest.mark.parametrize(
    "text",
    [
        *("", " \t\n", "\u200b\u200d", "\u2800", "\u3164 \u115f\u1160\uffa0", "\x00\x1b\x85"),
        *("\ufe0f", "\u202e\u2066", "\u00ad\u034f", "\U000e0041", "\u180e\ufeff", "\u2028"),
    ],
)
def test_what_shows_nothing_is_told(text: str) -> None:
    assert not is_visible(text)
    assert is_visible(f"{text}a")


@pytest.mark.parametrize("text", ["a", "\u0301", "。", "\ue000", FAMILY, "﷽", *NEW])
def test_what_is_seen_is_told(text: str) -> None:
    assert is_visible(text)


def test_controls_go_but_for_tabs_and_ends_of_lines() -> None:
    assert without_controls("a\x00b\x1b[1m\x7f\x85\x9fc\td\r\ne\u200b") == "ab[1mc\td\r\ne\u200b"


@pytest.mark.parametrize(
    "name", [FAMILY, ENGLAND, "❤️", "می\u200cخواهم", "葛\U000e0100", "e\u0301x", *NEW]
)
def test_what_belongs_to_a_name_stays(name: str) -> None:
    assert without_hidden(f" {name}\n{name} ").replace("é", "e\u0301") == f"{name} {name}"


@pytest.mark.parametrize(
    "hidden",
    [
        "\x00",
        "\u202e",
        "\u2066",
        "\u200b",
        "\ufeff",
        "\U000e0041",
        "\ue000",
        "\ufdd0",
        "\U0001ffff",
    ],
)
def test_what_hides_or_turns_round_goes_from_a_name(hidden: str) -> None:
    assert without_hidden(f"a{hidden}b") == "ab"


@pytest.mark.parametrize("one", [FAMILY, ENGLAND, "🇩🇪", "e\u0301\u0323", "👍🏽", "❤️", "한"])
@pytest.mark.parametrize("before", ["ab", "🇫🇷"])
def test_what_is_seen_as_one_is_not_cut_in_two(before: str, one: str) -> None:
    whole = before + one
    for most in range(len(before), len(whole)):
        assert cut(whole + "c", most) == before
    assert cut(whole, len(whole)) == cut(whole + "c", len(whole)) == whole


def test_a_character_that_does_not_fit_is_cut_all_the_same() -> None:
    assert cut("e" + "\u0301" * 300, 255) == "e" + "\u0301" * 254


@pytest.mark.parametrize(
    ("text", "one"),
    [
        *(("❤", "❤️"), ("❤️", "❤️"), ("❤\ufe0e", "❤️"), ("⭐️", "⭐"), ("👍", "👍"), ("👍️", "👍")),
        *(("❤‍🔥", "❤️‍🔥"), ("🏃‍♂", "🏃‍♂️"), ("☝️🏽", "☝🏽"), ("1⃣", "1️⃣"), ("#️⃣", "#️⃣"), ("©", "©️")),
        *((FAMILY, FAMILY), (ENGLAND, ENGLAND), ("🇩🇪", "🇩🇪"), ("🎉🎉", "🎉🎉"), ("🌡", "🌡️")),
        *((new, new) for new in NEW),
    ],
)
def test_an_emoji_has_one_spelling(text: str, one: str) -> None:
    assert canonical_emoji(text) == one
    assert canonical_emoji(one) == one


@pytest.mark.parametrize(
    ("text", "count"),
    [
        *(("👍", 1), (ENGLAND, 1), (FAMILY, 1), ("1️⃣2⃣", 2), ("🇩🇪🇺🇦", 2), ("👍🏽 ❤ ⭐", 3)),
        *((new, 1) for new in NEW),
        *(("", 0), (" ", 0), ("1", 0), ("👍a", 0), ("👍\n👍", 0), ("🏽", 0), ("👍 \u200d", 0)),
    ],
)
def test_emoji_are_counted_as_they_are_seen(text: str, count: int) -> None:
    assert count_emoji(text) == count


@pytest.mark.parametrize(
    "text",
    ["", "a", "1", "12", "👍a", " ", "\u200d", "\ufe0f", "🏽", "\u202e👍", "<b>", "é", "👍\n"],
)
def test_what_is_no_emoji_is_none(text: str) -> None:
    assert canonical_emoji(text) == ""


@pytest.mark.parametrize("name", [*characters.__all__[1:]])
def test_each_takes_time_as_the_text_does(name: str) -> None:
    function = getattr(characters, name)
    work = (lambda text: cut(text + "\U0001f1e9", len(text))) if name == "cut" else function
    assert out_of_proportion(work, [f"{FAMILY}{ENGLAND}🇩🇪", "e\u0301", "\u200b"]) is None
