"""Stickers: the message type, packs that users make, and what each user keeps of them.

A message holds everything that it takes to draw it, so that it outlives its pack.
"""

from __future__ import annotations

from collections.abc import Iterable
from pathlib import Path

from dash_messenger import Command, Context, MessageType, Preparing, Refused, Tables, hookimpl

from dash_messenger_stickers import shipped
from dash_messenger_stickers.content import Sticker
from dash_messenger_stickers.packs import Packs
from dash_messenger_stickers.tables import metadata

__all__ = [
    "Sticker",
    "StickerMessage",
    "on_start",
    "register_commands",
    "register_message_types",
    "register_tables",
]


class StickerMessage(MessageType[Sticker]):
    """The type ``sticker``."""

    type = "sticker"
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


@hookimpl
def register_message_types() -> list[MessageType[Sticker]]:
    """The type ``sticker``."""
    return [StickerMessage()]


@hookimpl
def register_tables() -> Tables:
    """Packs, stickers, and what users keep."""
    return Tables(metadata, Path(__file__).parent / "migrations")


@hookimpl
def register_commands(context: Context) -> list[Command]:
    """The family ``stickers``."""
    from dash_messenger_stickers.commands import StickerCommands

    return StickerCommands(context, Packs(context)).commands()


@hookimpl
async def on_start(context: Context) -> None:
    """Bring in the pack that is shipped; nobody waits for it."""
    context.start(shipped.bring_in(context, Packs(context)))
