"""The browser's types of what the server says are those of the server's structs."""

from __future__ import annotations

import subprocess
import sys
from pathlib import Path

TOOL = Path(__file__).parents[1] / "tools/wire_types.py"


def test_generated_types_are_current() -> None:
    done = subprocess.run([sys.executable, str(TOOL), "--check"], capture_output=True, text=True)
    assert done.returncode == 0, f"run python3 dev.py docs\n{done.stderr}"
