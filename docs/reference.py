"""Draws the reference of what plugins may import, and the table of tokens, from the code.

Owns how a name, its signature and its docstring become Markdown. Everything that a public module
exports is there: a name without a docstring fails.
"""

from __future__ import annotations

import dataclasses
import importlib
import inspect
import re
import sys
import textwrap
from collections.abc import Callable, Iterator
from pathlib import Path
from types import ModuleType
from typing import Any

import msgspec

__all__ = ["MODULES", "TOKEN_MEANINGS", "draw_api", "draw_tokens"]

MODULES = {
    "dash_messenger": "For both halves.",
    "dash_messenger.client": "A client in Python: for bots, scripts and tests.",
    "dash_messenger.pictures": "For what decodes pictures, with the extra `pictures`; `heic` reads"
    " HEIC too.",
    "dash_messenger.testing": "For tests. In `conftest.py`:"
    ' `pytest_plugins = ["dash_messenger.testing"]`.',
    "dash_messenger_webui": "For the Dash half.",
}
# What only a plugin needs that draws messages or has pages by other means than the web UI.
FOR_PAGES = {"MessageTypes", "Plugins", "Sources", "View", "WebContext"}
TOKENS = Path(__file__).parents[1] / "webui" / "dash_messenger_webui" / "assets" / "tokens.css"
TOKEN_MEANINGS = {
    "font": "The face of everything.",
    "font-mono": "The face of code.",
    "text-size": "Text in bubbles.",
    "text-size-small": "Secondary text.",
    "text-size-tiny": "Times.",
    "line-height": "Of text.",
    "unit": "The grid: distances are multiples of it.",
    "header-height": "Of the bar above the messages.",
    "banner-height": "Of the line above everything that says what is wrong.",
    "target": "What is pressed is at least so large.",
    "list-width": "Of the list of chats on a desktop.",
    "timeline-width": "Of the messages at most.",
    "bubble-width": "Of a bubble at most.",
    "radius": "Of bubbles and dialogs.",
    "radius-small": "Of buttons and fields.",
    "radius-corner": "Of a bubble's corner towards its author.",
    "fast": "Small movements.",
    "calm": "Larger movements.",
    "ease": "How movements run.",
    "surface-0": "Behind the messages.",
    "surface-1": "List, headers, text box.",
    "surface-2": "Raised on `surface-1`: fields, hovered rows.",
    "line": "Thin lines between surfaces.",
    "shadow": "Under bubbles.",
    "shadow-raised": "Under menus and dialogs.",
    "text": "Text.",
    "text-secondary": "Text that matters less.",
    "text-faint": "Times, hints.",
    "link": "Links in bubbles.",
    "primary": "Buttons that are filled.",
    "primary-hover": "The same under the pointer.",
    "on-primary": "Text on `primary`.",
    "primary-text": "Links and text buttons on a surface.",
    "primary-soft": "What is selected.",
    "on-primary-soft": "Text on `primary-soft`.",
    "bubble-other": "Others' bubbles.",
    "bubble-own": "One's own bubbles.",
    "bubble-own-secondary": "Times in one's own bubbles.",
    "bubble-own-accent": "Ticks and quotes in one's own bubbles.",
    "badge": "How many are unread.",
    "badge-muted": "The same where a chat is muted.",
    "on-badge": "Text on both.",
    "danger": "What went wrong, and what deletes.",
    "danger-soft": "Behind a sentence about it.",
    "on-danger": "Text on `danger`.",
    "success": "What went well.",
    "warning-soft": "Behind a warning.",
    "on-warning-soft": "Text on it.",
    "focus": "The ring around what has the focus.",
    "selection": "Selected text.",
    "skeleton": "Where something is being loaded.",
    "backdrop": "Over the page, behind a dialog.",
    "on-avatar": "Initials on an avatar.",
    **{f"author-{n}": "Names of authors: which of the eight goes by the id." for n in range(8)},
    **{f"avatar-{n}": "Behind initials, for the same author." for n in range(8)},
}
_TOKEN = re.compile(r"^  --([\w-]+): ([^;]+);", re.MULTILINE)
_DARK = ':root[data-mantine-color-scheme="dark"]'


