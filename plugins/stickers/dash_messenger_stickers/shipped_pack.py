"""The pack that comes with the plugin: brought in once, at the first start.

A later version of the package that brings more stickers adds those that are not there yet.
"""

from __future__ import annotations

import json
from pathlib import Path
from typing import Any

from dash_messenger import Context

from dash_messenger_stickers.packs import Packs

__all__ = ["bring_in"]

FOLDER = Path(__file__).parent / "pack"


async def bring_in(context: Context, packs: Packs) -> None:
    """Make the shipped pack, or add what it lacks."""
    description: dict[str, Any] = json.loads((FOLDER / "pack.json").read_text())
    key = description["key"]
    id = await packs.by_key(key) or await packs.make(None, description["title"], key=key)
    there = len((await packs.pack(id, "")).items)
    for sticker in description["stickers"][there:]:
        data = (FOLDER / sticker["file"]).read_bytes()
        await packs.add_picture(id, data, sticker["emoji"])
    if there < len(description["stickers"]):
        context.log.info("stickers_brought_in", pack=key, stickers=len(description["stickers"]))
