"""What a file is, by its first bytes, and what it may be called.

Pure. Neither the name nor the type that somebody sends is believed: what may be shown in a page is
recognised by its content, everything else is only ever downloaded.
"""

from __future__ import annotations

from dash_messenger.characters import cut, is_visible, without_hidden

__all__ = ["INLINE", "clean_name", "media_type_of"]

# What browsers show or play without running anything. SVG and HTML are not among them.
INLINE = frozenset(
    (
        *("image/png", "image/jpeg", "image/gif", "image/webp", "image/avif"),
        *("audio/mpeg", "audio/ogg", "audio/wav", "audio/mp4", "audio/flac"),
        *("video/mp4", "video/webm", "video/ogg"),
    )
)
UNKNOWN = "application/octet-stream"
MAX_NAME_CHARACTERS = 200
_BEGINNINGS = (
    (b"\x89PNG\r\n\x1a\n", "image/png"),
    (b"\xff\xd8\xff", "image/jpeg"),
    (b"GIF87a", "image/gif"),
    (b"GIF89a", "image/gif"),
    (b"ID3", "audio/mpeg"),
    (b"fLaC", "audio/flac"),
    (b"\x1aE\xdf\xa3", "video/webm"),
    (b"%PDF-", "application/pdf"),
    (b"PK\x03\x04", "application/zip"),
    (b"\x1f\x8b", "application/gzip"),
    (b"7z\xbc\xaf'\x1c", "application/x-7z-compressed"),
)
# ISO base media files name what they are after `ftyp`.
_BRANDS = {
    b"avif": "image/avif",
    b"avis": "image/avif",
    b"M4A ": "audio/mp4",
    b"M4B ": "audio/mp4",
    b"isom": "video/mp4",
    b"iso2": "video/mp4",
    b"mp41": "video/mp4",
    b"mp42": "video/mp4",
    b"avc1": "video/mp4",
    b"M4V ": "video/mp4",
    b"MSNV": "video/mp4",
    b"dash": "video/mp4",
}
_RIFF = {b"WEBP": "image/webp", b"WAVE": "audio/wav"}


def media_type_of(head: bytes) -> str:
    """The media type of a file that begins with ``head`` (the first 64 bytes suffice)."""
    for beginning, media_type in _BEGINNINGS:
        if head.startswith(beginning):
            return media_type
    if head[4:8] == b"ftyp":
        return _BRANDS.get(head[8:12], UNKNOWN)
    if head[:4] == b"RIFF":
        return _RIFF.get(head[8:12], UNKNOWN)
    if head[:4] == b"OggS":
        return "video/ogg" if b"theora" in head else "audio/ogg"
    # The sync word of MPEG audio, layer III, with a bit rate and a sample rate that exist.
    if len(head) > 2 and head[0] == 0xFF and head[1] & 0xE6 == 0xE2 and head[2] >> 4 not in (0, 15):
        return "audio/mpeg"
    return UNKNOWN


def clean_name(name: str) -> str:
    """What a file is called: without folders, and without what hides or turns text round."""
    kept = without_hidden(name.replace("\\", "/").rpartition("/")[2]).rstrip(" .")
    if len(kept) > MAX_NAME_CHARACTERS:
        stem, dot, ending = kept.rpartition(".")
        ending = f"{dot}{ending}" if stem and len(ending) <= 16 else ""
        kept = cut(kept[: len(kept) - len(ending)], MAX_NAME_CHARACTERS - len(ending)) + ending
    return kept if is_visible(kept) else "file"
