"""Places that are shared fairly."""

from __future__ import annotations

import asyncio

import pytest
from dash_messenger.errors import Busy
from dash_messenger.isolation.deadlines import within
from dash_messenger.isolation.shared_places import FairTurns


def make(places: int = 2, waiting: int = 100, a_user: int = 50) -> FairTurns:
    return FairTurns(places, max_waiting=waiting, max_waiting_a_user=a_user)


class Work:
    """Turns that last until they are let go."""

    def __init__(self, turns: FairTurns) -> None:
        self._turns = turns
        self.held: dict[str, asyncio.Event] = {}
        self.order: list[str] = []

    async def _hold(self, user: str, name: str) -> None:
        async with self._turns.turn(user):
            self.order.append(name)
            event = self.held[name] = asyncio.Event()
            await event.wait()

    def start(self, user: str, count: int = 1) -> list[asyncio.Task[None]]:
        names = [f"{user}{n}" for n in range(count)]
        return [asyncio.create_task(self._hold(user, name)) for name in names]

    async def settle(self) -> None:
        for _ in range(10):
            await asyncio.sleep(0)

    async def let_go(self, name: str) -> None:
        self.held[name].set()
        await self.settle()


async def end(tasks: list[asyncio.Task[None]]) -> None:
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)


async def test_a_user_holds_one_place_and_others_come_before_the_next() -> None:
    work = Work(make())
    tasks = work.start("ann", 20)
    await work.settle()
    assert work.order == ["ann0"]
    tasks += work.start("ben", 2) + work.start("cleo")
    await work.settle()
    assert work.order == ["ann0", "ben0"]
    await work.let_go("ann0")
    assert work.order == ["ann0", "ben0", "cleo0"]
    await work.let_go("ben0")
    await work.let_go("cleo0")
    assert len(work.order) == 5
    assert {"ann1", "ben1"} <= {*work.order}
    await end(tasks)


async def test_who_gives_up_takes_no_place_along() -> None:
    turns = make(places=1)
    work = Work(turns)
    first = work.start("ann")
    await work.settle()
    waiting = work.start("ben", 3)
    await work.settle()
    await end(waiting[:2])
    # Given and given up in the same moment.
    work.held["ann0"].set()
    await asyncio.sleep(0)
    await end(waiting)
    await end(first)
    async with asyncio.timeout(30), turns.turn("cleo"):
        assert turns._waiting.keys() == {"cleo"}
    assert not turns._waiting
    assert turns._free == 1
    assert not turns._working


async def test_too_many_are_refused() -> None:
    work = Work(make(places=1, waiting=4, a_user=2))
    tasks = work.start("ann", 3)
    await work.settle()
    with pytest.raises(Busy):
        async with work._turns.turn("ann"):
            pass
    tasks += work.start("ben", 2)
    await work.settle()
    with pytest.raises(Busy):
        async with work._turns.turn("cleo"):
            pass
    await end(tasks)
    async with asyncio.timeout(30), work._turns.turn("cleo"):
        pass


async def test_waiting_counts_for_no_time_limit() -> None:
    turns = make(places=1)
    work = Work(turns)
    tasks = work.start("ann")
    await work.settle()
    loop = asyncio.get_running_loop()
    loop.call_later(0.3, work.held["ann0"].set)
    async with within(0.1), turns.turn("ben"):
        pass
    await end(tasks)