def draw_tokens() -> str:
    """Each token: what it is, and its value in light and in dark."""
    style = TOKENS.read_text()
    first, _, rest = style.partition(_DARK)
    light = dict(_TOKEN.findall(first))
    dark = light | dict(_TOKEN.findall(rest.partition("\n}")[0]))
    unnamed = light.keys() ^ TOKEN_MEANINGS.keys()
    if unnamed:
        raise SystemExit(f"docs/reference.py: TOKEN_MEANINGS and tokens.css differ in {unnamed}")
    lines = ["| token | light | dark | is |", "| --- | --- | --- | --- |"]
    for name, meaning in TOKEN_MEANINGS.items():
        same = light[name] == dark[name]
        lines.append(
            f"| `{name}` | `{light[name]}` | {'the same' if same else f'`{dark[name]}`'} |"
            f" {meaning} |"
        )
    return "\n".join(lines)


def draw_api() -> str:
    """Every public name of every module that plugins may import."""
    parts = []
    for module, summary in MODULES.items():
        names = {*importlib.import_module(module).__all__}
        parts += [f"## `{module}`\n\n{summary}\n", *_draw_all(module, names - FOR_PAGES)]
        if names & FOR_PAGES:
            parts.append("### For plugins that others extend\n\nAs the web pages are one.\n")
            parts += _draw_all(module, names & FOR_PAGES)
    return "\n".join(parts)


def _draw_all(module: str, names: set[str]) -> list[str]:
    order = sorted(names, key=lambda name: (name.lower(), name))
    return [_draw(importlib.import_module(module), one) for one in order]


def _draw(module: ModuleType, name: str) -> str:
    value = getattr(module, name)
    title = f"### `{name}`\n\n"
    if inspect.isclass(value):
        return title + _draw_class(name, value)
    if callable(value) and inspect.getdoc(value) and not isinstance(value, type(hookimpl_like())):
        return title + _signed(name, value) + _prose(_doc(name, value))
    return title + PLAIN[name]


def hookimpl_like() -> object:
    """A marker of pluggy's, to know others by."""
    import pluggy

    return pluggy.HookimplMarker("none")


# What is no class and no function has no docstring of its own.
PLAIN = {
    "hookimpl": "Marks a function as the implementation of a [hook](hooks.md): `@hookimpl`.\n",
    "HOOK_API": "The number of the hooks of this version; a module may name the one that it was"
    " written for: `HOOK_API = 1`.\n",
    "RESYNC": "The kind of the event that stands for an interval which can no longer be read:"
    ' `"resync"`.\n',
    "PASSWORD": "The password of every user that [People](#people) makes.\n",
    "people": "A fixture: makes users and clients of `server`, see [People](#people). `ann = await"
    " people()`.\n",
    "server": "A fixture: a running server, shared by the run, see [ServerProcess](#serverprocess)."
    "\n",
}


def _draw_class(name: str, kind: type) -> str:
    parts = [_prose(_doc(name, kind))]
    fields = [*_fields(kind)]
    if fields:
        parts.append("Fields:\n\n" + "\n".join(f"- `{field}`" for field in fields) + "\n")
    elif "__init__" in vars(kind) and not getattr(kind, "_is_protocol", False):
        parts.append(_signed(name, kind))
    for member, value in _members(kind).items():
        if member.startswith("_") and not (member == "__call__" and value.__doc__):
            continue
        value = getattr(value, "__func__", value)
        if isinstance(value, property):
            doc = _prose(_doc(f"{name}.{member}", value), indent="  ")
            parts.append(f"- **`{member}`** {doc.strip()}\n")
        elif inspect.isfunction(value):
            if hasattr(value, "_pytestfixturefunction") or member.startswith("test_"):
                continue
            shown = name if member == "__call__" else member
            doc = _prose(_doc(f"{name}.{member}", value), indent="  ")
            parts.append(f"- **`{_signature(shown, value)}`**\n\n  {doc.strip()}\n")
    return "\n".join(parts)


