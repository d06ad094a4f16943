"""The formatting guide shows every mark that the text box offers, drawn."""

from __future__ import annotations

import json
from typing import Any

from dash_messenger_markdown.formatting_guide import Guide
from dash_messenger_markdown.ui import MarkdownView
from dash_messenger_webui.i18n.translations import folder_of, words_beside

WORDS = words_beside(folder_of(Guide()))


def drawn(component: Any) -> Any:
    return json.loads(json.dumps(component, default=lambda part: part.to_plotly_json()))


async def test_each_mark_is_shown_as_typed_and_as_drawn() -> None:
    page = json.dumps(drawn(await Guide().layout(WORDS["en"])))
    for typed, shown in (
        ("**tea**", "<strong>tea</strong>"),
        ("~~tea~~", "<s>tea</s>"),
        ("- [x] tea", "task-list-item"),
        ("||tea||", "data-reveal"),
        ("| tea | milk |", "<table dir="),
    ):
        assert typed in page
        assert shown in page


async def test_what_the_bar_offers_is_explained() -> None:
    page = json.dumps(drawn(await Guide().layout(WORDS["en"])))
    for offered in MarkdownView().composer(WORDS["en"]).formats:
        assert json.dumps(offered.label)[1:-1] in page


async def test_examples_are_in_the_reader_s_language() -> None:
    page = json.dumps(drawn(await Guide().layout(WORDS["ru"])), ensure_ascii=False)
    assert "**чай**" in page
    assert "<strong>чай</strong>" in page
