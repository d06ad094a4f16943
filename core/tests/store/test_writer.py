"""The writer: nothing answered before its commit, nobody spoilt by another, nothing unbounded."""

from __future__ import annotations

import asyncio
from collections.abc import Container, Iterator
from contextlib import contextmanager
from pathlib import Path
from typing import Any

import pysqlite3.dbapi2 as sqlite
import pytest
from dash_messenger.errors import Busy, NotFound, StorageFailed
from dash_messenger.store import Store, Transaction, read_log, writer
from dash_messenger.store.tables import events, messages
from sqlalchemy import Connection, func, select, text
from store_world import Gate, World, one_batch, open_world


def count(connection: Connection) -> int:
    return connection.execute(select(func.count()).select_from(messages)).scalar_one()


class FailingCommits:
    """A driver's connection of whose next commits these fail, as when the disk reports an error."""

    def __init__(self, driver: Any, which: Container[int]) -> None:
        self.tried: list[str] = []
        self._driver = driver
        self._which = which

    def __getattr__(self, name: str) -> Any:
        return getattr(self._driver, name)

    def commit(self) -> None:
        """Fail, or do it."""
        self.tried.append("commit")
        if len(self.tried) in self._which:
            raise sqlite.OperationalError("disk I/O error")
        self._driver.commit()


@contextmanager
def failing_commits(world: World, which: Container[int]) -> Iterator[list[str]]:
    """Of the next commits these fail."""
    fairy: Any = world.store._writer._connection.connection
    record = fairy._connection_record
    whole = fairy.dbapi_connection
    failing = FailingCommits(whole, which)
    fairy.dbapi_connection = record.dbapi_connection = failing
    try:
        yield failing.tried
    finally:
        fairy.dbapi_connection = record.dbapi_connection = whole


async def test_membership_comes_first_then_answers_then_events(world: World) -> None:
    future = world.store.send(world.draft())
    future.add_done_callback(lambda _: world.heard.order.append("answer"))
    await future
    await world.store.read(count)
    assert world.heard.order == ["apply", "answer", "announce"]


async def test_what_is_answered_is_already_committed(world: World, tmp_path: Path) -> None:
    await world.store.send(world.draft())
    other = sqlite.connect(str(tmp_path / "store.db"))
    try:
        assert other.execute("SELECT count(*) FROM messages").fetchone() == (1,)
    finally:
        other.close()


