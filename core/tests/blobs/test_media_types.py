from __future__ import annotations

import pytest
from dash_messenger.blobs.media_types import MAX_NAME_CHARACTERS, clean_name

FAMILY = "👨\u200d👩\u200d👧\u200d👦"
ENGLAND = "🏴\U000e0067\U000e0062\U000e0065\U000e006e\U000e0067\U000e007f"


@pytest.mark.parametrize(
    ("given", "kept"),
    [
        *(("a.txt", "a.txt"), (".env", ".env"), (" .env ", ".env"), ("/etc/.profile", ".profile")),
        *(("..", "file"), (".", "file"), ("...", "file"), ("", "file"), ("\u3164", "file")),
        *(("a.", "a"), ("a . .", "a"), ("..a", "..a"), ("\u202e.env", ".env"), ("a\nb", "a b")),
        *((f"{ENGLAND}{FAMILY}.png", f"{ENGLAND}{FAMILY}.png"), ("\U0001faff.gif",) * 2),
        ("a\U000e0041.gif", "a.gif"),
    ],
)
def test_a_file_is_called_as_it_was(given: str, kept: str) -> None:
    assert clean_name(given) == kept


def test_a_long_name_is_cut_between_characters_and_keeps_its_ending() -> None:
    name = clean_name("x" * 190 + FAMILY + "y" * 50 + ".png")
    assert name == "x" * 190 + ".png"
    assert clean_name("x" * 300) == "x" * MAX_NAME_CHARACTERS
