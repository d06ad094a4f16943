"""What ``register_step_views`` gives the log-in page to ask, and what cannot be asked there."""

from __future__ import annotations

import json
from collections.abc import Sequence
from typing import Any, ClassVar

import pytest
from dash_messenger_webui import StepView, Translate, field
from dash_messenger_webui.i18n.translations import OWN_WORDS, read_words
from dash_messenger_webui.pages.entrance import entrance
from dash_messenger_webui.rendering.message_views import MessageViews
from dash_messenger_webui.session import Reader


class Code(StepView):
    step = "key"
    shows = ("hint",)

    def title(self, t: Translate) -> str:
        return "Your key"

    def fields(self, t: Translate) -> Sequence[Any]:
        return [field.code("code", "Code", max=9, instead=("Another", "Other"))]


class Broken(StepView):
    step = "key"
    ways: ClassVar[dict[str, Any]] = {}

    def title(self, t: Translate) -> str:
        raise KeyError("a defect")


class WithFiles(Code):
    def fields(self, t: Translate) -> Sequence[Any]:
        return [field.files("files", "Files")]


def views_with(*steps: Any) -> MessageViews:
    views = MessageViews()
    views._add_extensions(StepView, views.steps, "acme", steps)
    return views


def test_a_step_is_given_to_the_page_in_the_readers_language() -> None:
    assert views_with(Code()).step_views("ru") == {
        "key": {
            "title": "Your key",
            "text": "",
            "button": "Продолжить",
            "fields": [
                {
                    "kind": "code",
                    "name": "code",
                    "label": "Code",
                    "required": True,
                    "max": 9,
                    "instead": ["Another", "Other"],
                }
            ],
            "shows": ["hint"],
            "sends": [],
        }
    }


def test_what_is_no_step_view_or_is_there_already_is_refused() -> None:
    with pytest.raises(TypeError, match="is not a StepView"):
        views_with(3)
    with pytest.raises(ValueError, match="step view key is registered twice"):
        views_with(Code(), Code())


@pytest.mark.parametrize("step", [Broken(), WithFiles()])
async def test_a_step_that_cannot_be_drawn_is_left_out_and_quarantines_at_start_alone(
    step: StepView, monkeypatch: pytest.MonkeyPatch
) -> None:
    views, quarantined = views_with(step), []
    monkeypatch.setattr(views.plugins, "quarantine", lambda *found: quarantined.append(found[0]))
    assert views.step_views("en") == {}
    assert quarantined == []
    await views.start()
    assert set(quarantined) == {"acme"}


def test_the_steps_stand_in_the_page_of_strangers_as_data() -> None:
    words = read_words(OWN_WORDS)["en"]
    steps = {"key": {"title": "</script><b>", "fields": []}}
    page = entrance(
        Reader("en", "auto"), words, {}, steps, registration_open=True, password_min_length=15
    ).to_plotly_json()
    found = json.dumps(page, default=lambda one: one.to_plotly_json())
    assert json.dumps(json.dumps(steps, separators=(",", ":")))[1:-1] in found
