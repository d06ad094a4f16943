"""A server with some of the plugins in it, and what becomes of them."""

from __future__ import annotations

import asyncio
import inspect
import json
import shutil
import sys
import time
from collections.abc import Callable, Iterator
from pathlib import Path
from typing import Any

from dash_messenger.client import Client
from dash_messenger.plugin_api.hookspecs import ServerHooks
from dash_messenger.testing import People, ServerProcess
from dash_messenger_webui.api.hookspecs import DashHooks

from tests.pair import Pair

HERE = Path(__file__).parent
PLUGINS = HERE / "plugins"
PATIENCE_S = 30.0


def hooks(half: type = ServerHooks) -> Iterator[tuple[str, tuple[str, ...]]]:
    """Every hook there is, with the names of its arguments."""
    for name, hook in vars(half).items():
        if name.startswith(("register_", "check_", "on_")):
            yield name, tuple(inspect.signature(hook).parameters)[1:]


def misbehaving(hook: str, arguments: tuple[str, ...], act: str, *, half: type) -> str:
    """A plugin's source whose one hook does ``act``."""
    home = "dash_messenger_webui" if half is DashHooks else "dash_messenger"
    kind = "def" if hook.startswith("register_") else "async def"
    return (
        f"import asyncio, sys\nfrom {home} import hookimpl\n\n\n"
        f"@hookimpl\n{kind} {hook}({', '.join(arguments)}):\n    {act}\n"
    )


class PluginHost:
    """Plugins are brought in by `add` or `write`, then the server is started by `open`."""

    def __init__(self, folder: Path, **environment: str) -> None:
        self.plugins = folder / "plugins"
        self.plugins.mkdir()
        self.server = ServerProcess(
            folder / "data",
            command=(sys.executable, str(HERE / "launch.py")),
            environment={
                "DASH_MESSENGER_PLUGINS_DIR": str(self.plugins),
                # What is told to end ends in order, on a busy machine too.
                "DASH_MESSENGER_SHUTDOWN_S": "3",
                **environment,
            },
        )
        self.people = People(self.server)

    def add(self, *plugins: str) -> None:
        """Bring in plugins of this folder, both halves where there are two."""
        for plugin in plugins:
            for path in (PLUGINS / f"{plugin}.py", PLUGINS / f"{plugin}_ui.py"):
                if path.exists():
                    shutil.copy(path, self.plugins)

    def write(self, plugin: str, source: str) -> None:
        """Bring in a plugin that is made for the occasion."""
        (self.plugins / f"{plugin}.py").write_text(source)

    def add_bad_types(self, *plugins: str) -> None:
        """Bring in message types that are bad, named as `bad_type` says."""
        for plugin in plugins:
            shutil.copy(HERE / "bad_type.py", self.plugins / f"{plugin}.py")
            if plugin.endswith("_in_render"):
                shutil.copy(HERE / "bad_view.py", self.plugins / f"{plugin}_ui.py")

    async def open(self) -> None:
        """Start the server."""
        await asyncio.to_thread(self.server.start)

    async def close(self) -> None:
        """End everything."""
        await self.people.aclose()
        self.server.kill()

    async def pair(self) -> Pair:
        """Two people who have nothing to do with it."""
        return await Pair.meet(self.people)

    async def visitor(self) -> tuple[Client, str]:
        """Somebody to provoke the plugins, and a conversation to do it in."""
        visitor, friend = await self.people(), await self.people()
        made = await visitor.call(
            "conversation.create", kind="direct", members=[friend.me["username"]]
        )
        return visitor, made["id"]

    async def statuses(self) -> dict[tuple[str, str], tuple[str, str]]:
        """Status and reason of each plugin by name and group, as ``plugins --json`` says."""
        said = await asyncio.to_thread(self.server.run, "plugins", "--json")
        return {
            (one["name"], one["group"].removeprefix("dash_messenger") or "server"): (
                one["status"],
                one["reason"],
            )
            for one in json.loads(said)
        }

    def logged(self, event: str, plugin: str | None = None) -> list[dict[str, Any]]:
        """The lines of the log that say this, of this plugin."""
        lines = [json.loads(line) for line in self.server.log.splitlines() if line[:1] == "{"]
        return [
            line
            for line in lines
            if line["event"] == event and plugin in (None, line.get("plugin"))
        ]

    async def until(self, holds: Callable[[], object]) -> None:
        """Wait for something that only a file tells.

        Raises:
            AssertionError: it does not come about.
        """
        deadline = time.monotonic() + PATIENCE_S
        while not holds():
            assert time.monotonic() < deadline, self.server.log[-4000:]
            await asyncio.sleep(0.05)