def _members(kind: type) -> dict[str, Any]:
    """What a class defines, with what it has of bases that nobody else sees."""
    own = [base for base in kind.__mro__ if base is kind or base.__name__.startswith("_")]
    return {name: value for base in reversed(own) for name, value in vars(base).items()}


def _fields(kind: type) -> Iterator[str]:
    """The fields of a struct or dataclass, as they are written."""
    declared = _members(kind).get("__annotations__", {})
    if issubclass(kind, msgspec.Struct):
        defaults = {
            field.name: field.default
            for field in msgspec.structs.fields(kind)
            if field.default is not msgspec.NODEFAULT
        }
    elif dataclasses.is_dataclass(kind):
        made = {field.name: field for field in dataclasses.fields(kind)}
        defaults = {
            name: field.default
            for name, field in made.items()
            if field.default is not dataclasses.MISSING
        }
        declared = {n: a for n, a in declared.items() if made[n].init}
    else:
        defaults = {name: value for name, value in _members(kind).items() if name in declared}
        declared = {n: a for n, a in declared.items() if "ClassVar" in str(a) or n[0].isupper()}
    for name, annotation in declared.items():
        if not name.startswith("_"):
            default = f" = {_value(defaults[name])}" if name in defaults else ""
            yield f"{name}: {_annotation(annotation)}{default}"


def _annotation(annotation: object) -> str:
    shown = annotation if isinstance(annotation, str) else inspect.formatannotation(annotation)
    shown = re.sub(r"^ClassVar\[(.*)\]$", r"\1", shown)
    return shown.replace("builtins.", "")


def _value(value: object) -> str:
    shown = repr(value)
    # An address in memory, or where Python is installed, is nobody else's.
    return "…" if " at 0x" in shown or sys.executable in shown else shown


class _Shown:
    """Something that a signature shows as this text."""

    def __init__(self, text: str) -> None:
        self.text = text

    def __repr__(self) -> str:
        return self.text


def _signature(name: str, function: Callable[..., Any]) -> str:
    found = inspect.signature(function)
    parameters = [
        each.replace(
            annotation=each.annotation
            if each.annotation is each.empty
            else _Shown(_annotation(each.annotation)),
            default=each.default if each.default is each.empty else _Shown(_value(each.default)),
        )
        for each in found.parameters.values()
        if each.name != "self"
    ]
    gives = found.return_annotation
    returns = "" if gives in (found.empty, "None", None) else f" -> {_annotation(gives)}"
    awaited = "await " if inspect.iscoroutinefunction(function) else ""
    return f"{awaited}{name}{inspect.Signature(parameters)}{returns}"


def _signed(name: str, value: Callable[..., Any]) -> str:
    return f"```text\n{_signature(name, value)}\n```\n\n"


def _doc(name: str, value: object) -> str:
    doc = inspect.getdoc(value)
    if not doc:
        raise SystemExit(f"docs/reference.py: {name} has no docstring")
    return doc


def _prose(doc: str, indent: str = "") -> str:
    """A docstring as Markdown: paragraphs filled, examples fenced, what is raised as a list."""
    shown = []
    for paragraph in re.split(r"\n\s*\n", doc):
        if paragraph.startswith("    "):
            shown.append(f"```python\n{textwrap.dedent(paragraph)}\n```")
            continue
        words = re.sub(r"::$", ":", paragraph).replace("``", "`")
        if words.startswith("Raises:"):
            lines = textwrap.dedent(words.partition("\n")[2])
            raised = re.sub(r"\n\s+", " ", lines).splitlines()
            shown += ["\n".join(re.sub(r"^([\w, ]+):", r"- raises `\1`:", o) for o in raised)]
        elif words.startswith("- "):
            shown.append(words)
        else:
            shown.append(textwrap.fill(" ".join(words.split()), 100, break_on_hyphens=False))
    return re.sub(r" +$", "", textwrap.indent("\n\n".join(shown), indent), flags=re.M) + "\n"
