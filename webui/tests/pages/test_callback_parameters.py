"""Values of wrong types are refused before a callback meets them, and count against no plugin."""

from __future__ import annotations

import inspect
from typing import Any

import pytest
from dash import Dash, Input, Output
from dash.exceptions import PreventUpdate
from dash_messenger import Failure, Plugins, Refused
from dash_messenger_webui.pages.callback_parameters import checked
from dash_messenger_webui.pages.callbacks import register_callbacks
from dash_messenger_webui.pages.failures import Sentences
from dash_messenger_webui.pages.plugin_parts import PluginApp
from dash_messenger_webui.rendering.message_views import MessageViews

ID = {"plugin": "acme", "name": "go"}


async def taking(clicks: int, title: str | None, names: list[str] | None, any: Any) -> Any:
    return clicks, title, names, any


@pytest.mark.parametrize(
    "values",
    [
        (1.5, "a", [], 1),
        ("1", "a", [], 1),
        (1, 7, [], 1),
        (1, {"a": 1}, [], 1),
        (1, "a", "bob", 1),
        (1, "a", [7], 1),
    ],
)
async def test_a_value_of_another_type_is_refused(values: tuple[Any, ...]) -> None:
    with pytest.raises(Refused):
        await checked(taking)(*values)


async def test_what_fits_and_what_was_not_pressed_goes_through() -> None:
    for values in ((1, "a", ["b"], object), (None, None, None, None)):
        assert await checked(taking)(*values) == values


async def test_every_callback_of_the_pages_refuses_what_no_page_sends() -> None:
    app = Dash(__name__, prevent_initial_callbacks=True)
    register_callbacks(app, Sentences({}, {}))
    asked = [entry["callback"] for entry in app.callback_map.values() if "callback" in entry]
    assert len(asked) == 11
    for callback in asked:
        if callback.__name__ == "retry":
            # It looks at what was pressed alone.
            continue
        count = len(inspect.signature(callback).parameters)
        with pytest.raises(Refused):
            await callback.__wrapped__(*[{"what": 7}] * count)


class Loaded(Plugins):
    """One plugin, that is there."""

    def loaded(self, name: str) -> bool:
        return True


def callback_of(function: Any) -> tuple[Any, Plugins]:
    plugins = MessageViews().plugins
    plugins.__class__ = Loaded
    app = Dash(__name__)
    PluginApp(app, "acme", plugins).callback(Output(ID, "children"), Input(ID, "n_clicks"))(
        function
    )
    (entry,) = app.callback_map.values()
    return entry["callback"].__wrapped__, plugins


async def test_a_plugins_callback_that_keeps_failing_quarantines_nothing(
    monkeypatch: pytest.MonkeyPatch,
) -> None:
    async def go(clicks: int) -> str:
        raise KeyError(clicks)

    bounded, plugins = callback_of(go)
    quarantined: list[str] = []
    for method in ("quarantine", "quarantine_for_a_while"):
        monkeypatch.setattr(plugins, method, lambda name, *why: quarantined.append(name))
    for _ in range(60):
        with pytest.raises(Failure):
            await bounded(1)
    assert quarantined == []


async def test_a_plugins_callback_may_leave_everything_as_it_is() -> None:
    async def go(clicks: int) -> str:
        raise PreventUpdate

    bounded, _ = callback_of(go)
    with pytest.raises(PreventUpdate):
        await bounded(1)
    with pytest.raises(Refused):
        await bounded("many")
