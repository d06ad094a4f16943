from __future__ import annotations

from typing import Any

from dash_messenger.testing import MessageTypeContract
from dash_messenger_files.server import MAX_FILES, FilesMessage
from dash_messenger_files.ui import FilesView

FILE: dict[str, Any] = {"blob": "0123456789abcdef0123456789abcdef"}
STORED = {**FILE, "name": "report.pdf", "media_type": "application/pdf", "bytes": 1}
SONG = {**FILE, "name": "song.ogg", "media_type": "audio/ogg", "bytes": 1}
FILM = {**FILE, "name": "film.mp4", "media_type": "video/mp4", "bytes": 1}
SEEN = {**FILM, "duration_ms": 61_000, "width": 1080, "height": 1920, "poster": FILE}
# What nobody may say of a file.
CLAIMS: tuple[dict[str, Any], ...] = (
    *({"duration_ms": value} for value in (0, -1, 1.5, 604_800_001, 10**400, "7", None)),
    *({"width": value} for value in (0, -5, 16_385)),
    {"height": float("inf")},
    {"height": float("nan")},
    {"poster": "0123456789abcdef0123456789abcdef"},
    {"poster": {"blob": "../../etc/passwd"}},
    {"poster": {**FILE, "url": "https://example.org"}},
)


class TestFiles(MessageTypeContract):
    message_type = FilesMessage()
    view = FilesView()
    good = (
        # As an author sends it, and as it is stored.
        {"files": [FILE]},
        {"files": [STORED, SONG, FILM], "caption": "For tomorrow"},
        {"files": [{**SONG, "duration_ms": 1}, {**FILM, "duration_ms": 604_800_000}, SEEN]},
        {"files": [STORED] * MAX_FILES},
        {"files": [SEEN] * MAX_FILES},
    )
    bad = (
        {"files": []},
        {"files": [FILE] * (MAX_FILES + 1)},
        {"files": [{"blob": "../../etc/passwd"}]},
        {"files": [{**FILE, "path": "/etc/passwd"}]},
        {"files": [FILE], "caption": "x" * 1_001},
        *({"files": [{**FILE, **claim}]} for claim in CLAIMS),
    )
