"""Which pictures a chooser of files offers: those that the server decodes."""

from __future__ import annotations

from importlib.util import find_spec

__all__ = ["picture_kinds"]

KINDS = ("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif")


def picture_kinds() -> tuple[str, ...]:
    """The media types of the pictures that ``dash_messenger.pictures`` decodes here.

    HEIC is among them with the extra ``heic``; where it is not, an iPhone sends a JPEG instead.
    """
    return (*KINDS, "image/heic", "image/heif") if find_spec("pillow_heif") else KINDS
