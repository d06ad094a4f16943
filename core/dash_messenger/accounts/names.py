"""The rules for user names and display names, and for what people write on one line beside them."""

from __future__ import annotations

import re

from dash_messenger.characters import is_visible, without_hidden
from dash_messenger.errors import InvalidParams

__all__ = [
    "MAX_DISPLAY_NAME_CHARACTERS",
    "USERNAME",
    "clean_display_name",
    "clean_line",
    "clean_username",
    "username_key",
]

USERNAME = re.compile(r"[A-Za-z0-9][A-Za-z0-9_.-]{1,31}")
MAX_USERNAME_CHARACTERS = 32
MAX_DISPLAY_NAME_CHARACTERS = 64


def clean_username(text: str) -> str:
    """A user name as it was meant: without the space and the ``@`` that stood around it."""
    return without_hidden(text).removeprefix("@").strip()


def username_key(text: str) -> str:
    """What a user name is found by, however it was typed; what is too long finds nobody."""
    return clean_username(text).lower()[: MAX_USERNAME_CHARACTERS + 1]


def clean_display_name(text: str) -> str:
    """``text`` without what would let a name break lines, hide or turn its surroundings round.

    Empty where nothing in it can be seen.

    Raises:
        InvalidParams: it is too long.
    """
    name = without_hidden(text)
    if len(name) > MAX_DISPLAY_NAME_CHARACTERS:
        raise InvalidParams(
            field="display_name", reason=f"at most {MAX_DISPLAY_NAME_CHARACTERS} characters"
        )
    return name if is_visible(name) else ""


def clean_line(text: str | None, field: str, most: int) -> str | None:
    """``text`` on one line, without what hides; None where nothing in it can be seen.

    Raises:
        InvalidParams: it is longer than ``most`` characters.
    """
    line = without_hidden(text or "")
    if len(line) > most:
        reason = f"at most {most} characters"
        raise InvalidParams(field=field, reason=reason, rule="too_long", n=most)
    return line if is_visible(line) else None
