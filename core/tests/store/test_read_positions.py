"""Read positions: they only grow, wait for a while, and survive the failure of a batch."""

from __future__ import annotations

import asyncio
import shutil
from pathlib import Path

import pytest
from dash_messenger.store import Store, StoreLimits
from dash_messenger.store.read_positions import ReadPositions
from dash_messenger.store.tables import read_positions
from fixtures.filled_store import FilledStore, open_filled
from sqlalchemy import Connection, select

# Nothing is stored by time.
SELDOM = StoreLimits(positions_every_s=3_600)


def stored(connection: Connection) -> list[int]:
    return list(connection.execute(select(read_positions.c.read_no)).scalars())


def copy(folder: Path, before: str, after: str) -> None:
    for suffix in ("", "-wal"):
        shutil.copy(folder / f"{before}{suffix}", folder / f"{after}{suffix}")


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


def test_what_is_stored_after_it_was_asked_for_is_still_known() -> None:
    positions = ReadPositions()
    positions.advance("c", "u", 5)
    pending = positions.pending()
    positions.take()
    while_storing = positions.pending()
    positions.stored()
    assert pending("c", "u") == while_storing("c", "u") == 5
    assert positions.pending()("c", "u") == 0
    positions.advance("c", "u", 6)
    assert pending("c", "u") == 6


def test_what_was_sent_is_read_from_before_its_commit_unless_it_fails() -> None:
    positions = ReadPositions()
    pending = positions.pending()
    positions.sent({("c", "u"): 1})
    assert pending("c", "u") == 1
    positions.failed()
    assert pending("c", "u") == 0
    positions.sent({("c", "u"): 1})
    assert positions.stored()
    assert pending("c", "u") == 1
    positions.sent({("d", "u"): 1})
    assert not positions.stored()
    positions.sent({})
    assert not positions.stored()


async def test_a_lower_position_does_not_undo_a_stored_one(tmp_path: Path) -> None:
    async with open_filled(tmp_path / "store.db") as filled:
        filled.store.advance_read(filled.conversation, filled.bob, 4)
    again = await Store.open(tmp_path / "store.db")
    again.advance_read(filled.conversation, filled.bob, 2)
    await again.aclose()
    again = await Store.open(tmp_path / "store.db")
    assert await again.read(stored) == [4]
    await again.aclose()


async def test_who_writes_has_read_up_to_it(filled: FilledStore) -> None:
    for number in (1, 2):
        await filled.store.send(filled.draft())
        pending = filled.store.pending_positions()
        assert pending(filled.conversation, filled.ann) == number


async def test_many_messages_are_one_position(tmp_path: Path) -> None:
    async with open_filled(tmp_path / "store.db", SELDOM) as filled:
        for _ in range(3):
            await filled.store.send(filled.draft())
        assert await filled.store.read(stored) == []
    again = await Store.open(tmp_path / "store.db")
    assert await again.read(stored) == [3]
    await again.aclose()


async def test_who_wrote_before_a_crash_has_read_up_to_it(tmp_path: Path) -> None:
    async with open_filled(tmp_path / "store.db", SELDOM) as filled:
        filled.store.advance_read(filled.conversation, filled.bob, 4)
        for _ in range(2):
            await filled.store.send(filled.draft())
        # What a power cut would leave: committed messages, no positions.
        await asyncio.to_thread(copy, tmp_path, "store.db", "crashed.db")
    again = await Store.open(tmp_path / "crashed.db")
    assert await again.read(stored) == [2]
    await again.send(filled.draft())
    await again.aclose()
    again = await Store.open(tmp_path / "crashed.db")
    assert await again.read(stored) == [3]
    await again.aclose()


@pytest.mark.parametrize("store_limits", [StoreLimits(positions_every_s=0)])
async def test_positions_are_stored_without_any_send(filled: FilledStore) -> None:
    filled.store.advance_read(filled.conversation, filled.bob, 4)
    async with asyncio.timeout(30):
        while await filled.store.read(stored) != [4]:
            pass


async def test_positions_are_stored_at_close(tmp_path: Path) -> None:
    async with open_filled(tmp_path / "store.db") as filled:
        filled.store.advance_read(filled.conversation, filled.bob, 4)
    again = await Store.open(tmp_path / "store.db")
    assert await again.read(stored) == [4]
    await again.aclose()
