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
from dash_messenger.protocol.events import ConversationAdded, ConversationUpdated
from dash_messenger.store import Store, StoreLimits, Transaction, read_log
from dash_messenger.store.tables import events, messages
from fixtures.filled_store import FilledStore, Gate, one_batch, open_filled
from sqlalchemy import Connection, func, select, text


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
def failing_commits(filled: FilledStore, which: Container[int]) -> Iterator[list[str]]:
    """Of the next commits these fail."""
    fairy: Any = filled.store._writer._connection.connection.connection
    record = fairy._connection_record
    whole = fairy.dbapi_connection
    failing = FailingCommits(whole, which)
    fairy.dbapi_connection = record.dbapi_connection = failing
    try:
        yield failing.tried
    finally:
        fairy.dbapi_connection = record.dbapi_connection = whole


async def test_membership_comes_first_then_answers_then_events(filled: FilledStore) -> None:
    future = filled.store.send(filled.draft())
    future.add_done_callback(lambda _: filled.heard.order.append("answer"))
    await future
    await filled.store.read(count)
    assert filled.heard.order == ["apply", "answer", "announce"]


async def test_what_is_answered_is_already_committed(filled: FilledStore, tmp_path: Path) -> None:
    await filled.store.send(filled.draft())
    other = sqlite.connect(str(tmp_path / "store.db"))
    try:
        assert other.execute("SELECT count(*) FROM messages").fetchone() == (1,)
    finally:
        other.close()


@pytest.mark.parametrize("method", ["apply", "announce"])
async def test_what_is_committed_is_answered_whatever_the_listener_does(
    filled: FilledStore, monkeypatch: pytest.MonkeyPatch, method: str
) -> None:
    def fail(events: object) -> None:
        raise ZeroDivisionError

    monkeypatch.setattr(filled.heard, method, fail)
    first = await asyncio.wait_for(filled.store.send(filled.draft()), 30)
    monkeypatch.undo()
    second = await asyncio.wait_for(filled.store.send(filled.draft()), 30)
    assert (first.seq, second.seq) == (1, 2)
    await filled.store.read(count)
    assert filled.heard.events[-1].seq == 2


async def test_a_listener_that_raises_keeps_nothing_from_the_others(filled: FilledStore) -> None:
    def fail(events: object) -> None:
        raise ZeroDivisionError

    later: list[str] = []
    listeners = filled.store.listeners
    listeners.clear()
    listeners.before_answers(fail)
    listeners.before_answers(lambda events: later.append("before"))
    listeners.after_answers(fail)
    listeners.after_answers(lambda events: later.append("after"))
    await filled.store.send(filled.draft())
    await filled.store.read(count)
    assert later == ["before", "after"]
    listeners.clear()
    await filled.store.send(filled.draft())
    await filled.store.read(count)
    assert later == ["before", "after"]


async def test_a_write_that_raises_spoils_nobody_in_its_batch(filled: FilledStore) -> None:
    def fail(transaction: Transaction) -> None:
        transaction.append(filled.conversation, filled.ann, ConversationUpdated())
        raise NotFound

    async with one_batch(filled):
        before = filled.store.send(filled.draft())
        failing = asyncio.ensure_future(filled.store.write(fail))
        await asyncio.sleep(0)
        after = filled.store.send(filled.draft())
    with pytest.raises(NotFound):
        await failing
    assert [(await before).seq, (await after).seq] == [1, 2]
    assert [heard.seq for heard in filled.heard.events] == [1, 2]


async def test_a_statement_that_fails_the_batch_spoils_nobody_either(filled: FilledStore) -> None:
    def fail(transaction: Transaction) -> None:
        transaction.connection.execute(text("SELECT * FROM no_such_table"))

    async with one_batch(filled):
        before = filled.store.send(filled.draft())
        failing = asyncio.ensure_future(filled.store.write(fail))
        await asyncio.sleep(0)
        after = filled.store.send(filled.draft())
    with pytest.raises(StorageFailed):
        await failing
    assert [(await before).seq, (await after).seq] == [1, 2]
    assert [heard.seq for heard in filled.heard.events] == [1, 2]


async def test_a_draft_that_cannot_be_stored_spoils_nobody(filled: FilledStore) -> None:
    async with one_batch(filled):
        futures = [
            filled.store.send(filled.draft()),
            filled.store.send(filled.draft(client_id="no id")),
            filled.store.send(filled.draft()),
        ]
    first, bad, last = await asyncio.gather(*futures, return_exceptions=True)
    assert isinstance(bad, ValueError)
    assert [getattr(first, "seq", 0), getattr(last, "seq", 0)] == [1, 2]


