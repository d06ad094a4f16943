from __future__ import annotations

from dash_messenger.testing import MessageTypeContract
from dash_messenger_stickers.server import StickerMessage
from dash_messenger_stickers.ui import StickerView

ID = "0123456789abcdef0123456789abcdef"


class TestSticker(MessageTypeContract):
    message_type = StickerMessage()
    view = StickerView()
    good = (
        # As an author sends it, and as it is stored.
        {"sticker": ID},
        {"sticker": ID, "pack": ID, "blob": ID, "width": 512, "height": 400, "emoji": "😀 🙂"},
    )
    bad = ({}, {"sticker": ""}, {"sticker": "../" + ID}, {"sticker": ID, "width": "wide"})
