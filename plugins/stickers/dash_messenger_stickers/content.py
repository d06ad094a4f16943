"""What a message with a sticker holds."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["Id", "Sticker"]

Id = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]


class Sticker(Struct, frozen=True, forbid_unknown_fields=True):
    """An author sends ``sticker``, its id; the server fills in the rest from the pack."""

    sticker: Id
    pack: str = ""
    blob: str = ""
    width: int = 0
    height: int = 0
    animated: bool = False
    emoji: str = ""
