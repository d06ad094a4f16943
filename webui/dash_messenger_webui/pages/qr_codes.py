"""QR codes: addresses that the page has, drawn for cameras.

Owns how they look. Must not know what is in them. Invariant: nothing of it is kept.
"""

from __future__ import annotations

import asyncio
from typing import Any

from dash import Dash, Input, Output, no_update

from dash_messenger_webui.pages.callback_parameters import checked

__all__ = ["register_qr_codes"]

# An address with a code is much shorter; the work grows with the length.
MAX_CHARACTERS = 300
# Dark on white whatever the theme: not every camera reads the reverse.
DARK, LIGHT = "#000", "#fff"


def register_qr_codes(app: Dash) -> None:
    """Add the callback that draws them."""

    @app.callback(
        Output("conversations", "qr_picture"),
        Input("conversations", "qr_text"),
    )
    @checked
    async def draw(text: str | None) -> Any:
        if not text or len(text) > MAX_CHARACTERS:
            return no_update
        return {"text": text, "picture": await asyncio.to_thread(_picture_of, text)}


def _picture_of(text: str) -> str:
    import segno

    # The library's own border is part of what cameras look for.
    return segno.make(text, error="m").svg_data_uri(scale=4, dark=DARK, light=LIGHT)
