"""The section of the settings in which packs are made."""

from __future__ import annotations

import json

from dash_messenger_stickers.settings_section import _pack
from dash_messenger_webui import picture_kinds
from dash_messenger_webui.i18n.translations import Words

PACK = {"id": "a" * 32, "title": "Dots", "items": [], "own": True, "collected": True}


def test_pictures_of_every_kind_that_is_decoded_may_be_chosen() -> None:
    shown = _pack(PACK, Words("en", ()), True)
    drawn = json.dumps(shown, default=lambda component: component.to_plotly_json())
    assert json.dumps(list(picture_kinds())) in drawn
    assert "image/heic" in drawn
