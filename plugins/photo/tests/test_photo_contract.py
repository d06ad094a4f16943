from __future__ import annotations

from typing import Any

from dash_messenger.testing import MessageTypeContract
from dash_messenger_photo.server import MAX_PHOTOS, PhotoMessage
from dash_messenger_photo.ui import PhotoView

BLOB = "0123456789abcdef0123456789abcdef"
# As it is stored: the author sends `blob` and `alt`, the server adds the rest.
PHOTO: dict[str, Any] = {
    "blob": BLOB,
    "alt": "A lake",
    "width": 1600,
    "height": 1200,
    "variants": [{"blob": BLOB, "width": 1600}],
}


class TestPhoto(MessageTypeContract):
    message_type = PhotoMessage()
    view = PhotoView()
    good = (
        {"photos": [PHOTO], "caption": "By the lake"},
        {"photos": [{**PHOTO, "alt": ""}] * MAX_PHOTOS},
    )
    bad = (
        {"photos": []},
        {"photos": [PHOTO] * (MAX_PHOTOS + 1)},
        {"photos": [{**PHOTO, "blob": "../../etc/passwd"}]},
        {"photos": [{**PHOTO, "alt": "x" * 501}]},
        {"photos": [PHOTO], "caption": "x" * 1_001},
    )
