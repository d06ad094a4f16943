"""A plugin that uses every hook with a context, and one that is made wrong on purpose."""

from __future__ import annotations

import asyncio
from pathlib import Path
from typing import Annotated, Any, ClassVar, cast

import pytest
from dash_messenger.errors import Refused
from dash_messenger.plugin_api.avatars import Portrait, Portraits
from dash_messenger.plugin_api.checks import Login, Proposed, Upload
from dash_messenger.plugin_api.context import (
    Context,
    Demo,
    Job,
    MemberChange,
    SlashCall,
    SlashCommand,
    Tables,
    setting,
)
from dash_messenger.plugin_api.hookspecs import hookimpl
from dash_messenger.plugin_api.message_types import MessageType
from dash_messenger.plugin_api.themes import Theme
from dash_messenger.protocol.commands import Caller, Command
from dash_messenger.protocol.models import Message
from msgspec import Meta, Struct
from msgspec.structs import replace
from server_world import ServerWorld, Words
from sqlalchemy import Column, Integer, MetaData, Table, insert, select

MIGRATION = """
import sqlalchemy as sa
from alembic import op

revision = "{version}"
down_revision = {before!r}
branch_labels = None
depends_on = None


def upgrade():
    {upgrade}
"""
CREATE = 'op.create_table("everything_notes", sa.Column("number", sa.Integer, nullable=False))'

PNG = b"\x89PNG\r\n\x1a\n"

metadata = MetaData()
notes = Table("everything_notes", metadata, Column("number", Integer, nullable=False))


def install(folder: Path, monkeypatch: pytest.MonkeyPatch, name: str, found: str) -> None:
    """Puts an entry point on the path that names an object of a module."""
    monkeypatch.syspath_prepend(str(folder))
    info = folder / f"dist_{name}-1.2.dist-info"
    info.mkdir(parents=True)
    (info / "METADATA").write_text(f"Metadata-Version: 2.1\nName: dist-{name}\nVersion: 1.2\n")
    (info / "entry_points.txt").write_text(f"[dash_messenger]\n{name} = {found}\n")


def migrations(folder: Path, *upgrades: str) -> Path:
    """An Alembic folder whose versions do these things, one after another."""
    (folder / "versions").mkdir(parents=True, exist_ok=True)
    for number, upgrade in enumerate(upgrades, 1):
        before = f"{number - 1:04}" if number > 1 else None
        text = MIGRATION.format(version=f"{number:04}", before=before, upgrade=upgrade)
        (folder / "versions" / f"m{number:04}.py").write_text(text)
    return folder


class Impossible(Struct, frozen=True):
    """Settings of which nobody can say what is valid."""

    limit: Annotated[int | None, Meta(ge=1)] = None


class Options(Struct, frozen=True):
    limit: Annotated[Annotated[int, Meta(ge=0)], setting("Limit", help="How many.")] = 3
    word: str = "hi"

    def __post_init__(self) -> None:
        if self.word == "no":
            raise ValueError("no is no word")


class Nothing(Struct, frozen=True):
    pass


class Count(Struct, frozen=True):
    count: int


class Own(MessageType[Words]):
    type = "own"
    Content = Words
    inline = True

    def text(self, content: Words, state: None) -> str:
        return content.words


class Negatives:
    """Makes a PNG that ends in the upload; what begins with a word does what it says."""

    async def make(self, upload: bytes) -> Portrait:
        if upload.startswith(b"refuse"):
            raise Refused(reason="That is no picture.")
        if upload.startswith(b"crash"):
            raise RuntimeError("boom")
        if upload.startswith(b"lie"):
            return Portrait(b"<script>", "image/png")
        if upload.startswith(b"large"):
            return Portrait(PNG + bytes(300_000), "image/png")
        if upload.startswith(b"nothing"):
            return cast(Portrait, None)
        return Portrait(PNG + upload, "image/png")


