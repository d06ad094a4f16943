"""The names that plugins import from the top of the core."""

from __future__ import annotations

import ast
import subprocess
import sys
from pathlib import Path

import dash_messenger
import pytest


def test_every_public_name_is_what_the_annotations_say() -> None:
    tree = ast.parse(Path(dash_messenger.__file__).read_text())
    said = {
        name.name: node.module
        for block in tree.body
        if isinstance(block, ast.If)
        for node in ast.walk(block)
        if isinstance(node, ast.ImportFrom)
        for name in node.names
    }
    assert set(said) == {*dash_messenger.__all__}
    for name, home in said.items():
        assert getattr(dash_messenger, name) is getattr(sys.modules[str(home)], name)
    with pytest.raises(AttributeError, match="no attribute 'nothing'"):
        getattr(dash_messenger, "nothing")  # noqa: B009 - what mypy knows not to be there


def test_the_parent_process_imports_the_standard_library_alone() -> None:
    source = (
        "import sys; before = set(sys.modules);"
        "import dash_messenger.__main__, dash_messenger.supervisor.supervisor;"
        "print(*{name.partition('.')[0] for name in set(sys.modules) - before})"
    )
    done = subprocess.run(
        [sys.executable, "-c", source], capture_output=True, check=True, text=True
    )
    assert set(done.stdout.split()) - sys.stdlib_module_names == {"dash_messenger"}
