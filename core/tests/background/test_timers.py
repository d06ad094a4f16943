"""Durable timers: at their time, after a restart, again after a failure, once where asked."""

from __future__ import annotations

import asyncio
from collections.abc import AsyncIterator, Callable
from contextlib import asynccontextmanager
from pathlib import Path

import pytest
import structlog.testing
from dash_messenger.background import Timer, Timers, cancel_timer, finish_timer, set_timer
from dash_messenger.background.timers import MAX_DELAY_S, Handle
from dash_messenger.store import Store, Transaction
from dash_messenger.store.tables import timers
from sqlalchemy import Connection, func, select

LATER = Timer("alarm", "a", due_at_ms=1_000, data=b"ring")


class Clock:
    """Stands still until a test moves it."""

    def __init__(self) -> None:
        self.now_ms = 500

    def __call__(self) -> int:
        return self.now_ms


class Stage:
    """A store with a clock that a test moves; its timers run while `running`."""

    def __init__(self, store: Store, clock: Clock) -> None:
        self.store = store
        self.clock = clock
        self._found = asyncio.Event()

    async def set(self, *wanted: Timer) -> None:
        def work(transaction: Transaction) -> None:
            for timer in wanted:
                set_timer(transaction, timer)

        await self.store.write(work)

    async def kept(self) -> list[Timer]:
        def read_all(connection: Connection) -> list[Timer]:
            rows = connection.execute(select(timers).order_by(timers.c.key))
            return [Timer(r.kind, r.key, r.due_at_ms, r.data, r.failures) for r in rows]

        return await self.store.read(read_all)

    async def looked(self) -> None:
        """Return when what is due now was looked for: this timer is found together with it."""
        self._found.clear()
        await self.set(Timer("look", "l", due_at_ms=self.clock.now_ms))
        await asyncio.wait_for(self._found.wait(), 60)
        async with asyncio.timeout(60):
            while any(timer.kind == "look" for timer in await self.kept()):
                await asyncio.sleep(0.005)

    async def _seen(self, _timer: Timer) -> None:
        self._found.set()

    async def comes_to(self, count: int) -> None:
        """Return when so many timers are kept."""
        query = select(func.count()).select_from(timers)
        async with asyncio.timeout(60):
            while count != await self.store.read(lambda c: c.execute(query).scalar_one()):
                await asyncio.sleep(0.005)

    @asynccontextmanager
    async def running(self, every_s: float = 0.005, **handlers: Handle) -> AsyncIterator[None]:
        service = Timers(self.store, self.clock, every_s=every_s)
        service.add("look", self._seen)
        for kind, handle in handlers.items():
            service.add(kind, handle)
        service.start()
        try:
            yield
        finally:
            await service.aclose()


@pytest.fixture
async def stage(tmp_path: Path) -> AsyncIterator[Stage]:
    clock = Clock()
    store = await Store.open(tmp_path / "store.db", clock=clock)
    yield Stage(store, clock)
    await store.aclose()


def noting(into: list[Timer]) -> Handle:
    async def handle(timer: Timer) -> None:
        into.append(timer)

    return handle


async def test_a_timer_is_handled_at_its_time_and_forgotten(stage: Stage) -> None:
    await stage.set(LATER)
    rung: list[Timer] = []
    async with stage.running(alarm=noting(rung)):
        stage.clock.now_ms = 999
        await stage.looked()
        assert rung == []
        stage.clock.now_ms = 1_000
        await stage.comes_to(0)
    assert rung == [LATER]


async def test_what_was_due_while_the_server_was_down_is_handled_at_its_start(
    tmp_path: Path,
) -> None:
    clock = Clock()
    first = await Store.open(tmp_path / "store.db", clock=clock)
    await Stage(first, clock).set(LATER)
    await first.aclose()
    clock.now_ms = 99_000
    again = await Store.open(tmp_path / "store.db", clock=clock)
    rung: list[Timer] = []
    stage = Stage(again, clock)
    async with stage.running(alarm=noting(rung)):
        await stage.comes_to(0)
    await again.aclose()
    assert rung == [LATER]


async def test_the_earliest_comes_first_and_more_than_a_page_comes_whole(stage: Stage) -> None:
    many = [Timer("alarm", f"{n:03}", due_at_ms=900 - n) for n in range(450)]
    await stage.set(*many)
    stage.clock.now_ms = 1_000
    rung: list[Timer] = []
    async with stage.running(every_s=3_600, alarm=noting(rung)):
        await stage.comes_to(0)
    assert rung == many[::-1]


async def test_a_timer_that_is_set_again_has_its_new_time_alone(stage: Stage) -> None:
    await stage.set(LATER)
    await stage.set(Timer("alarm", "a", due_at_ms=2_000))
    stage.clock.now_ms = 1_500
    rung: list[Timer] = []
    async with stage.running(alarm=noting(rung)):
        await stage.looked()
        assert rung == []
    assert len(await stage.kept()) == 1


