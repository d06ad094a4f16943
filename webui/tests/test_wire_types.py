"""The browser's types of what the server says are those of the server's structs."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

from dash_messenger.protocol.events import TIMELINE_KINDS

TOOL = Path(__file__).parents[1] / "tools/wire_types.py"
LOGS = Path(__file__).parents[1] / "src/state/logs.ts"


def test_generated_types_are_current() -> None:
    done = subprocess.run([sys.executable, str(TOOL), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, f"run python3 dev.py docs\n{done.stderr}"


def test_the_browser_has_the_kinds_that_stand_in_a_time_line() -> None:
    listed = re.search(r"const LINES = new Set\(\[(.*?)\]\)", LOGS.read_text(), re.DOTALL)
    assert listed is not None
    assert re.findall(r'"([\w.]+)"', listed[1]) == [*TIMELINE_KINDS]
