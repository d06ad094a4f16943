"""Reading a log: pages without gaps, or an explicit resync."""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import pytest
import structlog.testing
from dash_messenger.errors import NotFound, Resync
from dash_messenger.ids import IdMaker
from dash_messenger.store import LogPage, Transaction, read_log
from dash_messenger.store.logs import MAX_BEHIND
from dash_messenger.store.tables import conversations, events, messages
from fixtures.filled_store import FilledStore
from msgspec import UNSET
from sqlalchemy import Connection, update


async def page(
    filled: FilledStore,
    after: int,
    limit: int = 100,
    until: int | None = None,
    max_behind: int = MAX_BEHIND,
) -> LogPage:
    return await filled.store.read(
        lambda c: read_log(c, filled.conversation, after, limit, until=until, max_behind=max_behind)
    )


async def say(filled: FilledStore, count: int) -> None:
    await asyncio.gather(*[filled.store.send(filled.draft(str(n))) for n in range(count)])


async def test_a_page_ends_where_its_bytes_end_but_has_one_event(filled: FilledStore) -> None:
    await say(filled, 3)

    def read(max_bytes: int) -> Callable[[Connection], LogPage]:
        return lambda connection: read_log(
            connection, filled.conversation, 0, 100, max_bytes=max_bytes
        )

    assert len((await filled.store.read(read(10))).events) == 1
    assert len((await filled.store.read(read(1_000_000))).events) == 3


async def test_pages_join_without_a_gap(filled: FilledStore) -> None:
    await say(filled, 10)
    after, seen = 0, []
    while True:
        found = await page(filled, after, 3)
        assert found.after == after
        seen += [event.seq for event in found.events]
        if found.seq == found.newest:
            break
        after = found.seq
    assert seen == list(range(1, 11))


async def test_at_the_end_there_is_nothing_and_no_failure(filled: FilledStore) -> None:
    await say(filled, 2)
    found = await page(filled, 2)
    assert (found.events, found.after, found.seq, found.newest) == ([], 2, 2, 2)


async def test_a_page_ends_where_membership_ended(filled: FilledStore) -> None:
    await say(filled, 5)
    found = await page(filled, 1, until=3)
    assert [event.seq for event in found.events] == [2, 3]
    assert found.newest == 3


async def test_a_message_is_given_in_its_current_state(filled: FilledStore) -> None:
    await say(filled, 1)

    def erase(transaction: Transaction) -> None:
        transaction.connection.execute(
            update(messages).values(
                rev=2, content=None, text=None, deleted_at_ms=transaction.now_ms
            )
        )

    await filled.store.write(erase)
    (event,) = (await page(filled, 0)).events
    message = event.data.message
    assert message is not None
    assert (message.rev, message.content, message.text) == (2, None, None)
    assert message.deleted_at_ms
    assert message.edited_at_ms is UNSET


@pytest.mark.parametrize("after", [-1, 4])
async def test_a_cursor_of_another_life_gets_resync(filled: FilledStore, after: int) -> None:
    await say(filled, 3)
    with pytest.raises(Resync):
        await page(filled, after)


async def test_a_cursor_too_far_behind_gets_resync(filled: FilledStore) -> None:
    await say(filled, 6)
    with pytest.raises(Resync):
        await page(filled, 0, max_behind=5)
    assert len((await page(filled, 1, max_behind=5)).events) == 5


async def test_a_cursor_below_the_floor_gets_resync(filled: FilledStore) -> None:
    await say(filled, 5)
    await filled.store.write(
        lambda tx: tx.connection.execute(update(conversations).values(floor=3)).rowcount
    )
    with pytest.raises(Resync):
        await page(filled, 2)
    assert [event.seq for event in (await page(filled, 3)).events] == [4, 5]


async def test_an_unknown_log_is_not_found(filled: FilledStore) -> None:
    unknown = IdMaker()()
    with pytest.raises(NotFound):
        await filled.store.read(lambda c: read_log(c, unknown, 0, 10))


async def test_a_log_stays_readable_with_an_event_of_another_version(filled: FilledStore) -> None:
    await say(filled, 3)

    def change(transaction: Transaction) -> None:
        values = {"kind": "poll.closed", "message_id": None, "data": b'{"poll":1}'}
        transaction.connection.execute(update(events).where(events.c.seq == 2).values(values))

    await filled.store.write(change)
    with structlog.testing.capture_logs() as lines:
        found = await page(filled, 0)
    assert [(event.kind, event.after, event.seq) for event in found.events] == [
        ("message.created", 0, 1),
        ("hidden", 1, 2),
        ("message.created", 2, 3),
    ]
    assert [line["event"] for line in lines] == ["events_unreadable"]
