"""Regular expressions: each that may meet what people wrote is known, and takes time as it does.

Python's expressions go back and try again: one that can read the same text in two ways takes twice
as long with each character, and holds the interpreter while it does.
"""

from __future__ import annotations

import ast
import re
import time
from collections.abc import Iterator
from pathlib import Path

import pytest

ROOT = Path(__file__).resolve().parent.parent
FOLDERS = ("core/dash_messenger", "webui/dash_messenger_webui", "plugins", "examples")
# Where expressions are made, and why that is safe. Who adds one says it here.
KNOWN = {
    "core/dash_messenger/accounts/accounts.py": "languages, themes: one class, bounded",
    "core/dash_messenger/accounts/names.py": "user names: one class, bounded",
    "core/dash_messenger/blobs/content_files.py": "names of files that the server gave",
    "core/dash_messenger/testing/message_types.py": "the test kit, on a test's contents",
    "core/dash_messenger/testing/themes.py": "the test kit, on a theme's colours",
    "core/dash_messenger/gateway/downloads.py": "ranges and file names: bounded, one class",
    "core/dash_messenger/plugins/settings.py": "languages: bounded",
    "core/dash_messenger/plugins/loader.py": "names of plugins",
    "core/dash_messenger/cli/new_plugin.py": "a name that an admin types",
    "core/dash_messenger/plugins/slash_commands.py": "commands: bounded; after a slash",
    "core/dash_messenger/plugins/themes.py": "a theme's values: bounded, one class",
    "core/dash_messenger/protocol/params.py": "sentences of msgspec; two characters of JSON",
    "core/dash_messenger/testing/fixtures.py": "the test kit, on answers of the server",
    "examples/dice/dice.py": "arguments of a command: bounded digits",
    "examples/guard/acme_guard/server.py": "one word of the admin's, escaped",
    "plugins/files/dash_messenger_files/server.py": "ids: one class, bounded",
    "plugins/photo/dash_messenger_photo/server.py": "ids: one class, bounded",
    "plugins/stickers/dash_messenger_stickers/content.py": "ids: one class, bounded",
    "plugins/stickers/dash_messenger_stickers/settings_section.py": "ids: one class, bounded",
    "plugins/totp/dash_messenger_totp/server.py": "names: one class",
    "webui/dash_messenger_webui/addresses.py": "addresses: one class at a time, bounded or ended",
    "webui/dash_messenger_webui/api/links.py": "addresses: each character read once",
    "webui/dash_messenger_webui/http/assets.py": "style sheets of plugins",
    "webui/dash_messenger_webui/http/component_bundles.py": "addresses that Dash makes",
    "webui/dash_messenger_webui/rendering/message_views.py": "names of pages: bounded",
    "examples/poll/acme_poll/server.py": "a line: a single character",
}
# n, 2n, 4n characters: what is quadratic takes 16 times as long for 4n as for n.
LENGTHS = (4_000, 8_000, 16_000)
SHORT = (16, 24, 32, 64)
SHORT_S = 0.02
FULL_S = 0.1


def sources() -> list[Path]:
    found = [path for folder in FOLDERS for path in sorted((ROOT / folder).rglob("*.py"))]
    return [path for path in found if not {"tests", "template", "tools"} & set(path.parts)]


def expressions(path: Path) -> Iterator[ast.expr]:
    """What is given to ``re`` or as ``pattern`` of msgspec in a module."""
    for node in ast.walk(ast.parse(path.read_text())):
        if not isinstance(node, ast.Call):
            continue
        made = node.func
        if (
            isinstance(made, ast.Attribute)
            and isinstance(made.value, ast.Name)
            and made.value.id in ("re", "regex", "re2")
            and made.attr != "escape"
        ):
            yield node.args[0]
        yield from (word.value for word in node.keywords if word.arg == "pattern")


def found() -> dict[str, list[ast.expr]]:
    made = {str(path.relative_to(ROOT)): list(expressions(path)) for path in sources()}
    return {name: patterns for name, patterns in made.items() if patterns}


def constants() -> list[tuple[str, str]]:
    return [
        (name, pattern.value)
        for name, patterns in sorted(found().items())
        for pattern in patterns
        if isinstance(pattern, ast.Constant) and isinstance(pattern.value, str)
    ]


def test_expressions_are_made_only_where_somebody_said_why() -> None:
    unknown = sorted(found().keys() - KNOWN.keys())
    assert not KNOWN.keys() - found().keys()
    assert not unknown, f"regular expressions in {unknown}: do without, or add to KNOWN with reason"


def test_no_expression_is_put_together_from_what_people_wrote() -> None:
    """But for the guard's one word, which it escapes."""
    made = [
        name
        for name, patterns in found().items()
        for pattern in patterns
        if not isinstance(pattern, ast.Constant)
    ]
    assert made == ["examples/guard/acme_guard/server.py"]


@pytest.mark.parametrize(("name", "pattern"), constants())
def test_near_misses_take_no_time(name: str, pattern: str) -> None:
    expression = re.compile(pattern)
    # What the expression itself is made of comes as near as anything.
    units = {*pattern, *"a0A _-./\\:\n\t\"'é", pattern[:3], "a.", "a-", 'url("', "0d"}
    for unit in sorted(units):
        for lengths, limit_s in ((SHORT, SHORT_S), (LENGTHS, FULL_S)):
            for characters in lengths:
                text = (unit * characters)[:characters] + "\x00"
                if took_s(expression, text) >= limit_s:
                    # What takes long does so each time; an interrupted thread does not.
                    again_s = min(took_s(expression, text) for _ in range(3))
                    assert again_s < limit_s, (unit, characters)


def took_s(expression: re.Pattern[str], text: str) -> float:
    """The processor time of looking for it."""
    began_s = time.thread_time()
    expression.fullmatch(text)
    expression.search(text)
    return time.thread_time() - began_s
