from __future__ import annotations

from typing import Any

from dash_messenger.testing import MessageTypeContract
from dash_messenger_files.server import MAX_FILES, FilesMessage
from dash_messenger_files.ui import FilesView

FILE: dict[str, Any] = {"blob": "0123456789abcdef0123456789abcdef"}
STORED = {**FILE, "name": "report.pdf", "media_type": "application/pdf", "bytes": 1}
SONG = {**FILE, "name": "song.ogg", "media_type": "audio/ogg", "bytes": 1}
FILM = {**FILE, "name": "film.mp4", "media_type": "video/mp4", "bytes": 1}


class TestFiles(MessageTypeContract):
    message_type = FilesMessage()
    view = FilesView()
    good = (
        # As an author sends it, and as it is stored.
        {"files": [FILE]},
        {"files": [STORED, SONG, FILM], "caption": "For tomorrow"},
        {"files": [STORED] * MAX_FILES},
    )
    bad = (
        {"files": []},
        {"files": [FILE] * (MAX_FILES + 1)},
        {"files": [{"blob": "../../etc/passwd"}]},
        {"files": [{**FILE, "path": "/etc/passwd"}]},
        {"files": [FILE], "caption": "x" * 1_001},
    )