async def test_a_handler_may_set_its_timer_again(stage: Stage) -> None:
    await stage.set(LATER)
    rung: list[Timer] = []

    async def every_second(timer: Timer) -> None:
        rung.append(timer)
        await stage.set(Timer("alarm", "a", timer.due_at_ms + 1_000))

    async with stage.running(alarm=every_second):
        for now_ms in (1_000, 2_000, 3_000):
            stage.clock.now_ms = now_ms
            async with asyncio.timeout(60):
                while [timer.due_at_ms for timer in await stage.kept()] != [now_ms + 1_000]:
                    await asyncio.sleep(0.005)
    assert [timer.due_at_ms for timer in rung] == [1_000, 2_000, 3_000]


async def test_a_cancelled_timer_is_not_handled(stage: Stage) -> None:
    await stage.set(LATER)

    def cancel(transaction: Transaction) -> bool:
        return cancel_timer(transaction, "alarm", "a")

    assert await stage.store.write(cancel)
    assert not await stage.store.write(cancel)
    stage.clock.now_ms = 1_000
    rung: list[Timer] = []
    async with stage.running(alarm=noting(rung)):
        await stage.looked()
    assert rung == []


async def test_a_timer_whose_transaction_fails_is_not_set(stage: Stage) -> None:
    def fail(transaction: Transaction) -> None:
        set_timer(transaction, LATER)
        raise ValueError("not stored")

    with pytest.raises(ValueError, match="not stored"):
        await stage.store.write(fail)
    assert await stage.kept() == []


async def test_a_handler_that_fails_is_called_again_later_and_holds_up_no_other(
    stage: Stage,
) -> None:
    await stage.set(Timer("bad", "b", due_at_ms=1_000), LATER, Timer("alarm", "b", due_at_ms=1_000))
    stage.clock.now_ms = 1_000
    tries: list[int] = []

    async def fail(timer: Timer) -> None:
        tries.append(stage.clock.now_ms)
        if len(tries) < 3:
            raise RuntimeError("not yet")

    rung: list[Timer] = []
    with structlog.testing.capture_logs() as lines:
        async with stage.running(bad=fail, alarm=noting(rung)):
            await stage.comes_to(1)
            for now_ms, failures in ((1_999, 1), (2_000, 2), (3_999, 2)):
                stage.clock.now_ms = now_ms
                await stage.looked()
                async with asyncio.timeout(60):
                    while (await stage.kept())[0].failures != failures:
                        await asyncio.sleep(0.005)
            stage.clock.now_ms = 4_000
            await stage.comes_to(0)
    assert tries == [1_000, 2_000, 4_000]
    assert [timer.key for timer in rung] == ["a", "b"]
    failed = [line for line in lines if line["event"] == "timer_failed"]
    assert [line["failures"] for line in failed] == [0, 1]


async def test_the_time_between_failures_is_bounded(stage: Stage) -> None:
    await stage.set(Timer("bad", "b", due_at_ms=1_000, failures=5_000))
    stage.clock.now_ms = 1_000

    async def fail(timer: Timer) -> None:
        raise RuntimeError

    with structlog.testing.capture_logs():
        async with stage.running(bad=fail):
            async with asyncio.timeout(60):
                while (await stage.kept())[0].failures == 5_000:
                    await asyncio.sleep(0.005)
    assert (await stage.kept())[0].due_at_ms == 1_000 + MAX_DELAY_S * 1_000


async def test_a_kind_that_takes_long_holds_up_no_other(stage: Stage) -> None:
    await stage.set(Timer("long", "l", due_at_ms=1_000), LATER)
    stage.clock.now_ms = 1_000
    goes_on = asyncio.Event()

    async def wait(timer: Timer) -> None:
        await goes_on.wait()

    rung: list[Timer] = []
    async with stage.running(long=wait, alarm=noting(rung)):
        await stage.comes_to(1)
        assert rung == [LATER]
        goes_on.set()
        await stage.comes_to(0)


async def test_a_handler_that_is_broken_off_is_called_again_at_the_next_start(
    stage: Stage,
) -> None:
    await stage.set(LATER)
    stage.clock.now_ms = 1_000
    reached = asyncio.Event()

    async def stay(timer: Timer) -> None:
        reached.set()
        await asyncio.Event().wait()

    async with stage.running(alarm=stay), asyncio.timeout(60):
        await reached.wait()
    rung: list[Timer] = []
    async with stage.running(alarm=noting(rung)):
        await stage.comes_to(0)
    assert rung == [LATER]


async def test_what_finishes_its_timer_is_done_once(stage: Stage) -> None:
    await stage.set(LATER)

    def finish(change: Callable[[Timer], Timer]) -> Callable[[Transaction], bool]:
        return lambda transaction: finish_timer(transaction, change(LATER))

    moved = Timer(LATER.kind, LATER.key, due_at_ms=LATER.due_at_ms + 1, data=LATER.data)
    assert not await stage.store.write(finish(lambda _timer: moved))
    assert await stage.store.write(finish(lambda timer: timer))
    assert not await stage.store.write(finish(lambda timer: timer))


async def test_timers_of_a_kind_that_nobody_handles_are_kept(stage: Stage) -> None:
    await stage.set(Timer("gone", "g", due_at_ms=1_000), LATER)
    stage.clock.now_ms = 1_000
    async with stage.running(alarm=noting([])):
        await stage.comes_to(1)
    assert [timer.kind for timer in await stage.kept()] == ["gone"]
