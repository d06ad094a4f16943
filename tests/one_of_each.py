"""An environment with every plugin of ours as a wheel, and one message of each of their types.

Owns how the plugins come and go (by ``dash-messenger install`` and ``uninstall``, from the wheels)
and what a message of each type holds. Must not know what is asked of them afterwards.
"""

from __future__ import annotations

import asyncio
import io
import os
import subprocess
from dataclasses import dataclass
from pathlib import Path
from typing import Any

from dash_messenger.client import Client
from dash_messenger.testing import ServerProcess, upload
from PIL import Image

from tests.environment import FIRST_PARTY, ROOT, build_wheel, make_environment

__all__ = ["PLUGINS", "TYPES", "Place", "send_each"]

# Each plugin's own type has its name. What people can read of the message when it is gone.
TYPES = {
    "text": "plain words",
    "markdown": "marked words",
    "photo": "a lake",
    "stickers": "",
    "files": "notes.txt",
}
PLUGINS = (*TYPES, "themes", "totp")


@dataclass(frozen=True)
class Place:
    """An environment to which plugins are added, with the wheels they come from."""

    python: Path
    wheels: Path

    @classmethod
    def make(cls, folder: Path, *plugins: str) -> Place:
        """With core, webui and these plugins; the other wheels lie ready."""
        installed = [FIRST_PARTY["core"], FIRST_PARTY["webui"]]
        added = (ROOT / "plugins" / name for name in plugins)
        python = make_environment(folder, *installed, *added)
        wheels = folder / "wheels"
        for name in PLUGINS:
            if name not in plugins:
                build_wheel(ROOT / "plugins" / name, wheels)
        return cls(python, wheels)

    def run(self, *arguments: str) -> str:
        """What ``python -m …`` says; it must succeed. Packages are found among the wheels alone."""
        wheels = str(self.wheels)
        offline = {"PIP_NO_INDEX": "1", "PIP_FIND_LINKS": wheels, "UV_OFFLINE": "1"}
        done = subprocess.run(
            [self.python, "-m", *arguments],
            env={**os.environ, **offline, "UV_NO_INDEX": "1", "UV_FIND_LINKS": wheels},
            capture_output=True,
            text=True,
        )
        assert done.returncode == 0, done.stdout + done.stderr
        return done.stdout

    def server(self, data: Path) -> ServerProcess:
        """A server of this environment, not started."""
        return ServerProcess(data, command=(str(self.python), "-m", "dash_messenger"))


async def send_each(
    client: Client, token: str, url: str, conversation: str, types: tuple[str, ...] = (*TYPES,)
) -> None:
    """Send one message of each type."""
    picture = io.BytesIO()
    Image.radial_gradient("L").convert("RGB").save(picture, "PNG")
    for name in types:
        if name == "photo":
            lake = await blob(url, token, picture.getvalue(), "lake.png")
            content: dict[str, Any] = {"photos": [{"blob": lake, "alt": "a lake"}]}
        elif name == "files":
            content = {"files": [{"blob": await blob(url, token, b"some notes", "notes.txt")}]}
        elif name == "stickers":
            content = await shipped_sticker(client)
        else:
            content = {"text": "plain words" if name == "text" else "**marked** words"}
        type = "sticker" if name == "stickers" else name
        await client.call("message.send", conversation=conversation, type=type, content=content)


async def shipped_sticker(client: Client) -> dict[str, Any]:
    """The first of the pack that comes with the plugin, which it brings in once it has started."""
    async with asyncio.timeout(30):
        while True:
            shown = await client.call("stickers.picker", query="", language="en")
            for group in shown["groups"]:
                for item in group["items"]:
                    content: dict[str, Any] = item["content"]
                    return content
            await asyncio.sleep(0.05)


async def blob(url: str, token: str, content: bytes, name: str) -> str:
    """The id of a file that is uploaded."""
    found = await upload(url, content, token=token, name=name)
    return str(found["id"])
