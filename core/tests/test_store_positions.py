"""Read positions: they only grow, ride on the next batch, and survive its failure."""

from __future__ import annotations

import asyncio
from pathlib import Path

import pytest
from dash_messenger.store import Store, store
from dash_messenger.store.positions import ReadPositions
from dash_messenger.store.tables import read_positions
from sqlalchemy import Connection, select
from store_world import World, open_world


def stored(connection: Connection) -> list[int]:
    return list(connection.execute(select(read_positions.c.read_no)).scalars())


def test_a_position_only_grows() -> None:
    positions = ReadPositions()
    assert positions.advance("c", "u", 5)
    assert not positions.advance("c", "u", 3)
    assert positions.get("c", "u") == 5


def test_what_failed_waits_again_unless_it_was_overtaken() -> None:
    positions = ReadPositions()
    positions.advance("c", "u", 5)
    positions.advance("d", "u", 5)
    assert positions.take() == {("c", "u"): 5, ("d", "u"): 5}
    positions.advance("c", "u", 7)
    assert positions.get("d", "u") == 5
    positions.failed()
    assert positions.take() == {("c", "u"): 7, ("d", "u"): 5}
    positions.stored()
    assert positions.take() == {}


async def test_a_position_rides_on_the_next_batch(world: World) -> None:
    world.store.advance_read(world.conversation, world.bob, 4)
    assert world.store.read_no(world.conversation, world.bob) == 4
    await world.store.send(world.draft())
    assert await world.store.read(stored) == [4]
    assert world.store.read_no(world.conversation, world.bob) == 0


async def test_a_lower_position_does_not_undo_a_stored_one(world: World) -> None:
    for read_no in (4, 2):
        world.store.advance_read(world.conversation, world.bob, read_no)
        await world.store.send(world.draft())
    assert await world.store.read(stored) == [4]


async def test_positions_are_stored_without_any_send(
    tmp_path: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(store, "POSITIONS_EVERY_S", 0.0)
    async with open_world(tmp_path / "store.db") as world:
        world.store.advance_read(world.conversation, world.bob, 4)
        async with asyncio.timeout(10):
            while await world.store.read(stored) != [4]:
                pass


async def test_positions_are_stored_at_close(tmp_path: Path) -> None:
    async with open_world(tmp_path / "store.db") as world:
        world.store.advance_read(world.conversation, world.bob, 4)
    again = await Store.open(tmp_path / "store.db")
    assert await again.read(stored) == [4]
    await again.aclose()
