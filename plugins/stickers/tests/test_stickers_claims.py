"""What clients claim of a sticker, and what may stand in a page's callback."""

from __future__ import annotations

from typing import Any

import msgspec
import pytest
from dash_messenger_stickers.content import Sticker


@pytest.mark.parametrize(
    "claims",
    [
        {"width": 10**400},
        {"height": -1},
        {"blob": "../../etc"},
        {"emoji": "x" * 1_000},
        {"pack": 7},
        {"animated": "yes"},
    ],
    ids=str,
)
def test_what_an_author_claims_is_refused_where_it_cannot_be(claims: dict[str, Any]) -> None:
    with pytest.raises(msgspec.ValidationError):
        msgspec.convert({"sticker": "a" * 32, **claims}, Sticker)
