"""Packs as they are stored: making, changing, collecting, finding.

Owns the queries. Must not know commands. Invariant: a pack is changed by its owner alone, and each
sticker's picture is referred to for as long as the sticker is there.
"""

from __future__ import annotations

import secrets
from collections.abc import Awaitable, Callable, Sequence
from functools import partial
from typing import Any

from dash_messenger import Context, Refused
from msgspec import Struct
from sqlalchemy import Connection, delete, func, insert, select, update

from dash_messenger_stickers.tables import collections, favourites, items, packs, uses

__all__ = ["MAX_ITEMS", "MAX_PACKS", "Item", "Pack", "Packs"]

MAX_ITEMS = 120
MAX_PACKS = 50
MAX_RECENT = 30
MAX_UPLOAD_BYTES = 10_000_000


class Item(Struct, frozen=True):
    """A sticker."""

    id: str
    pack: str
    blob: str
    width: int
    height: int
    animated: bool
    emoji: str


class Pack(Struct, frozen=True):
    """A pack; ``own`` says whether the reader may change it, ``collected`` whether they keep it."""

    id: str
    title: str
    items: list[Item]
    own: bool
    collected: bool


_ITEM = (
    items.c.id,
    items.c.pack_id,
    items.c.blob_id,
    items.c.width,
    items.c.height,
    items.c.animated,
    items.c.emoji,
)


