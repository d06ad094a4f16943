from __future__ import annotations

import asyncio
import os
import time
from collections.abc import AsyncIterator
from typing import Any

import pytest
import pytest_asyncio
from dash_messenger.errors import Busy, OverLimit, Refused
from dash_messenger.isolation.subprocess_pool import SubprocessPool

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


def work(seconds: float) -> None:
    """Hold a processor, and the interpreter, for so long."""
    while time.process_time() < seconds:
        sum(range(10_000))


def refuse() -> None:
    raise Refused(reason="not a picture", field="photos")


def fail() -> None:
    raise KeyError("a defect")


def write(path: str) -> None:
    with open(path, "w") as file:
        file.write("x")


@pytest_asyncio.fixture
async def limited() -> AsyncIterator[SubprocessPool]:
    runner = SubprocessPool(max_memory_bytes=256 * MIB)
    yield runner
    await runner.aclose()


async def test_a_function_runs_in_another_process_that_is_used_again(
    limited: SubprocessPool,
) -> None:
    first = await limited.run(double, b"ab", charged_to="ann")
    second = await limited.run(double, b"c" * MIB, charged_to="ann")
    assert first["twice"] == b"abab"
    assert len(second["twice"]) == 2 * MIB
    assert first["pid"] == second["pid"] != os.getpid()


async def test_a_child_that_nobody_needs_ends_and_another_takes_its_place() -> None:
    pool = SubprocessPool(idle_s=0.01)
    first = await pool.run(double, b"a", charged_to="ann")
    async with asyncio.timeout(30):
        while os.path.exists(f"/proc/{first['pid']}"):
            await asyncio.sleep(0.01)
    second = await pool.run(double, b"a", charged_to="ann")
    assert first["pid"] != second["pid"]
    await pool.aclose()


async def test_too_much_memory_is_refused_and_the_next_call_served(limited: SubprocessPool) -> None:
    with pytest.raises(OverLimit):
        await limited.run(hoard, 512 * MIB, charged_to="ann")
    assert await limited.run(hoard, MIB, charged_to="ann") == MIB


async def test_too_much_time_is_refused_and_the_next_call_served(limited: SubprocessPool) -> None:
    with pytest.raises(OverLimit):
        await limited.run(sleep, 60, time_limit_s=0.5, charged_to="ann")
    assert await limited.run(hoard, 1, charged_to="ann") == 1


async def test_a_crash_is_refused_and_the_next_call_served(limited: SubprocessPool) -> None:
    with pytest.raises(OverLimit):
        await limited.run(crash, charged_to="ann")
    assert await limited.run(hoard, 1, charged_to="ann") == 1


async def test_a_refusal_comes_back_as_it_was_raised(limited: SubprocessPool) -> None:
    with pytest.raises(Refused) as refused:
        await limited.run(refuse, charged_to="ann")
    assert refused.value.params == {"reason": "not a picture", "field": "photos"}


async def test_a_defect_is_no_refusal(limited: SubprocessPool) -> None:
    with pytest.raises(RuntimeError, match="fail failed"):
        await limited.run(fail, charged_to="ann")
    assert await limited.run(hoard, 1, charged_to="ann") == 1


async def test_a_child_writes_no_files(limited: SubprocessPool, tmp_path: os.PathLike[str]) -> None:
    with pytest.raises(RuntimeError):
        await limited.run(write, os.path.join(tmp_path, "note"), charged_to="ann")


async def test_a_caller_who_gives_up_leaves_no_child_at_work(limited: SubprocessPool) -> None:
    waiting = asyncio.create_task(limited.run(sleep, 60, charged_to="ann"))
    while not limited._children:
        await asyncio.sleep(0)
    waiting.cancel()
    with pytest.raises(asyncio.CancelledError):
        await waiting
    assert not limited._children
    assert await limited.run(hoard, 1, charged_to="ann") == 1


async def test_calls_beyond_the_children_wait_for_their_turn(limited: SubprocessPool) -> None:
    answers = await asyncio.gather(
        *(limited.run(double, b"x", charged_to=str(n)) for n in range(6))
    )
    assert len({answer["pid"] for answer in answers}) <= 2


async def test_too_much_work_is_ended_by_the_kernel(limited: SubprocessPool) -> None:
    # What the child imports counts, too.
    short = SubprocessPool(cpu_limit_s=1.0)
    try:
        with pytest.raises(OverLimit):
            await short.run(work, 60, charged_to="ann")
        assert await short.run(hoard, 1, charged_to="ann") == 1
        # What a task leaves of its time is not the next one's.
        for _ in range(4):
            await short.run(sleep, 0.01, charged_to="ann")
    finally:
        await short.aclose()


async def test_one_user_has_one_job_running_and_stops_nobody(limited: SubprocessPool) -> None:
    slow = [asyncio.create_task(limited.run(sleep, 60, charged_to="ann")) for _ in range(40)]
    while not limited._children:
        await asyncio.sleep(0)
    # A place is left, however many of ann's wait.
    assert await limited.run(hoard, 1, charged_to="ben") == 1
    assert await limited.run(hoard, 2, charged_to="cleo") == 2
    assert not [task for task in slow if task.done()]
    for task in slow:
        task.cancel()
    await asyncio.gather(*slow, return_exceptions=True)
    assert await limited.run(hoard, 3, charged_to="ann") == 3


async def test_what_waits_is_read_when_it_is_its_turn(limited: SubprocessPool) -> None:
    reads = 0

    async def read() -> bytes:
        nonlocal reads
        reads += 1
        return b"x"

    first = asyncio.create_task(limited.run(sleep, 60, charged_to="ann"))
    waiting = asyncio.create_task(limited.run(double, read, charged_to="ann"))
    await limited.run(hoard, 1, charged_to="ben")
    assert reads == 0
    first.cancel()
    assert (await waiting)["twice"] == b"xx"
    assert reads == 1


async def test_too_many_that_wait_are_refused(
    limited: SubprocessPool, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr(limited._turns, "_max_waiting_a_user", 2)
    tasks = [asyncio.create_task(limited.run(sleep, 60, charged_to="ann")) for _ in range(3)]
    while not limited._children:
        await asyncio.sleep(0)
    with pytest.raises(Busy) as busy:
        await limited.run(hoard, 1, charged_to="ann")
    retry_after_s: Any = busy.value.params["retry_after_s"]
    assert retry_after_s > 0
    assert await limited.run(hoard, 1, charged_to="ben") == 1
    for task in tasks:
        task.cancel()
    await asyncio.gather(*tasks, return_exceptions=True)
