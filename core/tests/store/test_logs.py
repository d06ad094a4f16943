"""Reading a log: pages without gaps, or an explicit resync."""

from __future__ import annotations

import asyncio

import pytest
from dash_messenger.errors import NotFound, Resync
from dash_messenger.ids import IdMaker
from dash_messenger.store import LogPage, Transaction, logs, read_log
from dash_messenger.store.tables import conversations, messages
from msgspec import UNSET
from sqlalchemy import update
from store_world import World


async def page(world: World, after: int, limit: int = 100, until: int | None = None) -> LogPage:
    return await world.store.read(
        lambda c: read_log(c, world.conversation, after, limit, until=until)
    )


async def say(world: World, count: int) -> None:
    await asyncio.gather(*[world.store.send(world.draft(str(n))) for n in range(count)])


async def test_pages_join_without_a_gap(world: World) -> None:
    await say(world, 10)
    after, seen = 0, []
    while True:
        found = await page(world, after, 3)
        assert found.after == after
        seen += [event.seq for event in found.events]
        if found.seq == found.newest:
            break
        after = found.seq
    assert seen == list(range(1, 11))


async def test_at_the_end_there_is_nothing_and_no_failure(world: World) -> None:
    await say(world, 2)
    found = await page(world, 2)
    assert (found.events, found.after, found.seq, found.newest) == ([], 2, 2, 2)


async def test_a_page_ends_where_membership_ended(world: World) -> None:
    await say(world, 5)
    found = await page(world, 1, until=3)
    assert [event.seq for event in found.events] == [2, 3]
    assert found.newest == 3


async def test_a_message_is_given_in_its_current_state(world: World) -> None:
    await say(world, 1)

    def erase(transaction: Transaction) -> None:
        transaction.connection.execute(
            update(messages).values(
                rev=2, content=None, text=None, deleted_at_ms=transaction.now_ms
            )
        )

    await world.store.write(erase)
    (event,) = (await page(world, 0)).events
    assert event.message is not None
    assert (event.message.rev, event.message.content, event.message.text) == (2, None, None)
    assert event.message.deleted_at_ms
    assert event.message.edited_at_ms is UNSET


@pytest.mark.parametrize("after", [-1, 4])
async def test_a_cursor_of_another_life_gets_resync(world: World, after: int) -> None:
    await say(world, 3)
    with pytest.raises(Resync):
        await page(world, after)


async def test_a_cursor_too_far_behind_gets_resync(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(logs, "MAX_BEHIND", 5)
    await say(world, 6)
    with pytest.raises(Resync):
        await page(world, 0)
    assert len((await page(world, 1)).events) == 5


async def test_a_cursor_below_the_floor_gets_resync(world: World) -> None:
    await say(world, 5)
    await world.store.write(
        lambda tx: tx.connection.execute(update(conversations).values(floor=3)).rowcount
    )
    with pytest.raises(Resync):
        await page(world, 2)
    assert [event.seq for event in (await page(world, 3)).events] == [4, 5]


async def test_an_unknown_log_is_not_found(world: World) -> None:
    unknown = IdMaker()()
    with pytest.raises(NotFound):
        await world.store.read(lambda c: read_log(c, unknown, 0, 10))
