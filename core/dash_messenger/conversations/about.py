"""What a group says of itself beyond its name: its description and its rules.

Owns how both are cleaned and read. Must not know commands. They come with ``conversation.get`` and
in no summary: the list shows neither.
"""

from __future__ import annotations

from typing import NamedTuple

from msgspec import UNSET, UnsetType
from sqlalchemy import Connection, select

from dash_messenger.characters import is_visible, without_hidden
from dash_messenger.errors import InvalidParams
from dash_messenger.store.tables import conversations

__all__ = ["LIMITS", "About", "about", "clean_paragraphs"]

# Characters of each: a description stands under the name, rules are a page at most.
LIMITS = {"description": 500, "rules": 4_000}


class About(NamedTuple):
    """Each is left out where there is none."""

    description: str | UnsetType
    rules: str | UnsetType


def about(connection: Connection, conversation: str) -> About:
    """What a conversation says of itself."""
    row = connection.execute(
        select(conversations.c.description, conversations.c.rules).where(
            conversations.c.id == conversation
        )
    ).one()
    return About(*(UNSET if text is None else text for text in row))


def clean_paragraphs(text: str | None, field: str) -> str | None:
    """``text`` without what hides, its lines kept; None where nothing in it can be seen.

    Raises:
        InvalidParams: it is longer than `LIMITS` allows.
    """
    lines = [without_hidden(line) for line in (text or "").splitlines()]
    cleaned = "\n".join(lines).strip()
    most = LIMITS[field]
    if len(cleaned) > most:
        reason = f"at most {most} characters"
        raise InvalidParams(field=field, reason=reason, rule="too_long", n=most)
    return cleaned if is_visible(cleaned) else None
