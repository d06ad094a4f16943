"""What is loaded once, where children are made."""

from __future__ import annotations

from pathlib import Path

import msgspec
from dash_messenger.plugins.content_child import ChildSetup, load

PLUGIN = """
from pathlib import Path
from dash_messenger import MessageType, hookimpl
from msgspec import Struct


class Slow(Struct, frozen=True):
    text: str


class SlowType(MessageType[Slow]):
    type = "acme.slow"
    Content = Slow

    def load(self):
        Path(__file__).with_suffix(".loaded").touch()

    def text(self, content, state):
        return content.text


@hookimpl
def register_message_types():
    return [SlowType()]
"""


def test_a_type_imports_what_is_slow_before_children_are_made(tmp_path: Path) -> None:
    (tmp_path / "slow_to_import.py").write_text(PLUGIN)
    setup = ChildSetup(
        path=[],
        folder=str(tmp_path),
        plugins=["slow_to_import"],
        halves={},
        versions={},
        settings={},
    )
    load(msgspec.json.encode(setup))
    assert (tmp_path / "slow_to_import.loaded").exists()
