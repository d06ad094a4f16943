from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator

import pytest
import pytest_asyncio
from dash_messenger.errors import OverLimit, Refused
from dash_messenger.plugins.limited import Limited

MIB = 1024 * 1024


def double(data: bytes) -> dict[str, object]:
    print("a decoder may print")
    return {"twice": data * 2, "pid": os.getpid()}


def hoard(size: int) -> int:
    return len(bytearray(size))


def sleep(seconds: float) -> None:
    time.sleep(seconds)


def crash() -> None:
    os.abort()


def refuse() -> None:
    raise Refused(reason="not a picture", field="photos")


def fail() -> None:
    raise KeyError("a defect")


def write(path: str) -> None:
    with open(path, "w") as file:
        file.write("x")


@pytest_asyncio.fixture
async def limited() -> AsyncIterator[Limited]:
    runner = Limited(max_memory_bytes=256 * MIB)
    yield runner
    await runner.aclose()


async def test_a_function_runs_in_another_process_that_is_used_again(limited: Limited) -> None:
    first = await limited.run(double, b"ab")
    second = await limited.run(double, b"c" * MIB)
    assert first["twice"] == b"abab"
    assert len(second["twice"]) == 2 * MIB
    assert first["pid"] == second["pid"] != os.getpid()


async def test_too_much_memory_is_refused_and_the_next_call_served(limited: Limited) -> None:
    with pytest.raises(OverLimit):
        await limited.run(hoard, 512 * MIB)
    assert await limited.run(hoard, MIB) == MIB


async def test_too_much_time_is_refused_and_the_next_call_served(limited: Limited) -> None:
    with pytest.raises(OverLimit):
        await limited.run(sleep, 60, time_limit_s=0.5)
    assert await limited.run(hoard, 1) == 1


async def test_a_crash_is_refused_and_the_next_call_served(limited: Limited) -> None:
    with pytest.raises(OverLimit):
        await limited.run(crash)
    assert await limited.run(hoard, 1) == 1


async def test_a_refusal_comes_back_as_it_was_raised(limited: Limited) -> None:
    with pytest.raises(Refused) as refused:
        await limited.run(refuse)
    assert refused.value.params == {"reason": "not a picture", "field": "photos"}


async def test_a_defect_is_no_refusal(limited: Limited) -> None:
    with pytest.raises(RuntimeError, match="fail failed"):
        await limited.run(fail)
    assert await limited.run(hoard, 1) == 1


async def test_a_child_writes_no_files(limited: Limited, tmp_path: os.PathLike[str]) -> None:
    with pytest.raises(RuntimeError):
        await limited.run(write, os.path.join(tmp_path, "note"))


async def test_a_caller_who_gives_up_leaves_no_child_at_work(limited: Limited) -> None:
    waiting = asyncio.create_task(limited.run(sleep, 60))
    while not limited._children:
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not limited._children
    assert await limited.run(hoard, 1) == 1


async def test_calls_beyond_the_children_wait_for_their_turn(limited: Limited) -> None:
    answers = await asyncio.gather(*(limited.run(double, b"x") for _ in range(6)))
    assert len({answer["pid"] for answer in answers}) <= 2
