"""The documentation says what is so: generated parts are current, links lead somewhere."""

from __future__ import annotations

import re
import subprocess
import sys
from pathlib import Path

import pytest

ROOT = Path(__file__).parents[1]
PAGES = [
    *sorted(ROOT.glob("*.md")),
    *sorted((ROOT / "docs").rglob("*.md")),
    *(ROOT / folder / "README.md" for folder in ("core", "webui", "plugins/text")),
]
LINK = re.compile(r"\[[^\]]*\]\(([^)\s]+)\)")


def test_generated_parts_are_what_the_code_says() -> None:
    done = subprocess.run(
        [sys.executable, "-m", "docs.generate", "--check"],
        cwd=ROOT,
        capture_output=True,
        text=True,
    )
    assert done.returncode == 0, f"run python3 dev.py docs\n{done.stdout}{done.stderr}"


@pytest.mark.parametrize("page", PAGES, ids=lambda page: page.relative_to(ROOT).as_posix())
def test_links_lead_to_files_and_headings_that_exist(page: Path) -> None:
    broken = [link for link in LINK.findall(page.read_text()) if not leads_somewhere(page, link)]
    assert broken == []


def leads_somewhere(page: Path, link: str) -> bool:
    path, _, heading = link.partition("#")
    if "://" in path:
        return True
    target = (page.parent / path).resolve() if path else page
    if not target.exists():
        return False
    return not heading or heading in headings(target)


def headings(page: Path) -> set[str]:
    titles = re.findall(r"^#+ (.+)$", page.read_text(), re.MULTILINE)
    return {re.sub(r"[^\w\- ]", "", title.lower()).replace(" ", "-") for title in titles}


def test_where_a_change_belongs_names_files_that_exist() -> None:
    page = (ROOT / "docs" / "structure.md").read_text()
    rows = page.partition("## Where a change belongs")[2].partition("\n## ")[0]
    named = set(re.findall(r"`((?:[\w.]+/)+[\w.]+)`", rows))
    assert {"store/access", "webui/src/state/logs.ts"} <= named
    folders = (ROOT, ROOT / "core/dash_messenger", ROOT / "webui/dash_messenger_webui")
    found = {
        path
        for path in named
        for folder in folders
        if (folder / path).exists() or (folder / f"{path}.py").exists()
    }
    assert named - found == set()


def test_every_notification_is_documented() -> None:
    page = (ROOT / "docs" / "protocol.md").read_text()
    code = "".join(
        path.read_text() for path in sorted((ROOT / "core" / "dash_messenger").rglob("*.py"))
    )
    used = set(re.findall(r'notify_\w+\(\s*[\w.]+,\s*"([\w.]+)"', code))
    assert {"read", "receipt", "user.updated"} <= used
    assert {name for name in used if f"| `{name}` |" not in page} == set()
