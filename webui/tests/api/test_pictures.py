"""Choosers of pictures offer what the server decodes, HEIC where it does."""

from __future__ import annotations

import pytest
from dash_messenger_webui import picture_kinds
from dash_messenger_webui.api import pictures
from dash_messenger_webui.i18n.translations import Words
from dash_messenger_webui.pages.dialogs import details_parts

GROUP = {"kind": "group", "id": "b" * 32, "title": "Tea", "member_count": 1}


@pytest.mark.parametrize("decoder", [None, object()])
def test_the_photo_of_a_group_may_be_heic_where_that_is_decoded(
    monkeypatch: pytest.MonkeyPatch, decoder: object
) -> None:
    monkeypatch.setattr(pictures, "find_spec", lambda name: decoder)
    kinds = picture_kinds()
    assert "image/png" in kinds
    assert ("image/heic" in kinds) == bool(decoder)
    found = {"conversation": GROUP, "rights": ["rename"]}
    (portrait,), *_ = details_parts(found, [], None, False, Words("en", ()))
    assert portrait.to_plotly_json()["props"]["accept"] == list(kinds)
