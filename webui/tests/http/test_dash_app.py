"""The Dash application: its callbacks and components."""

from __future__ import annotations

import inspect
import subprocess
import sys

import dash_mantine_components as dmc  # type: ignore[import-untyped]
import pytest
from dash import Dash
from dash_messenger_webui.elements import mantine
from dash_messenger_webui.i18n.translations import read_words
from dash_messenger_webui.pages.callbacks import register_callbacks
from dash_messenger_webui.pages.failures import Sentences


def test_every_callback_is_async() -> None:
    app = Dash("callbacks", add_log_handler=False, prevent_initial_callbacks=True)
    register_callbacks(app, Sentences(read_words(), {}))
    served = [entry["callback"] for entry in app.callback_map.values() if entry.get("callback")]
    assert len(served) >= 7
    for callback in served:
        assert inspect.iscoroutinefunction(inspect.unwrap(callback)), callback


@pytest.mark.parametrize(
    "name", [name for name in mantine.__all__ if name[0].isupper() and name != "PACKAGE"]
)
def test_our_declarations_of_mantine_are_the_packages_own(name: str) -> None:
    ours, theirs = getattr(mantine, name), getattr(dmc, name)
    needed: dict[str, object] = {"data": []} if "data" in ours.properties else {}
    original = theirs(**needed)
    assert set(ours.properties) <= {*original._prop_names}
    drawn = original.to_plotly_json()
    assert ours(**needed).to_plotly_json() == {
        **drawn,
        "props": {name: value for name, value in drawn["props"].items() if value is not None},
    }


def test_the_pages_are_drawn_without_importing_mantine() -> None:
    code = (
        "import sys; from dash_messenger_webui.elements import parts;"
        " parts.text_field('x', 'y'); sys.exit('dash_mantine_components' in sys.modules)"
    )
    assert subprocess.run([sys.executable, "-c", code], check=False).returncode == 0
