"""The rules for user names and display names."""

from __future__ import annotations

import re
import unicodedata

from dash_messenger.errors import InvalidParams

__all__ = ["MAX_DISPLAY_NAME_CHARACTERS", "USERNAME", "clean_display_name"]

USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,31}")
MAX_DISPLAY_NAME_CHARACTERS = 64


def clean_display_name(text: str) -> str:
    """``text`` without what would let a name break lines, hide or turn its surroundings round."""
    name = unicodedata.normalize("NFC", text)
    kept = "".join(
        character
        for character in name
        # The joiners build emoji and are needed by Persian and Indic scripts.
        if unicodedata.category(character) not in ("Cc", "Cf", "Cs", "Co", "Cn", "Zl", "Zp")
        or character in "\u200c\u200d"
    )
    name = " ".join(kept.split())
    if len(name) > MAX_DISPLAY_NAME_CHARACTERS:
        raise InvalidParams(
            field="display_name", reason=f"at most {MAX_DISPLAY_NAME_CHARACTERS} characters"
        )
    return name
