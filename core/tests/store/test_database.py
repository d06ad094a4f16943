"""The file: pragmas that make a commit durable, bounded readers, checkpoints off the writer."""

from __future__ import annotations

import asyncio
import contextlib
import threading
from pathlib import Path

import pytest
from dash_messenger.errors import Busy, StorageFailed
from dash_messenger.store import Store, StoreLimits
from dash_messenger.store.readers import READER_THREADS
from dash_messenger.store.sqlite.checkpoints import Checkpointer
from dash_messenger.store.sqlite.database import open_engine
from fixtures.filled_store import FilledStore
from sqlalchemy import Connection, text
from sqlalchemy.exc import IntegrityError


@pytest.mark.parametrize("writes", [True, False])
def test_every_connection_is_durable_and_current(tmp_path: Path, writes: bool) -> None:
    open_engine(tmp_path / "file.db", writes=True).connect().close()
    engine = open_engine(tmp_path / "file.db", writes=writes)
    with engine.connect() as connection:

        def pragma(name: str) -> object:
            return connection.exec_driver_sql(f"PRAGMA {name}").scalar()

        assert pragma("journal_mode") == "wal"
        assert pragma("synchronous") == 2
        assert pragma("foreign_keys") == 1
        assert pragma("wal_autocheckpoint") == 0
        version = connection.exec_driver_sql("SELECT sqlite_version()").scalar()
        # Before 3.51.3 two connections could corrupt the file when the WAL was reset.
        assert tuple(map(int, str(version).split("."))) >= (3, 51, 3)
    engine.dispose()


async def test_a_reader_cannot_write(filled: FilledStore) -> None:
    with pytest.raises(StorageFailed):
        await filled.store.read(lambda c: c.execute(text("DELETE FROM messages")))


async def test_a_reader_sees_one_moment(filled: FilledStore) -> None:
    counted, written = threading.Event(), threading.Event()

    def count(connection: Connection) -> int:
        return int(connection.execute(text("SELECT count(*) FROM messages")).scalar_one())

    def twice(connection: Connection) -> tuple[int, int]:
        first = count(connection)
        counted.set()
        written.wait(10)
        return first, count(connection)

    reading = asyncio.ensure_future(filled.store.read(twice))
    await asyncio.to_thread(counted.wait, 10)
    await filled.store.send(filled.draft())
    written.set()
    assert await reading == (0, 0)
    assert await filled.store.read(count) == 1


async def test_what_a_reader_raises_arrives_and_the_thread_goes_on(filled: FilledStore) -> None:
    def fail(connection: Connection) -> None:
        raise LookupError

    for _ in range(2 * READER_THREADS):
        with pytest.raises(LookupError):
            await filled.store.read(fail)
    assert await filled.store.read(lambda c: c.execute(text("SELECT 1")).scalar()) == 1


async def test_what_the_driver_itself_refuses_is_a_failure_of_the_storage(
    filled: FilledStore,
) -> None:
    for _ in range(2 * READER_THREADS):
        with pytest.raises(StorageFailed):
            await filled.store.read_changes(lambda reader: reader.begin())
    own = await filled.store.read_changes(lambda reader: reader.own_row(filled.ann))
    assert own.newest_change_no > 0


@pytest.mark.parametrize("store_limits", [StoreLimits(waiting_reads=2)])
async def test_too_many_reads_are_busy_at_once(filled: FilledStore) -> None:
    go_on = threading.Event()
    waiting = [asyncio.ensure_future(filled.store.read(lambda _: go_on.wait(10))) for _ in range(2)]
    await asyncio.sleep(0)
    with pytest.raises(Busy):
        await filled.store.read(lambda _: None)
    go_on.set()
    assert await asyncio.gather(*waiting) == [True, True]


@pytest.mark.parametrize("store_limits", [StoreLimits(waiting_reads=READER_THREADS)])
async def test_cancelled_reads_keep_their_places_while_they_run(filled: FilledStore) -> None:
    running, go_on = threading.Semaphore(0), threading.Event()

    def hold(_: Connection) -> None:
        running.release()
        go_on.wait(10)

    holding = [asyncio.ensure_future(filled.store.read(hold)) for _ in range(READER_THREADS)]
    for _ in holding:
        assert await asyncio.to_thread(running.acquire, timeout=10)
    for one in holding:
        one.cancel()
    await asyncio.gather(*holding, return_exceptions=True)
    with pytest.raises(Busy):
        await filled.store.read(lambda _: None)
    go_on.set()
    async with asyncio.timeout(30):
        while True:
            with contextlib.suppress(Busy):
                await filled.store.read(lambda _: None)
                break
            # Places are given back on the loop.
            await asyncio.sleep(0)


@pytest.mark.parametrize("store_limits", [StoreLimits(waiting_reads=READER_THREADS + 1)])
async def test_reads_cancelled_before_they_run_give_their_places_back(filled: FilledStore) -> None:
    go_on = threading.Event()
    holding = [
        asyncio.ensure_future(filled.store.read(lambda _: go_on.wait(10)))
        for _ in range(READER_THREADS)
    ]
    await asyncio.sleep(0)
    for _ in range(3):
        queued = asyncio.ensure_future(filled.store.read(lambda _: None))
        await asyncio.sleep(0)
        queued.cancel()
        await asyncio.gather(queued, return_exceptions=True)
        assert queued.cancelled()
    go_on.set()
    assert await asyncio.gather(*holding) == [True] * READER_THREADS


async def test_what_was_asked_before_closing_is_answered_and_nothing_after(tmp_path: Path) -> None:
    store = await Store.open(tmp_path / "messenger.sqlite")

    async def number(n: int) -> int:
        return await store.read(lambda _: n)

    asked = [asyncio.ensure_future(number(n)) for n in range(20)]
    await asyncio.sleep(0)
    await store.aclose()
    assert await asyncio.gather(*asked) == [*range(20)]
    with pytest.raises(Busy):
        await store.read(lambda _: None)


async def test_errors_name_the_statement_but_not_what_people_wrote(filled: FilledStore) -> None:
    def write(transaction: object) -> None:
        connection: Connection = transaction.connection  # type: ignore[attr-defined]
        for _ in range(2):
            connection.execute(
                text("INSERT INTO meta (key, value) VALUES (:key, :value)"),
                {"key": "same", "value": "what I wrote"},
            )

    with pytest.raises(IntegrityError) as caught:
        await filled.store.write(write)
    assert "what I wrote" not in str(caught.value)


async def test_the_checkpointer_empties_the_wal_into_the_file(
    filled: FilledStore, tmp_path: Path
) -> None:
    file = tmp_path / "store.db"
    before = file.stat().st_size
    checkpointer = Checkpointer(file)
    checkpointer.start()
    await asyncio.gather(*[filled.store.send(filled.draft("x" * 1_000)) for _ in range(300)])
    assert file.stat().st_size == before
    checkpointer.wake()
    await asyncio.to_thread(checkpointer.close)
    assert file.stat().st_size > before
