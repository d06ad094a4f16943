"""What a message with a sticker holds."""

from __future__ import annotations

from typing import Annotated

from msgspec import Meta, Struct

__all__ = ["Id", "Sticker"]

Id = Annotated[str, Meta(pattern="^[0-9a-f]{32}$")]

# What an author claims is not kept; but it is drawn in a preview.
Side = Annotated[int, Meta(ge=0, le=100_000)]


class Sticker(Struct, frozen=True, forbid_unknown_fields=True):
    """An author sends ``sticker``, its id; the server fills in the rest from the pack."""

    sticker: Id
    pack: Annotated[str, Meta(max_length=64)] = ""
    blob: Annotated[str, Meta(pattern="^([0-9a-f]{32})?$")] = ""
    width: Side = 0
    height: Side = 0
    animated: bool = False
    emoji: Annotated[str, Meta(max_length=64)] = ""
