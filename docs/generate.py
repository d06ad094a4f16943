"""Writes the parts of docs/ that are drawn from the code; ``--check`` says whether they are stale.

Owns what stands between ``<!-- from the code: NAME -->`` and ``<!-- end -->`` in the pages of this
folder; everything else there is written by hand. Must not write
anything else.
"""

from __future__ import annotations

import ast
import asyncio
import inspect
import re
import sys
import tempfile
import textwrap
import tomllib
from collections.abc import Callable, Iterable, Iterator
from pathlib import Path
from typing import Any, cast, get_args

import msgspec
from dash_messenger.accounts.security_log import MEANINGS, SecurityEvent
from dash_messenger.auth.factor_registry import StepAsked
from dash_messenger.conversations.access import Right, Role, rights
from dash_messenger.errors import CloseCode, failures
from dash_messenger.plugin_api.hookspecs import ServerHooks
from dash_messenger.protocol.commands import Command
from dash_messenger.protocol.events import KINDS
from dash_messenger.protocol.models import ConversationKind
from dash_messenger.server.app import Server
from dash_messenger.settings import PREFIX, Settings
from dash_messenger.store.tables import metadata
from dash_messenger_webui.api.hookspecs import DashHooks
from msgspec import inspect as types
from sqlalchemy import Table, UniqueConstraint
from sqlalchemy.dialects import postgresql, sqlite
from sqlalchemy.engine import Dialect

from docs.limits import draw_limits
from docs.reference import draw_api, draw_tokens

DOCS = Path(__file__).parent
CORE = DOCS.parent / "core" / "dash_messenger"
WEB_UI = DOCS.parent / "webui" / "dash_messenger_webui"
SOURCES = DOCS.parent / "webui" / "src"
# Rooms without modules written by hand.
GENERATED = ("components",)
PART = re.compile(r"(<!-- from the code: (\w+) -->\n).*?(<!-- end -->)", re.DOTALL)
SQLITE: Dialect = sqlite.dialect()
POSTGRESQL: Dialect = cast(Any, postgresql).dialect()

CLOSE_CODE_MEANINGS = {
    CloseCode.GOING_AWAY: "The server shuts down.",
    CloseCode.UNSUPPORTED_DATA: "A binary frame came; the protocol is text.",
    CloseCode.INVALID_TEXT: "A text frame was not UTF-8.",
    CloseCode.TOO_LARGE: "A frame was larger than 64 KiB.",
    CloseCode.INTERNAL_ERROR: "The server failed; its log says how.",
    CloseCode.SERVICE_RESTART: "The server restarts.",
    CloseCode.SLOW_READER: "The client read too slowly; what it missed is in the logs.",
    CloseCode.PING_TIMEOUT: "A ping was not answered in time.",
    CloseCode.TOO_MANY_SOCKETS: "The user has too many connections; one must close first.",
    CloseCode.OVERLOADED: "The server has too many connections or too much to do.",
    CloseCode.UNAUTHENTICATED: "No session, or one that has ended: log in.",
    CloseCode.SESSION_CLOSED: "The session was closed, here or elsewhere: log in.",
    CloseCode.ACCOUNT_DEACTIVATED: "The account was deactivated.",
    CloseCode.PROTOCOL_ABUSED: "The client broke the protocol again and again.",
}


RIGHT_MEANINGS = {
    Right.READ: "read it",
    Right.SEND: "send messages",
    Right.REACT: "put an emoji on messages, and do what their types offer to members",
    Right.EDIT_OTHERS: "edit what others wrote",
    Right.DELETE_OTHERS: "delete what others wrote",
    Right.ACT_AS_ADMIN: "do what types keep for authors and admins, on others' messages too",
    Right.ADD: "add members",
    Right.REMOVE: "remove others",
    Right.LEAVE: "leave",
    Right.RENAME: "change name, photo, description and rules",
    Right.SET_ROLE: "make members owners, admins, or members again",
    Right.BAN: "ban people, lift bans, and see who is banned",
    Right.INVITE: "make and revoke links by which people join, and let in who asks to",
}


def main(arguments: list[str]) -> int:
    """Write every stale page, or with ``--check`` name them and return 1."""
    stale = {page: text for page in pages() if (text := current(page)) != page.read_text()}
    for page, text in stale.items():
        print(f"{page.relative_to(DOCS.parent)} is {'stale' if '--check' in arguments else 'new'}")
        if "--check" not in arguments:
            page.write_text(text)
    return 1 if stale and "--check" in arguments else 0