class Everything:
    """What it hears stands in ``heard``; ``wait`` gives the next."""

    migrations: ClassVar[Path]

    def __init__(self) -> None:
        self.heard: asyncio.Queue[tuple[str, Any]] = asyncio.Queue()
        self.holding = asyncio.Event()

    async def next(self, kind: str) -> Any:
        """The next thing of a kind that it hears; others are passed over."""
        async with asyncio.timeout(10):
            while True:
                heard, value = await self.heard.get()
                if heard == kind:
                    return value

    @hookimpl
    def register_message_types(self) -> list[MessageType[Words]]:
        return [Own()]

    @hookimpl
    def register_settings(self) -> type[Options]:
        return Options

    @hookimpl
    def register_tables(self) -> Tables:
        return Tables(metadata, self.migrations)

    @hookimpl
    def register_themes(self) -> list[Theme]:
        return [Theme("dusk", "dark", {"primary": "#2563d4"})]

    @hookimpl
    def register_commands(self, context: Context) -> list[Command]:
        async def count(caller: Caller, params: Nothing) -> Count:
            def work(connection: Any) -> int:
                connection.execute(insert(notes).values(number=1))
                return len(connection.execute(select(notes)).all())

            return Count(await context.write(work))

        return [Command("everything.count", Nothing, Count, count, "Count up.", rate="write")]

    @hookimpl
    def register_slash_commands(self, context: Context) -> list[SlashCommand]:
        async def echo(call: SlashCall) -> None:
            content = Words(call.arguments)
            await context.send(conversation=call.conversation, type="note", content=content)

        async def fall(call: SlashCall) -> None:
            raise RuntimeError("over")

        async def decline(call: SlashCall) -> None:
            raise Refused(reason="Not today.")

        async def hold(call: SlashCall) -> None:
            await self.holding.wait()

        async def language(call: SlashCall) -> None:
            content = Words(call.language)
            await context.send(conversation=call.conversation, type="note", content=content)

        functions = (echo, fall, decline, hold, language)
        return [SlashCommand(f.__name__, "…", f) for f in functions]

    @hookimpl
    def register_jobs(self, context: Context) -> list[Job]:
        async def tick() -> None:
            self.heard.put_nowait(("job", context.name))
            raise RuntimeError("and it comes again")

        return [Job("tick", 1.0, tick)]

    @hookimpl
    def register_portraits(self, context: Context) -> Portraits:
        return Negatives()

    @hookimpl
    async def check_message(self, message: Proposed, context: Context) -> Proposed | None:
        if "bad" in message.text:
            raise Refused(reason="That is bad.")
        if "crash" in message.text:
            raise RuntimeError("boom")
        if "hold" in message.text:
            await self.holding.wait()
        if "rude" in message.text:
            return replace(message, content=Words(message.text.replace("rude", "kind")))
        return None

    @hookimpl
    async def check_login(self, login: Login, context: Context) -> None:
        if login.username == "mallory":
            raise RuntimeError("boom")

    @hookimpl
    async def check_upload(self, upload: Upload, context: Context) -> None:
        if upload.name == "crash":
            raise RuntimeError("boom")

    @hookimpl
    async def on_start(self, context: Context) -> None:
        self.heard.put_nowait(("start", context.settings.limit))

    @hookimpl
    async def on_demo(self, demo: Demo, context: Context) -> None:
        await demo.say(demo.people[0], "note", {"words": f"shown by {context.name}"})
        raise RuntimeError("a demonstration goes on")

    @hookimpl
    async def on_stop(self, context: Context) -> None:
        self.heard.put_nowait(
            ("stop", await context.read(lambda c: len(c.execute(select(notes)).all())))
        )

    @hookimpl
    async def on_message(self, message: Message, context: Context) -> None:
        if message.text == "fail":
            raise RuntimeError("boom")
        if message.text == "stall":
            await self.holding.wait()
        self.heard.put_nowait(("message", message.text))

    @hookimpl
    async def on_member(self, change: MemberChange) -> None:
        self.heard.put_nowait(("member", change))


def everything(world: ServerWorld) -> Everything:
    """The object of the server's plugin."""
    found = world.server.installed.plugins._manager.get_plugin("everything")
    assert isinstance(found, Everything)
    return found


class Wrong:
    """Replaced by what a test is about."""
