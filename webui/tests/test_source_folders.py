"""The folders of ``webui/src`` import one another in one direction only."""

from __future__ import annotations

import re
from pathlib import Path

import pytest

SOURCE = Path(__file__).parents[1] / "src"
# From the ground up: a folder imports only itself and folders before it.
FOLDERS = ["net", "i18n", "state", "parts", "people", "timeline", "composer", "list", "pages"]
WITHOUT_REACT = {"net", "i18n", "state"}
IMPORT = re.compile(r'^(?:import|export)\b(?P<names>[^"]*?)(?:from )?"(?P<what>[^"]+)";', re.M)


def faults(folder: str, file: str, source: str) -> list[str]:
    """What a file of a folder imports and must not."""
    found = []
    for line in IMPORT.finditer(source):
        what = line["what"]
        other = re.match(r"\.\./(\w+)/", what)
        if not what.startswith("."):
            wrong = what.startswith("react") and folder in WITHOUT_REACT
        elif other is None:
            wrong = not what.startswith("./")
        else:
            wrong = FOLDERS.index(other[1]) >= FOLDERS.index(folder)
            # What is kept and sent knows no words; it only hands them on.
            wrong |= (
                folder == "state" and other[1] == "i18n" and "type" not in line["names"].split()
            )
        if wrong:
            found.append(f"{folder}/{file}: {what}")
    return found


def test_every_source_is_in_a_folder_of_the_list() -> None:
    folders = {path.relative_to(SOURCE).parts[0] for path in SOURCE.rglob("*.ts*")}
    assert folders == {*FOLDERS, "index.ts"}


def test_folders_import_only_folders_before_them() -> None:
    found = [
        fault
        for folder in FOLDERS
        for path in sorted((SOURCE / folder).rglob("*.ts*"))
        for fault in faults(folder, path.name, path.read_text())
    ]
    assert found == []


@pytest.mark.parametrize(
    ("folder", "line"),
    [
        ("state", 'import { useState } from "react";'),
        ("net", 'import type { Store } from "../state/store";'),
        ("state", 'import { Texts } from "../i18n/texts";'),
        ("state", 'import {\n  type Messenger,\n} from "../parts/messenger";'),
        ("timeline", 'export { TextBox } from "../composer/textbox";'),
        ("pages", 'import "../../index";'),
    ],
)
def test_an_import_the_wrong_way_is_found(folder: str, line: str) -> None:
    assert len(faults(folder, "some.ts", line)) == 1


def test_imports_the_right_way_are_not_faults() -> None:
    lines = """
import type { Texts } from "../i18n/texts";
import { newId } from "./ids";
import { NoAnswer, Refusal } from "../net/wire";
"""
    assert faults("state", "some.ts", lines) == []