def pages() -> list[Path]:
    """The pages of the documentation."""
    return sorted(DOCS.rglob("*.md"))


def current(page: Path) -> str:
    """What a page should say."""

    def fill(found: re.Match[str]) -> str:
        begin, name, end = found.groups()
        return f"{begin}\n{PARTS[name]().strip()}\n\n{end}"

    return PART.sub(fill, page.read_text())


# Rooms


def draw_rooms() -> str:
    """Each room of the core in the order of its layers, with its modules and what they are."""
    return _rooms(CORE, "dash_messenger", foundation="The foundation")


def draw_web_rooms() -> str:
    """Each room of the web UI in the order of its layers, as of the core."""
    return _rooms(WEB_UI, "dash_messenger_webui", foundation="Beside the rooms")


def _rooms(package: Path, name: str, *, foundation: str) -> str:
    settings = tomllib.loads((DOCS.parent / "pyproject.toml").read_text())["tool"]["importlinter"]
    layers = next(
        contract["layers"]
        for contract in settings["contracts"]
        if contract["type"] == "layers" and contract["containers"] == [name]
    )
    names = [name.strip() for layer in reversed(layers) for name in layer.split(":")]
    rooms = [name for name in names if (package / name).is_dir() and name not in GENERATED]
    modules = [name for name in names if (package / f"{name}.py").is_file() and name != "__main__"]
    parts = [f"### {foundation}\n", *_modules(package, modules)]
    for room in rooms:
        folder = package / room
        summary = _summary(folder / "__init__.py").replace("``", "`")
        modules = sorted(path.stem for path in folder.glob("*.py") if path.stem != "__init__")
        parts += [f"\n### `{room}/`\n\n{summary}\n", *_modules(folder, modules), *_folders(folder)]
    return "\n".join(parts)


def _modules(folder: Path, names: list[str]) -> list[str]:
    rows = [f"| `{name}` | {_summary(folder / f'{name}.py')} |" for name in names]
    return ["| module | is |", "| --- | --- |", *rows]


def _folders(room: Path) -> list[str]:
    rows = []
    for folder in sorted(path.parent for path in room.glob("*/__init__.py")):
        rows.append(f"| `{folder.name}/` | {_summary(folder / '__init__.py')} |")
        rows += [
            f"| `{folder.name}/{path.stem}` | {_summary(path)} |"
            for path in sorted(folder.glob("*.py"))
            if path.stem != "__init__"
        ]
    return rows


def _summary(module: Path) -> str:
    """The first paragraph of a module's docstring."""
    text = ast.get_docstring(ast.parse(module.read_text())) or ""
    first = " ".join(text.partition("\n\n")[0].split())
    return first.replace("``", "`").replace("|", "\\|")


def draw_web_sources() -> str:
    """Each folder of the components' sources as webui/README.md lists them, with its files."""
    readme = " ".join((SOURCES.parent / "README.md").read_text().split())
    listed = re.findall(r"`(\w+)/` \((.*?)\)", readme)
    folders = {path.name for path in SOURCES.iterdir() if path.is_dir()}
    if {name for name, _ in listed} != folders:
        raise ValueError("webui/README.md lists other folders than webui/src has")
    parts = _source_files(SOURCES)
    for name, summary in listed:
        parts += [f"\n### `{name}/`\n\n{summary[0].upper()}{summary[1:]}.\n"]
        parts += _source_files(SOURCES / name)
    return "\n".join(parts)


def _source_files(folder: Path) -> list[str]:
    rows = [f"| `{path.name}` | {_first_comment(path)} |" for path in sorted(folder.glob("*.ts*"))]
    return ["| file | is |", "| --- | --- |", *rows]


def _first_comment(source: Path) -> str:
    """The first sentence of the comment that a file begins with, or of its first export's."""
    text = source.read_text()
    found = re.match(r"(?://.*\n)+", text) or re.search(r"^/\*\*.*?\*/", text, re.M | re.DOTALL)
    if found is None:
        raise ValueError(f"{source} has no comment that says what it is")
    words = re.sub(r"^(//|/\*\*| \*(?!/))|\*/$", "", found[0].strip(), flags=re.M).split()
    first = re.split(r"(?<=\.) (?=[A-Z`])", " ".join(words))[0]
    return first.replace("|", "\\|")


# Commands


