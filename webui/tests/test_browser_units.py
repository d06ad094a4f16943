"""The unit tests of ``webui/src``, run by Node's own test runner."""

from __future__ import annotations

import os
import shutil
import subprocess
from pathlib import Path

import pytest

WEBUI = Path(__file__).parents[1]


@pytest.mark.skipif(
    not os.environ.get("CI")
    and not (shutil.which("node") and (WEBUI / "node_modules" / "esbuild").is_dir()),
    reason="needs Node and what `python3 dev.py bundle` installs",
)
def test_units_of_the_browser_pass() -> None:
    command = ["node", "tests/units/run.mjs", "--test-reporter=spec"]
    done = subprocess.run(command, cwd=WEBUI, capture_output=True, text=True, timeout=300)
    print(done.stdout, done.stderr)
    assert done.returncode == 0, done.stdout + done.stderr
    # A runner that finds no test is content too.
    assert "\N{INFORMATION SOURCE} fail 0" in done.stdout
    assert "\N{INFORMATION SOURCE} tests 0" not in done.stdout
