"""QR codes are drawn of short texts alone."""

from __future__ import annotations

from typing import Any
from urllib.parse import unquote

import pytest
from dash import Dash, no_update
from dash_messenger import Refused
from dash_messenger_webui.pages.qr_codes import MAX_CHARACTERS, register_qr_codes


@pytest.fixture
def draw() -> Any:
    app = Dash(__name__, prevent_initial_callbacks=True)
    register_qr_codes(app)
    (entry,) = app.callback_map.values()
    return entry["callback"].__wrapped__


async def test_a_text_becomes_a_picture_that_asks_nobody(draw: Any) -> None:
    drawn = await draw("https://example.org/j/AAAA-BBBB")
    assert drawn["text"] == "https://example.org/j/AAAA-BBBB"
    assert drawn["picture"].startswith("data:image/svg+xml")
    assert 'stroke="#000"' in unquote(drawn["picture"]).replace("'", '"')


@pytest.mark.parametrize("text", [None, "", "x" * (MAX_CHARACTERS + 1)])
async def test_nothing_and_too_much_are_not_drawn(draw: Any, text: str | None) -> None:
    assert await draw(text) is no_update


async def test_what_no_page_sends_is_refused(draw: Any) -> None:
    with pytest.raises(Refused):
        await draw(7)
