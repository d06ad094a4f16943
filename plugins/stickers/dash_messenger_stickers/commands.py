"""What clients may ask about stickers: the picker, packs, what one keeps.

Owns parameters and results. Must not know tables.
"""

from __future__ import annotations

from typing import Annotated

from dash_messenger import Caller, Command, Context, Refused, require_visible
from msgspec import Meta, Struct

from dash_messenger_stickers.content import Id, Sticker
from dash_messenger_stickers.emoji_names import is_found
from dash_messenger_stickers.packs import Item, Pack, Packs

__all__ = ["StickerCommands"]

Title = Annotated[str, Meta(min_length=1, max_length=64)]
Emoji = Annotated[str, Meta(max_length=64)]


class Picker(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``stickers.picker``: ``query`` is an emoji, a word, or part of a title."""

    query: Annotated[str, Meta(max_length=64)] = ""
    language: Annotated[str, Meta(max_length=16)] = "en"


class Choice(Struct, frozen=True):
    """One thing to pick."""

    id: str
    label: str
    image: str
    content: dict[str, str]


class Group(Struct, frozen=True):
    """A tab of the picker."""

    id: str
    label: str
    items: list[Choice]
    icon: str | None = None
    icon_url: str | None = None


class Picked(Struct, frozen=True):
    """Result of ``stickers.picker``."""

    groups: list[Group]


class PacksGet(Struct, frozen=True, forbid_unknown_fields=True):
    """``stickers.packs`` has no parameters."""


class PacksFound(Struct, frozen=True):
    """Result of ``stickers.packs``: what one keeps, in one's own order."""

    packs: list[Pack]


class PackGet(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``stickers.pack`` and ``stickers.delete``."""

    pack: Id


class PackMake(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``stickers.make``."""

    title: Title

    def __post_init__(self) -> None:
        require_visible(self.title, "title")


class PackRename(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``stickers.rename``."""

    pack: Id
    title: Title

    def __post_init__(self) -> None:
        require_visible(self.title, "title")


class PackOrder(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``stickers.reorder``: the stickers in their new order."""

    pack: Id
    stickers: Annotated[list[Id], Meta(max_length=200)]


class StickerAdd(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``stickers.add``: an uploaded picture becomes a sticker of one's own pack."""

    pack: Id
    blob: Annotated[str, Meta(max_length=64)]
    emoji: Emoji = ""


class StickerTag(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``stickers.tag``: emoji, separated by spaces."""

    sticker: Id
    emoji: Emoji


class StickerGet(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``stickers.remove``."""

    sticker: Id


class Collect(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``stickers.collect``: a pack, or the message with a sticker of it."""

    pack: Id | None = None
    message: Annotated[str, Meta(max_length=64)] | None = None
    on: bool = True


class Favour(Struct, frozen=True, forbid_unknown_fields=True):
    """Parameters of ``stickers.favour``: a sticker, or the message with it."""

    sticker: Id | None = None
    message: Annotated[str, Meta(max_length=64)] | None = None
    on: bool = True


class Done(Struct, frozen=True):
    """The result where there is nothing to say."""


class StickerCommands:
    """The commands of family ``stickers``."""

    def __init__(self, context: Context, packs: Packs) -> None:
        self._context = context
        self._packs = packs

    def commands(self) -> list[Command]:
        """What a client may ask."""
        rows = (
            (
                "picker",
                Picker,
                Picked,
                self.picker,
                "What one can pick from, tab by tab.",
            ),
            ("packs", PacksGet, PacksFound, self.packs, "The packs that one keeps."),
            ("pack", PackGet, Pack, self.pack, "A pack with its stickers."),
            ("make", PackMake, Pack, self.make, "Make a pack."),
            ("rename", PackRename, Done, self.rename, "Give one's own pack another title."),
            ("reorder", PackOrder, Done, self.reorder, "Put the stickers of a pack in order."),
            ("delete", PackGet, Done, self.delete, "Delete one's own pack."),
            ("add", StickerAdd, Item, self.add, "Add an uploaded picture to one's own pack."),
            ("tag", StickerTag, Done, self.tag, "Say which emoji a sticker stands for."),
            ("remove", StickerGet, Done, self.remove, "Take a sticker out of one's own pack."),
            ("collect", Collect, Done, self.collect, "Keep a pack, or keep it no longer."),
            ("favour", Favour, Done, self.favour, "Mark a sticker, or no longer."),
        )
        return [
            Command(
                f"stickers.{name}",
                params,
                result,
                handler,
                summary,
                rate="cheap read" if name in ("picker", "packs", "pack") else "write",
            )
            for name, params, result, handler, summary in rows
        ]

    async def picker(self, caller: Caller, params: Picker) -> Picked:
        """Recent ones, favourites, then each pack; with a query, what fits it."""
        user, t = caller.user_id, self._context.translate(params.language)
        recent = await self._packs.recent(user)
        favourites = await self._packs.favourites(user)
        packs = await self._packs.collected(user)
        query = params.query.strip().lower()
        if query:
            found = {
                item.id: item
                for pack in packs
                for item in pack.items
                if query in pack.title.lower() or is_found(query, item.emoji, t)
            }
            return Picked([_group("found", t("Found"), [*found.values()], icon="search")])
        groups = [
            _group("recent", t("Recent"), recent, icon="clock"),
            _group("favourites", t("Favourites"), favourites, icon="star"),
        ]
        groups += [_group(pack.id, pack.title, pack.items) for pack in packs]
        return Picked([group for group in groups if group.items])

    async def packs(self, caller: Caller, params: PacksGet) -> PacksFound:
        """The packs that the caller keeps."""
        return PacksFound(await self._packs.collected(caller.user_id))

    async def pack(self, caller: Caller, params: PackGet) -> Pack:
        """A pack; whoever has seen a sticker may look at its pack."""
        return await self._packs.pack(params.pack, caller.user_id)

    async def make(self, caller: Caller, params: PackMake) -> Pack:
        """An empty pack of the caller's."""
        id = await self._packs.make(caller.user_id, params.title.strip())
        return await self._packs.pack(id, caller.user_id)

    async def rename(self, caller: Caller, params: PackRename) -> Done:
        """Another title."""
        await self._packs.rename(caller.user_id, params.pack, params.title.strip())
        return Done()

    async def reorder(self, caller: Caller, params: PackOrder) -> Done:
        """Another order."""
        await self._packs.reorder(caller.user_id, params.pack, params.stickers)
        return Done()

    async def delete(self, caller: Caller, params: PackGet) -> Done:
        """The pack goes; messages keep their stickers."""
        await self._packs.delete(caller.user_id, params.pack)
        return Done()

    async def add(self, caller: Caller, params: StickerAdd) -> Item:
        """The new sticker."""
        return await self._packs.add(caller.user_id, params.pack, params.blob, _tags(params.emoji))

    async def tag(self, caller: Caller, params: StickerTag) -> Done:
        """Other emoji."""
        await self._packs.tag(caller.user_id, params.sticker, _tags(params.emoji))
        return Done()

    async def remove(self, caller: Caller, params: StickerGet) -> Done:
        """One sticker less."""
        await self._packs.remove(caller.user_id, params.sticker)
        return Done()

    async def collect(self, caller: Caller, params: Collect) -> Done:
        """The caller keeps the pack, or no longer."""
        pack = params.pack or (await self._shown(caller, params.message)).pack
        await self._packs.collect(caller.user_id, pack, on=params.on)
        return Done()

    async def favour(self, caller: Caller, params: Favour) -> Done:
        """The caller marks the sticker, or no longer."""
        item = params.sticker or (await self._shown(caller, params.message)).sticker
        await self._packs.favour(caller.user_id, item, on=params.on)
        return Done()

    async def _shown(self, caller: Caller, message: str | None) -> Sticker:
        """The sticker of a message that the caller may see."""
        found = None
        if message is not None:
            found = await self._context.message(id=message, reader=caller.user_id)
        sticker = None if found is None else self._context.content(found)
        if not isinstance(sticker, Sticker):
            raise Refused(reason="This is no sticker.", key="no_sticker")
        return sticker


def _group(id: str, label: str, found: list[Item], *, icon: str | None = None) -> Group:
    choices = [
        Choice(item.id, item.emoji, f"/blobs/{item.blob}", {"sticker": item.id}) for item in found
    ]
    return Group(
        id, label, choices, icon=icon, icon_url=choices[0].image if choices and not icon else None
    )


def _tags(text: str) -> str:
    return " ".join(text.split())
