"""How many of one key are under way at once."""

from __future__ import annotations

import asyncio

import pytest
from dash_messenger.errors import Superseded
from dash_messenger.turns import Newest, Turns


async def test_each_key_has_its_places_and_keeps_the_order() -> None:
    turns: Turns[str] = Turns(2)
    gate, begun = asyncio.Event(), []

    async def work(key: str, number: int) -> None:
        async with turns(key):
            begun.append(f"{key}{number}")
            await gate.wait()

    tasks = [asyncio.create_task(work("a", number)) for number in range(4)]
    tasks.append(asyncio.create_task(work("b", 0)))
    await asyncio.sleep(0)
    await asyncio.sleep(0)
    assert begun == ["a0", "a1", "b0"]
    gate.set()
    await asyncio.gather(*tasks)
    assert begun == ["a0", "a1", "b0", "a2", "a3"]
    assert len(turns) == 0


async def test_who_gives_up_waiting_leaves_nothing_behind() -> None:
    turns: Turns[str] = Turns(1)
    async with turns("a"):
        with pytest.raises(TimeoutError):
            async with asyncio.timeout(0), turns("a"):
                raise AssertionError("nobody else may begin")
    assert len(turns) == 0


async def test_the_newest_ends_the_one_before_it() -> None:
    newest: Newest[str] = Newest()
    gate, ended = asyncio.Event(), []

    async def work(number: int) -> int:
        try:
            await gate.wait()
        except asyncio.CancelledError:
            ended.append(number)
            raise
        return number

    first = asyncio.create_task(newest.run("ann", work(1)))
    other = asyncio.create_task(newest.run("bob", work(2)))
    await asyncio.sleep(0)
    second = asyncio.create_task(newest.run("ann", work(3)))
    with pytest.raises(Superseded):
        await first
    gate.set()
    assert (await other, await second, ended) == (2, 3, [1])


async def test_a_cancelled_asker_ends_the_work() -> None:
    newest: Newest[str] = Newest()
    begun, ended = asyncio.Event(), asyncio.Event()

    async def work() -> None:
        begun.set()
        try:
            await asyncio.Event().wait()
        finally:
            ended.set()

    asking = asyncio.create_task(newest.run("ann", work()))
    await begun.wait()
    asking.cancel()
    await asyncio.wait([asking])
    assert asking.cancelled()
    await asyncio.wait_for(ended.wait(), 30)