class Packs:
    """All packs of a server."""

    def __init__(self, context: Context) -> None:
        self._context = context

    async def item(self, id: str) -> Item | None:
        """A sticker, or None."""
        query = select(*_ITEM).where(items.c.id == id)
        return await self._context.read(lambda connection: _first(connection, query))

    async def pack(self, id: str, user: str) -> Pack:
        """A pack as ``user`` sees it.

        Raises:
            Refused: there is none.
        """

        def work(connection: Connection) -> Pack | None:
            found = _packs(connection, user, [id])
            return found[0] if found else None

        pack = await self._context.read(work)
        if pack is None:
            raise _gone()
        return pack

    async def collected(self, user: str) -> list[Pack]:
        """What ``user`` keeps, in their order; shipped packs come last, unless put elsewhere."""

        def work(connection: Connection) -> list[Pack]:
            kept = select(collections.c.pack_id, collections.c.position).where(
                collections.c.user_id == user
            )
            positions = {row[0]: row[1] for row in connection.execute(kept)}
            shipped = connection.execute(
                select(packs.c.id).where(packs.c.key.is_not(None)).order_by(packs.c.made_at_ms)
            )
            ids = sorted(positions, key=lambda pack: positions[pack])
            ids += [row[0] for row in shipped if row[0] not in positions]
            return _packs(connection, user, ids)

        return await self._context.read(work)

    async def recent(self, user: str) -> list[Item]:
        """What ``user`` sent lately, the newest first."""
        return await self._joined(uses, uses.c.used_at_ms, user, MAX_RECENT)

    async def favourites(self, user: str) -> list[Item]:
        """What ``user`` marked, the newest first."""
        return await self._joined(favourites, favourites.c.kept_at_ms, user, MAX_ITEMS)

    async def _joined(self, table: Any, order: Any, user: str, limit: int) -> list[Item]:
        query = (
            select(*_ITEM)
            .join(table, table.c.item_id == items.c.id)
            .where(table.c.user_id == user)
            .order_by(order.desc())
            .limit(limit)
        )
        return await self._context.read(
            lambda connection: [Item(*row) for row in connection.execute(query)]
        )

    async def used(self, user: str, item: str) -> None:
        """Note that ``user`` sends a sticker."""
        now_ms = self._context.now_ms()

        def work(connection: Connection) -> None:
            mine = (uses.c.user_id == user, uses.c.item_id == item)
            if not connection.execute(update(uses).where(*mine).values(used_at_ms=now_ms)).rowcount:
                connection.execute(
                    insert(uses).values(user_id=user, item_id=item, used_at_ms=now_ms)
                )

        await self._context.write(work)

    async def make(self, user: str | None, title: str, *, key: str | None = None) -> str:
        """A new pack's id; whoever makes one keeps it.

        Raises:
            Refused: they have made enough.
        """
        id, now_ms = secrets.token_hex(16), self._context.now_ms()

        def work(connection: Connection) -> None:
            own = select(func.count()).select_from(packs).where(packs.c.owner_id == user)
            if user is not None and connection.execute(own).scalar_one() >= MAX_PACKS:
                raise Refused(reason=f"You may make {MAX_PACKS} packs.", key="too_many_packs")
            connection.execute(
                insert(packs).values(id=id, owner_id=user, key=key, title=title, made_at_ms=now_ms)
            )
            if user is not None:
                _collect(connection, user, id)

        await self._context.write(work)
        return id

    async def add(self, user: str, pack: str, blob: str, emoji: str) -> Item:
        """A picture that ``user`` uploaded, as a new sticker of their pack.

        Raises:
            Refused: it is no picture, not theirs, or the pack is not.
        """
        await self._own(user, pack)
        info = await self._context.blobs.info(blob)
        if info is None or info.owner != user:
            raise Refused(reason="Upload the picture first.", key="no_picture", field="blob")
        # Read when it is its turn: what waits is in nobody's memory.
        data = partial(self._context.blobs.read, blob, max_bytes=MAX_UPLOAD_BYTES)
        return await self.add_picture(pack, data, emoji, owner=user)

    async def add_picture(
        self,
        pack: str,
        data: bytes | Callable[[], Awaitable[bytes]],
        emoji: str,
        *,
        owner: str | None = None,
    ) -> Item:
        """A picture, or what reads one, as a new sticker at the end of a pack."""
        fitted = await self._context.limited("dash_messenger_stickers.pictures:fit", data)
        blob = await self._context.blobs.put(
            fitted["webp"], name="sticker.webp", media_type="image/webp", owner=owner
        )
        item = Item(
            id=secrets.token_hex(16),
            pack=pack,
            blob=blob.id,
            width=fitted["width"],
            height=fitted["height"],
            animated=fitted["animated"],
            emoji=emoji,
        )
        # Before the row: a picture that nothing refers to is collected one day, a row must have it.
        await self._context.blobs.refer(blob.id, to=item.id)

        def work(connection: Connection) -> None:
            there = select(func.count(), func.max(items.c.position)).where(items.c.pack_id == pack)
            count, last = connection.execute(there).one()
            if count >= MAX_ITEMS:
                raise Refused(reason=f"A pack holds {MAX_ITEMS} stickers.", key="pack_full")
            connection.execute(
                insert(items).values(
                    id=item.id,
                    pack_id=pack,
                    position=0 if last is None else last + 1,
                    blob_id=item.blob,
                    width=item.width,
                    height=item.height,
                    animated=item.animated,
                    emoji=emoji,
                )
            )

        try:
            await self._context.write(work)
        except BaseException:
            await self._context.blobs.release(blob.id, to=item.id)
            raise
        return item

    async def rename(self, user: str, pack: str, title: str) -> None:
        """Another title for one's own pack."""
        change = update(packs).where(packs.c.id == pack).values(title=title)
        await self._change(user, pack, lambda connection: connection.execute(change))

    async def tag(self, user: str, item: str, emoji: str) -> None:
        """Other emoji for a sticker of one's own pack."""
        found = await self._found(item)
        change = update(items).where(items.c.id == item).values(emoji=emoji)
        await self._change(user, found.pack, lambda connection: connection.execute(change))

    async def reorder(self, user: str, pack: str, order: Sequence[str]) -> None:
        """Put the stickers of one's own pack in this order; those not named keep theirs, after."""

        def work(connection: Connection) -> None:
            there = select(items.c.id).where(items.c.pack_id == pack).order_by(items.c.position)
            before = [row[0] for row in connection.execute(there)]
            after = [id for id in dict.fromkeys(order) if id in set(before)]
            after += [id for id in before if id not in set(after)]
            for position, id in enumerate(after):
                connection.execute(update(items).where(items.c.id == id).values(position=position))

        await self._change(user, pack, work)

    async def remove(self, user: str, item: str) -> None:
        """Take a sticker out of one's own pack; messages that show it go on showing it."""
        found = await self._found(item)
        await self._change(user, found.pack, lambda connection: _forget(connection, [item]))
        await self._context.blobs.release(found.blob, to=item)

    async def delete(self, user: str, pack: str) -> None:
        """Delete one's own pack, for everybody who keeps it."""
        there = await self.pack(pack, user)

        def work(connection: Connection) -> None:
            _forget(connection, [item.id for item in there.items])
            connection.execute(delete(collections).where(collections.c.pack_id == pack))
            connection.execute(delete(packs).where(packs.c.id == pack))

        await self._change(user, pack, work)
        for item in there.items:
            await self._context.blobs.release(item.blob, to=item.id)

    async def collect(self, user: str, pack: str, *, on: bool) -> None:
        """Keep a pack, or keep it no longer.

        Raises:
            Refused: there is none.
        """

        def work(connection: Connection) -> None:
            if connection.execute(select(packs.c.id).where(packs.c.id == pack)).first() is None:
                raise _gone()
            mine = (collections.c.user_id == user, collections.c.pack_id == pack)
            connection.execute(delete(collections).where(*mine))
            if on:
                _collect(connection, user, pack)

        await self._context.write(work)

    async def favour(self, user: str, item: str, *, on: bool) -> None:
        """Mark a sticker, or no longer."""
        now_ms = self._context.now_ms()
        await self._found(item)

        def work(connection: Connection) -> None:
            mine = (favourites.c.user_id == user, favourites.c.item_id == item)
            connection.execute(delete(favourites).where(*mine))
            if on:
                connection.execute(
                    insert(favourites).values(user_id=user, item_id=item, kept_at_ms=now_ms)
                )

        await self._context.write(work)

    async def by_key(self, key: str) -> str | None:
        """The id of a shipped pack, or None."""
        query = select(packs.c.id).where(packs.c.key == key)
        return await self._context.read(lambda connection: connection.execute(query).scalar())

    async def _found(self, item: str) -> Item:
        found = await self.item(item)
        if found is None:
            raise _gone()
        return found

    async def _own(self, user: str, pack: str) -> None:
        await self._context.read(lambda connection: _check_owner(connection, user, pack))

    async def _change(self, user: str, pack: str, work: Callable[[Connection], Any]) -> None:
        def checked(connection: Connection) -> None:
            _check_owner(connection, user, pack)
            work(connection)

        await self._context.write(checked)


