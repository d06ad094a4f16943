"""Rules that would make the browser do much for little."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

ASSETS = Path(__file__).parents[1] / "dash_messenger_webui" / "assets"
OF_THE_WHOLE_PAGE = re.compile(r"(?::root|html|body)\S*:has\(")


@pytest.mark.parametrize("sheet", sorted(ASSETS.glob("*.css")), ids=lambda path: path.name)
def test_no_rule_asks_what_is_anywhere_in_the_page(sheet: Path) -> None:
    """Whatever comes or goes, the style of all that a ``:has`` speaks of would be made again."""
    assert not OF_THE_WHOLE_PAGE.findall(sheet.read_text())