@pytest.mark.parametrize("method", ["apply", "announce"])
async def test_what_is_committed_is_answered_whatever_the_listener_does(
    world: World, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def fail(events: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(world.heard, method, fail)
    first = await asyncio.wait_for(world.store.send(world.draft()), 5)
    monkeypatch.undo()
    second = await asyncio.wait_for(world.store.send(world.draft()), 5)
    assert (first.seq, second.seq) == (1, 2)
    await world.store.read(count)
    assert world.heard.events[-1].seq == 2


async def test_a_write_that_raises_spoils_nobody_in_its_batch(world: World) -> None:
    def fail(transaction: Transaction) -> None:
        transaction.append(world.conversation, "conversation.updated", world.ann)
        raise NotFound

    async with one_batch(world):
        before = world.store.send(world.draft())
        failing = asyncio.ensure_future(world.store.write(fail))
        await asyncio.sleep(0)
        after = world.store.send(world.draft())
    with pytest.raises(NotFound):
        await failing
    assert [(await before).seq, (await after).seq] == [1, 2]
    assert [heard.seq for heard in world.heard.events] == [1, 2]


async def test_a_statement_that_fails_the_batch_spoils_nobody_either(world: World) -> None:
    def fail(transaction: Transaction) -> None:
        transaction.connection.execute(text("SELECT * FROM no_such_table"))

    async with one_batch(world):
        before = world.store.send(world.draft())
        failing = asyncio.ensure_future(world.store.write(fail))
        await asyncio.sleep(0)
        after = world.store.send(world.draft())
    with pytest.raises(StorageFailed):
        await failing
    assert [(await before).seq, (await after).seq] == [1, 2]
    assert [heard.seq for heard in world.heard.events] == [1, 2]


async def test_a_draft_that_cannot_be_stored_spoils_nobody(world: World) -> None:
    async with one_batch(world):
        futures = [
            world.store.send(world.draft()),
            world.store.send(world.draft(client_id="no id")),
            world.store.send(world.draft()),
        ]
    first, bad, last = await asyncio.gather(*futures, return_exceptions=True)
    assert isinstance(bad, ValueError)
    assert [getattr(first, "seq", 0), getattr(last, "seq", 0)] == [1, 2]


async def test_a_failed_commit_is_tried_again_singly(world: World) -> None:
    with failing_commits(world, {2}) as tried:  # the first is the gate's
        async with one_batch(world):
            futures = [world.store.send(world.draft()) for _ in range(3)]
        answers = await asyncio.gather(*futures)
    assert len(tried) == 5
    assert [answer.seq for answer in answers] == [1, 2, 3]
    assert [heard.seq for heard in world.heard.events] == [1, 2, 3]


async def test_a_disk_error_is_never_acknowledged_nor_announced(world: World) -> None:
    with failing_commits(world, range(100)):
        futures = [world.store.send(world.draft()) for _ in range(3)]
        answers = await asyncio.gather(*futures, return_exceptions=True)
    assert {type(answer) for answer in answers} == {StorageFailed}
    assert world.heard.events == []
    assert await world.store.read(count) == 0
    assert (await world.store.send(world.draft())).seq == 1


async def test_a_full_disk_is_never_acknowledged_and_is_survived(world: World) -> None:
    def limit(pages: int) -> Any:
        def work(transaction: Transaction) -> None:
            transaction.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        return work

    await world.store.write(limit(1))  # SQLite keeps what the file has already, and no page more
    futures = [world.store.send(world.draft("x" * 9_000)) for _ in range(5)]
    answers = await asyncio.gather(*futures, return_exceptions=True)
    assert {type(answer) for answer in answers} == {StorageFailed}
    assert world.heard.events == []
    await world.store.write(limit(1_000_000))
    assert (await world.store.send(world.draft("x" * 9_000))).seq == 1


async def test_a_full_queue_answers_busy_at_once(
    world: World, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(writer, "MAX_WAITING", 3)
    async with one_batch(world):
        waiting = [world.store.send(world.draft()) for _ in range(2)]
        with pytest.raises(Busy):
            world.store.send(world.draft())
        with pytest.raises(Busy):
            await world.store.write(lambda transaction: None)
    assert [(await future).seq for future in waiting] == [1, 2]
    assert (await world.store.send(world.draft())).seq == 3


async def test_sends_that_wait_are_stored_when_the_store_closes(tmp_path: Path) -> None:
    async with open_world(tmp_path / "closing.db") as world:
        gate = Gate(world)
        await gate.shut()
        futures = [world.store.send(world.draft()) for _ in range(3)]
        closing = asyncio.ensure_future(world.store.aclose())
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            world.store.send(world.draft())
        await gate.open()
        assert [(await future).seq for future in futures] == [1, 2, 3]
        await closing
        again = await Store.open(tmp_path / "closing.db")
        assert await again.read(count) == 3
        await again.aclose()


async def test_somebody_who_left_does_not_disturb_the_others(world: World) -> None:
    async with one_batch(world):
        left, stayed = world.store.send(world.draft()), world.store.send(world.draft())
        left.cancel()
    assert (await stayed).seq == 2
    assert world.store.waiting == 0


async def test_a_batch_of_refusals_changes_nothing(world: World) -> None:
    def change_no(connection: Connection) -> int:
        return int(
            connection.execute(
                text("SELECT value FROM counters WHERE name = 'change_no'")
            ).scalar_one()
        )

    before = await world.store.read(change_no)
    with pytest.raises(NotFound):
        await world.store.send(world.draft(sender=world.eve))
    assert await world.store.read(change_no) == before
    await world.store.send(world.draft())
    assert await world.store.read(change_no) == before + 1


async def test_events_of_users_have_their_own_log(world: World) -> None:
    def add(transaction: Transaction) -> int:
        data = {"conversation": world.conversation}
        return transaction.append(world.bob, "conversation.added", world.ann, data)

    assert await world.store.write(add) == 1
    assert await world.store.write(add) == 2
    page = await world.store.read(lambda c: read_log(c, world.bob, 0, 10))
    assert [found.data for found in page.events] == [{"conversation": world.conversation}] * 2
    assert page.events == world.heard.events


async def test_an_event_in_no_log_is_refused(world: World) -> None:
    with pytest.raises(NotFound):
        await world.store.write(lambda tx: tx.append(tx.new_id(), "x", world.ann))

    def total(connection: Connection) -> int:
        return connection.execute(select(func.count()).select_from(events)).scalar_one()

    assert await world.store.read(total) == 0