def commands() -> list[Command]:
    """Every command of the core, by name."""

    async def of_a_server(folder: str) -> list[Command]:
        settings = Settings(data=Path(folder), plugins_without=("text", "webui"))
        server = await Server.open(settings)
        try:
            return list(server.commands)
        finally:
            await server.aclose()

    with tempfile.TemporaryDirectory() as folder:
        return asyncio.run(of_a_server(folder))


def draw_security_events() -> str:
    """The events of the security log."""
    rows = [f"| `{event.value}` | {MEANINGS[event]} |" for event in SecurityEvent]
    return "\n".join(("| event | meaning |", "| --- | --- |", *rows))


def draw_rights() -> str:
    """Each right, and which members have it, by kind of conversation and role."""
    columns = [(kind, role) for kind in get_args(ConversationKind) for role in get_args(Role)]
    titles = ("right", "to", *(f"{kind}: {role}" for kind, role in columns), "server's admin")

    def row(right: Right) -> tuple[str, ...]:
        ticks = ("✓" if right in rights(role, kind) else "" for kind, role in columns)
        admin = [kind for kind in get_args(ConversationKind) if is_of_server_admins(kind, right)]
        return (f"`{right}`", RIGHT_MEANINGS[right], *ticks, ", ".join(admin))

    def is_of_server_admins(kind: str, right: Right) -> bool:
        return right in rights("member", kind, server_admin=True) - rights("member", kind)

    return _table(titles, [row(right) for right in Right])


def draw_commands() -> str:
    """Each command with its parameters and result, then the structs they share."""
    # A log-in's failure carries it; everything else is found in results.
    shared: dict[str, type] = {"StepAsked": StepAsked}
    parts = []
    for command in commands():
        open_to_all = " Needs no session." if command.access == "anonymous" else ""
        parts.append(f"### `{command.name}`\n\n{command.summary}{open_to_all}\n")
        for title, struct in (("parameter", command.params), ("result", command.result)):
            parts.append(_explanation(struct))
            parts.append(_fields(title, struct, shared))
    parts.append("## Objects in results\n")
    drawn: set[str] = set()
    while remaining := sorted(shared.keys() - drawn):
        name = remaining[0]
        drawn.add(name)
        parts.append(f"### {name}\n\n{inspect.getdoc(shared[name]) or ''}\n")
        parts.append(_fields("field", shared[name], shared))
    return "\n".join(parts)


def _explanation(struct: type) -> str:
    """What a struct's docstring says beyond naming the command."""
    text = inspect.getdoc(struct) or ""
    text = re.sub(r"^(Parameters|Result) of ``[\w.]+``[.,:;]?", "", text)
    text = re.sub(r"^``[\w.]+`` has no parameters\.", "", text)
    text = text.strip()
    return f"{text[0].upper()}{text[1:]}\n" if text else ""


def _fields(title: str, struct: type, shared: dict[str, type]) -> str:
    info = types.type_info(struct)
    assert isinstance(info, types.StructType)
    if not info.fields:
        return f"No {title}s.\n"
    rows = [
        (f"`{field.encode_name}`", _type_name(field.type, shared) + _default(field))
        for field in info.fields
    ]
    return _table((title, "type"), rows)


def _default(field: types.Field) -> str:
    if field.required:
        return ""
    if field.default_factory is not msgspec.NODEFAULT:
        return f", default `{_json(field.default_factory())}`"
    if field.default in (msgspec.NODEFAULT, msgspec.UNSET):
        return ", may be left out"
    return f", default `{_json(field.default)}`"


def _type_name(kind: types.Type, shared: dict[str, type]) -> str:
    if isinstance(kind, types.UnionType):
        members = [one for one in kind.types if not isinstance(one, types.NoneType)]
        # Raw stands for JSON that is passed on; UNSET only says that a field may be left out.
        named = [_type_name(one, shared) for one in members if not _is_unset(one)]
        return " or ".join([*named, *(["null"] if len(members) < len(kind.types) else [])])
    if isinstance(kind, types.StructType):
        shared[kind.cls.__name__] = kind.cls
        return f"[{kind.cls.__name__}](#{kind.cls.__name__.lower()})"
    if isinstance(kind, types.ListType | types.VarTupleType | types.SetType | types.FrozenSetType):
        limits = _limits(kind.min_length, kind.max_length, "items")
        return f"list of {_type_name(kind.item_type, shared)}{limits}"
    if isinstance(kind, types.DictType):
        return (
            f"object: {_type_name(kind.key_type, shared)} → {_type_name(kind.value_type, shared)}"
        )
    if isinstance(kind, types.StrType):
        pattern = f" like `{kind.pattern}`" if kind.pattern else ""
        return f"string{_limits(kind.min_length, kind.max_length, 'characters')}{pattern}"
    if isinstance(kind, types.IntType):
        return f"integer{_limits(kind.ge, kind.le)}"
    if isinstance(kind, types.EnumType):
        return f"[{kind.cls.__name__}](#{kind.cls.__name__.lower()}s)"
    if isinstance(kind, types.LiteralType):
        return " or ".join(f"`{_json(value)}`" for value in kind.values)
    names = {types.BoolType: "true or false", types.RawType: "JSON", types.AnyType: "JSON"}
    return names.get(type(kind), type(kind).__name__.removesuffix("Type").lower())


