"""Stickers: the message type, packs that users make, and what each user keeps of them.

A message holds everything that it takes to draw it, so that it outlives its pack.
"""

from __future__ import annotations

import asyncio
from collections.abc import Iterable
from pathlib import Path

from dash_messenger import (
    Command,
    Context,
    Demo,
    MessageType,
    Preparing,
    Refused,
    Tables,
    hookimpl,
)

from dash_messenger_stickers import shipped_pack
from dash_messenger_stickers.content import Sticker
from dash_messenger_stickers.packs import Packs
from dash_messenger_stickers.tables import metadata

__all__ = ["Sticker", "StickerMessage", "Stickers"]


class StickerMessage(MessageType[Sticker]):
    """The type ``sticker``."""

    type = "sticker"
    inline = True
    Content = Sticker

    def text(self, content: Sticker, state: None) -> str:
        """The first of its emoji."""
        return content.emoji.partition(" ")[0]

    def blobs(self, content: Sticker) -> Iterable[str]:
        """The picture."""
        return [content.blob]

    async def prepare(self, content: Sticker, preparing: Preparing) -> Sticker:
        """The sticker as its pack has it, whatever else the author claimed.

        Raises:
            Refused: there is no such sticker.
        """
        packs = Packs(preparing.context)
        item = await packs.item(content.sticker)
        if item is None:
            raise Refused(reason="This sticker is no longer there.", key="no_sticker")
        await packs.used(preparing.user, item.id)
        return Sticker(
            sticker=item.id,
            pack=item.pack,
            blob=item.blob,
            width=item.width,
            height=item.height,
            animated=item.animated,
            emoji=item.emoji,
        )


class Stickers:
    """The plugin: an object, since two of its hooks wait for the same pack."""

    def __init__(self) -> None:
        self._bringing_in = asyncio.Lock()

    @hookimpl
    def register_message_types(self) -> list[MessageType[Sticker]]:
        """The type ``sticker``."""
        return [StickerMessage()]

    @hookimpl
    def register_tables(self) -> Tables:
        """Packs, stickers, and what users keep."""
        return Tables(metadata, Path(__file__).parent / "migrations")

    @hookimpl
    def register_commands(self, context: Context) -> list[Command]:
        """The family ``stickers``."""
        from dash_messenger_stickers.commands import StickerCommands

        return StickerCommands(context, Packs(context)).commands()

    @hookimpl
    async def on_start(self, context: Context) -> None:
        """Bring in the pack that is shipped; nobody waits for it."""
        context.start(self._bring_in(context))

    @hookimpl
    async def on_demo(self, demo: Demo, context: Context) -> None:
        """A greeting and an answer."""
        await self._bring_in(context)
        (pack,) = await Packs(context).collected(demo.people[0].id)
        by_emoji = {item.emoji: item for item in pack.items}
        for by, emoji in ((demo.people[2], "🎉"), (demo.people[3], "❤️")):
            item = next(one for found, one in by_emoji.items() if emoji in found)
            await demo.say(by, "sticker", {"sticker": item.id})

    async def _bring_in(self, context: Context) -> None:
        async with self._bringing_in:
            await shipped_pack.bring_in(context, Packs(context))
