"""The field's terms stand in code, docs and UI: what reads like a riddle is kept out."""

from __future__ import annotations

import re
import subprocess
from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.environment import ROOT

# What is not written, and what is written in its place.
BANNED = {
    r"set aside|sets aside|laid by": "quarantined",
    r"anew": "again",
    r"now and then": "periodic, from time to time",
}
TEXTS = (".py", ".md", ".ts", ".tsx", ".css", ".po", ".js", ".toml")
# What others wrote or what tells of the past.
ELSEWHERE = ("CHANGELOG.md", "tests/test_words.py", "samples/", "node_modules/", "min.js")


def texts() -> Iterator[Path]:
    """Every file that people read, as git knows them."""
    listed = subprocess.run(
        ["git", "ls-files"], cwd=ROOT, capture_output=True, text=True, check=True
    )
    for name in listed.stdout.splitlines():
        if name.endswith(TEXTS) and not any(other in name for other in ELSEWHERE):
            yield ROOT / name


@pytest.mark.parametrize("banned", BANNED)
def test_a_banned_word_is_written_nowhere(banned: str) -> None:
    pattern = re.compile(rf"(?<![a-z])(?:{banned})(?![a-z])", re.IGNORECASE)
    found = [
        f"{path.relative_to(ROOT)}:{number}: {line.strip()[:100]}"
        for path in texts()
        for number, line in enumerate(path.read_text().splitlines(), 1)
        if pattern.search(line)
    ]
    assert not found, f"write “{BANNED[banned]}” instead\n" + "\n".join(found)