def _is_unset(kind: types.Type) -> bool:
    return isinstance(kind, types.CustomType) and kind.cls is msgspec.UnsetType


def _limits(low: int | None, high: int | None, unit: str = "") -> str:
    if low is None and high is None:
        return ""
    low_text, high_text = ("" if limit is None else f"{limit:,}" for limit in (low, high))
    text = {(True, False): f"at least {low_text}", (False, True): f"at most {high_text}"}.get(
        (low is not None, high is not None), f"{low_text} to {high_text}"
    )
    return f" ({text} {unit}".rstrip() + ")"


def _json(value: object) -> str:
    return msgspec.json.encode(value).decode()


# Events


def draw_events() -> str:
    """Each kind of event: whose log it is in, when it happens, what its data is."""
    rows = []
    for kind, struct in KINDS.items():
        info = types.type_info(struct)
        assert isinstance(info, types.StructType)
        fields = [
            f"`{field.encode_name}`: {_type_name(field.type, {})}{_default(field)}"
            for field in info.fields
        ]
        meaning = " ".join((inspect.getdoc(struct) or "").replace("``", "`").split())
        rows.append((f"`{kind}`", struct.log_of, "; ".join(fields), meaning))
    return _table(("kind", "in the log of", "data", "when"), rows)


# Errors and close codes


def draw_errors() -> str:
    """Every failure: code, key, status, whether to try again, and what it says."""
    rows = [
        (
            str(kind.code),
            f"`{kind.key}`",
            str(kind.http_status),
            "yes" if kind.retryable else "",
            kind.sentence,
            " ".join((inspect.getdoc(kind) or "").split()),
        )
        for kind in failures()
    ]
    return _table(("code", "key", "HTTP", "retryable", "sentence", "when"), rows)


def draw_close_codes() -> str:
    """Every close code and whether a client should come back."""
    rows = [
        (
            str(code.value),
            f"`{code.name.lower()}`",
            "come back" if code.comes_back else "do not reconnect",
            CLOSE_CODE_MEANINGS[code],
        )
        for code in CloseCode
    ]
    return _table(("code", "name", "client", "when"), rows)


# Tables, settings, hooks


def draw_tables() -> str:
    """The database: each table with columns, keys and indexes."""
    return "\n".join(_draw_table(table) for table in metadata.tables.values())


def _draw_table(table: Table) -> str:
    unique = {
        column.name
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint) and len(constraint.columns) == 1
        for column in constraint.columns
    }
    rows = []
    for column in table.columns:
        notes = ["key"] if column.primary_key else []
        notes += ["unique"] if column.name in unique or column.unique else []
        notes += [f"→ {key.target_fullname}" for key in column.foreign_keys]
        lite = column.type.compile(dialect=SQLITE)
        post = column.type.compile(dialect=POSTGRESQL)
        null = "yes" if column.nullable else ""
        rows.append((f"`{column.name}`", lite, post, null, ", ".join(notes)))
    lines = [f"## `{table.name}`\n"]
    lines.append(_table(("column", "SQLite", "PostgreSQL", "null", ""), rows))
    several = [
        [column.name for column in constraint.columns]
        for constraint in table.constraints
        if isinstance(constraint, UniqueConstraint) and len(constraint.columns) > 1
    ]
    lines += [f"Unique: {', '.join(names)}.\n" for names in sorted(several)]
    for index in sorted(table.indexes, key=lambda index: str(index.name)):
        kind = "Unique index" if index.unique else "Index"
        lines.append(f"{kind}: {', '.join(column.name for column in index.columns)}.\n")
    return "\n".join(lines)


def draw_settings() -> str:
    """Every setting with its default and what it is for."""
    sentences = _field_docstrings(Settings)
    rows = []
    for field in msgspec.structs.fields(Settings):
        name, made = field.name, field.default is msgspec.NODEFAULT
        default = "by the system" if made else f"`{_json(field.default)}`"
        rows.append((f"`{name}`", f"`{PREFIX}{name.upper()}`", default, sentences.get(name, "")))
    return _table(("setting", "environment", "default", "meaning"), rows)


