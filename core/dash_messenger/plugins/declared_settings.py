"""What plugins declare as their settings, read from what was kept of them.

Pure: processes that work on content read settings too, and have no database.
"""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

__all__ = ["decode_settings"]


def decode_settings(declared: type[msgspec.Struct], kept: Mapping[str, str]) -> msgspec.Struct:
    """The settings as their struct; what was kept and fits no longer has its default."""
    values: dict[str, Any] = {}
    for field in msgspec.structs.fields(declared):
        if field.name in kept:
            try:
                values[field.name] = msgspec.json.decode(kept[field.name], type=field.type)
            except msgspec.ValidationError:
                continue
    return declared(**values)