async def test_a_failed_commit_is_tried_again_singly(filled: FilledStore) -> None:
    with failing_commits(filled, {2}) as tried:  # the first is the gate's
        async with one_batch(filled):
            futures = [filled.store.send(filled.draft()) for _ in range(3)]
        answers = await asyncio.gather(*futures)
    assert len(tried) == 5
    assert [answer.seq for answer in answers] == [1, 2, 3]
    assert [heard.seq for heard in filled.heard.events] == [1, 2, 3]


async def test_a_disk_error_is_never_acknowledged_nor_announced(filled: FilledStore) -> None:
    with failing_commits(filled, range(100)):
        futures = [filled.store.send(filled.draft()) for _ in range(3)]
        answers = await asyncio.gather(*futures, return_exceptions=True)
    assert {type(answer) for answer in answers} == {StorageFailed}
    assert filled.heard.events == []
    assert await filled.store.read(count) == 0
    assert (await filled.store.send(filled.draft())).seq == 1


async def test_a_full_disk_is_never_acknowledged_and_is_survived(filled: FilledStore) -> None:
    def limit(pages: int) -> Any:
        def work(transaction: Transaction) -> None:
            transaction.connection.exec_driver_sql(f"PRAGMA max_page_count = {pages}")

        return work

    await filled.store.write(limit(1))  # SQLite keeps what the file has already, and no page more
    futures = [filled.store.send(filled.draft("x" * 9_000)) for _ in range(5)]
    answers = await asyncio.gather(*futures, return_exceptions=True)
    assert {type(answer) for answer in answers} == {StorageFailed}
    assert filled.heard.events == []
    await filled.store.write(limit(1_000_000))
    assert (await filled.store.send(filled.draft("x" * 9_000))).seq == 1


@pytest.mark.parametrize("store_limits", [StoreLimits(waiting_writes=3)])
async def test_a_full_queue_answers_busy_at_once(filled: FilledStore) -> None:
    async with one_batch(filled):
        waiting = [filled.store.send(filled.draft()) for _ in range(2)]
        with pytest.raises(Busy):
            filled.store.send(filled.draft())
        with pytest.raises(Busy):
            await filled.store.write(lambda transaction: None)
    assert [(await future).seq for future in waiting] == [1, 2]
    assert (await filled.store.send(filled.draft())).seq == 3


async def test_sends_that_wait_are_stored_when_the_store_closes(tmp_path: Path) -> None:
    async with open_filled(tmp_path / "closing.db") as filled:
        gate = Gate(filled)
        await gate.shut()
        futures = [filled.store.send(filled.draft()) for _ in range(3)]
        closing = asyncio.ensure_future(filled.store.aclose())
        await asyncio.sleep(0)
        with pytest.raises(Busy):
            filled.store.send(filled.draft())
        await gate.open()
        assert [(await future).seq for future in futures] == [1, 2, 3]
        await closing
        again = await Store.open(tmp_path / "closing.db")
        assert await again.read(count) == 3
        await again.aclose()


async def test_somebody_who_left_does_not_disturb_the_others(filled: FilledStore) -> None:
    async with one_batch(filled):
        left, stayed = filled.store.send(filled.draft()), filled.store.send(filled.draft())
        left.cancel()
    assert (await stayed).seq == 2
    assert filled.store.waiting == 0


async def test_a_batch_of_refusals_changes_nothing(filled: FilledStore) -> None:
    def change_no(connection: Connection) -> int:
        return int(
            connection.execute(
                text("SELECT value FROM counters WHERE name = 'change_no'")
            ).scalar_one()
        )

    before = await filled.store.read(change_no)
    with pytest.raises(NotFound):
        await filled.store.send(filled.draft(sender=filled.eve))
    assert await filled.store.read(change_no) == before
    await filled.store.send(filled.draft())
    assert await filled.store.read(change_no) == before + 1


async def test_events_of_users_have_their_own_log(filled: FilledStore) -> None:
    def add(transaction: Transaction) -> int:
        added = ConversationAdded(filled.conversation)
        return transaction.append(filled.bob, filled.ann, added)

    assert await filled.store.write(add) == 1
    assert await filled.store.write(add) == 2
    page = await filled.store.read(lambda c: read_log(c, filled.bob, 0, 10))
    assert [found.data for found in page.events] == [ConversationAdded(filled.conversation)] * 2
    assert page.events == filled.heard.events


async def test_an_event_in_no_log_is_refused(filled: FilledStore) -> None:
    with pytest.raises(NotFound):
        await filled.store.write(
            lambda tx: tx.append(tx.new_id(), filled.ann, ConversationUpdated())
        )

    def total(connection: Connection) -> int:
        return connection.execute(select(func.count()).select_from(events)).scalar_one()

    assert await filled.store.read(total) == 0