def _gone() -> Refused:
    return Refused(reason="These stickers are no longer there.", key="no_sticker")


def _check_owner(connection: Connection, user: str, pack: str) -> None:
    owner = connection.execute(select(packs.c.owner_id).where(packs.c.id == pack)).first()
    if owner is None:
        raise _gone()
    if owner[0] != user:
        raise Refused(reason="Only who made a pack may change it.", key="not_own_pack")


def _first(connection: Connection, query: Any) -> Item | None:
    row = connection.execute(query).first()
    return None if row is None else Item(*row)


def _collect(connection: Connection, user: str, pack: str) -> None:
    """Put a pack before the others that ``user`` keeps."""
    edge = select(func.min(collections.c.position)).where(collections.c.user_id == user)
    first = connection.execute(edge).scalar()
    position = 0 if first is None else first - 1
    connection.execute(insert(collections).values(user_id=user, pack_id=pack, position=position))


def _forget(connection: Connection, ids: Sequence[str]) -> None:
    for column in (items.c.id, uses.c.item_id, favourites.c.item_id):
        connection.execute(delete(column.table).where(column.in_(ids)))


def _packs(connection: Connection, user: str, ids: Sequence[str]) -> list[Pack]:
    """These packs, in the order of ``ids``; those that are gone are left out."""
    if not ids:
        return []
    kept = select(collections.c.pack_id).where(collections.c.user_id == user)
    mine = {row[0] for row in connection.execute(kept)}
    inside: dict[str, list[Item]] = {}
    stickers = select(*_ITEM).where(items.c.pack_id.in_(ids)).order_by(items.c.position)
    for row in connection.execute(stickers):
        inside.setdefault(row.pack_id, []).append(Item(*row))
    rows = connection.execute(
        select(packs.c.id, packs.c.title, packs.c.owner_id, packs.c.key).where(packs.c.id.in_(ids))
    )
    found = {
        row.id: Pack(
            row.id,
            row.title,
            inside.get(row.id, []),
            own=row.owner_id == user,
            collected=row.id in mine or row.key is not None,
        )
        for row in rows
    }
    return [found[id] for id in ids if id in found]