def _field_docstrings(kind: type) -> dict[str, str]:
    (definition,) = ast.parse(inspect.getsource(kind)).body
    assert isinstance(definition, ast.ClassDef)
    found = {}
    for field, after in zip(definition.body, definition.body[1:], strict=False):
        if isinstance(field, ast.AnnAssign) and isinstance(field.target, ast.Name):
            match after:
                case ast.Expr(value=ast.Constant(value=str() as text)):
                    found[field.target.id] = " ".join(text.split())
    return found


def hooks() -> Iterator[tuple[str, str, Callable[..., Any]]]:
    """Every hook: its half, its name, its specification."""
    for half, kind in (("server", ServerHooks), ("Dash", DashHooks)):
        for name, hook in vars(kind).items():
            if name.startswith(("register_", "check_", "on_")):
                yield half, name, hook


def draw_hooks() -> str:
    """The hooks of the server half and of the Dash half, each as something shipped uses it."""
    parts = []
    for half, title in (("server", "The server half"), ("Dash", "The Dash half")):
        parts.append(f"## {title}\n")
        for _, name, hook in (found for found in hooks() if found[0] == half):
            arguments = [p for p in inspect.signature(hook).parameters if p != "self"]
            parts.append(f"### `{name}({', '.join(arguments)})`\n")
            parts.append(_paragraphs(inspect.getdoc(hook) or ""))
            example = hook_example(name)
            if example is not None:
                path, source = example
                shown = path.relative_to(DOCS.parent).as_posix()
                parts.append(f"From [{shown}](../{shown}):\n\n```python\n{source}\n```\n")
    return "\n".join(parts)


def hook_example(name: str) -> tuple[Path, str] | None:
    """The shortest shipped implementation of a hook, and where it stands; examples first."""
    found = []
    for rank, folder in enumerate(("examples", "plugins", "webui")):
        for path in sorted((DOCS.parent / folder).rglob("*.py")):
            if not {"tests", "node_modules", "components"} & {*path.parts}:
                found += [(rank, len(source), path, source) for source in _written(path, name)]
        if found:
            break
    return min(found)[2:] if found else None


def _written(path: Path, name: str) -> Iterator[str]:
    """The implementations of a hook in a file."""
    text = path.read_text()
    if f"def {name}(" not in text:
        return
    for node in ast.walk(ast.parse(text)):
        if isinstance(node, ast.FunctionDef | ast.AsyncFunctionDef) and node.name == name:
            marks = [ast.unparse(decorator) for decorator in node.decorator_list]
            if marks and marks[0].startswith("hookimpl"):
                first = node.decorator_list[0].lineno - 1
                lines = text.splitlines()[first : node.end_lineno]
                yield textwrap.dedent("\n".join(lines))


def _paragraphs(text: str) -> str:
    """A hook's docstring with a line for each of what is said of every hook."""
    paragraphs = [" ".join(paragraph.split()) for paragraph in text.split("\n\n")]
    marked = re.sub(
        r" ?\b(When|Several plugins|If it raises):", r"\n\n*\1:*", "\n\n".join(paragraphs)
    )
    marked = re.sub(r" (Since [\d.]+\d)\.", r"\n\n*\1.*", marked)
    filled = (textwrap.fill(one, 100) for one in re.split(r"\n{2,}", marked))
    return "\n\n".join(filled) + "\n"


def _table(titles: tuple[str, ...], rows: Iterable[tuple[str, ...]]) -> str:
    lines = [titles, tuple("---" for _ in titles), *rows]
    return "".join(
        "| " + " | ".join(cell.replace("|", "\\|") for cell in line) + " |\n" for line in lines
    )


PARTS: dict[str, Callable[[], str]] = {
    "rooms": draw_rooms,
    "web_rooms": draw_web_rooms,
    "web_sources": draw_web_sources,
    "commands": draw_commands,
    "rights": draw_rights,
    "security_events": draw_security_events,
    "events": draw_events,
    "errors": draw_errors,
    "close_codes": draw_close_codes,
    "tables": draw_tables,
    "settings": draw_settings,
    "hooks": draw_hooks,
    "api": draw_api,
    "tokens": draw_tokens,
    "limits": draw_limits,
}

if __name__ == "__main__":
    sys.exit(main(sys.argv[1:]))
