"""Whose code runs now, as another process reads it."""

from __future__ import annotations

import asyncio
import os
import subprocess
import sys
import threading
from collections.abc import Iterator

import pytest
from dash_messenger.activity import (
    MAP_BYTES,
    SERVING,
    STARTING,
    Activity,
    Now,
    follow,
)
from dash_messenger.protocol.commands import Caller, Command, Commands
from dash_messenger.supervisor.spawning import FILE_BYTES, make_file
from msgspec import Struct

# Keeps the interpreter's lock for ever, in C, while a command of a plugin runs.
HOLDER = """
import re, sys
from dash_messenger.activity import Activity
activity = Activity(int(sys.argv[1]))
activity.beat()
activity.begin(user="u1", command="message.send")
activity.begin(plugin="poll")
print("begun", flush=True)
re.match(r"(a+)+$", "a" * 60 + "b")
"""


@pytest.fixture
def file() -> Iterator[int]:
    number = make_file("test", FILE_BYTES)
    yield number
    os.close(number)


def test_the_file_that_it_is_in_is_large_enough() -> None:
    assert MAP_BYTES <= FILE_BYTES


def running(activity: Activity) -> list[Now]:
    return [now for _, now in activity.threads()]


def test_another_process_reads_it_while_the_lock_is_held(file: int) -> None:
    reader = Activity(file)
    holder = subprocess.Popen(
        [sys.executable, "-c", HOLDER, str(file)], pass_fds=[file], stdout=subprocess.PIPE
    )
    try:
        assert holder.stdout is not None
        assert holder.stdout.readline() == b"begun\n"
        assert [*reader.threads()] == [(holder.pid, Now("poll", "u1", "message.send"))]
        assert reader.beats == 1
    finally:
        holder.kill()
        holder.communicate()
    reader.clear()
    assert ([*reader.threads()], reader.beats) == ([], 0)


def test_what_ends_leaves_what_was_so_before() -> None:
    activity = Activity()
    outer = activity.begin(user="u1", command="message.send")
    inner = activity.begin(plugin="poll")
    activity.end(inner)
    assert running(activity) == [Now("", "u1", "message.send")]
    activity.end(outer)
    assert running(activity) == []


def test_long_names_are_cut() -> None:
    activity = Activity()
    activity.begin("p" * 99, "u" * 99, "c" * 99)
    assert running(activity) == [Now("p" * 48, "u" * 40, "c" * 64)]


def test_the_stage_and_the_beats_do_not_disturb_each_other() -> None:
    activity = Activity()
    assert (activity.beats, activity.stage, activity.shutdown_s) == (0, STARTING, 0.0)
    activity.beat()
    activity.set_stage(SERVING, 5.0)
    activity.beat()
    assert (activity.beats, activity.stage, activity.shutdown_s) == (2, SERVING, 5.0)


def test_threads_are_told_apart_and_their_ends_give_their_places_back() -> None:
    activity = Activity()
    activity.begin(plugin="loop")
    for n in range(100):
        seen: list[list[Now]] = []

        def work(n: int = n, seen: list[list[Now]] = seen) -> None:
            activity.begin(plugin=f"p{n}")
            seen.append(running(activity))

        thread = threading.Thread(target=work)
        thread.start()
        thread.join()
        assert seen == [[Now("loop"), Now(f"p{n}")]]


async def test_a_coroutine_is_noted_while_it_runs_and_not_while_it_waits() -> None:
    activity = Activity()
    seen: list[list[Now]] = []
    turn = asyncio.Event()

    async def work() -> str:
        seen.append(running(activity))
        await turn.wait()
        seen.append(running(activity))
        return "done"

    task = asyncio.create_task(follow(activity, work(), plugin="poll"))
    await asyncio.sleep(0)
    assert running(activity) == []
    turn.set()
    assert await task == "done"
    assert seen == [[Now("poll")], [Now("poll")]]
    assert running(activity) == []


async def test_a_coroutine_that_is_followed_can_be_cancelled_and_closed() -> None:
    activity = Activity()
    ended: list[str] = []

    async def work() -> None:
        try:
            await asyncio.Event().wait()
        except asyncio.CancelledError:
            ended.append("cancelled")
            raise
        finally:
            ended.append("closed")

    task = asyncio.create_task(follow(activity, work()))
    await asyncio.sleep(0)
    task.cancel()
    with pytest.raises(asyncio.CancelledError):
        await task
    assert ended == ["cancelled", "closed"]
    follow(activity, work()).close()
    with pytest.raises(TimeoutError):
        await asyncio.wait_for(follow(activity, work()), 0.01)


class Nothing(Struct):
    pass


async def test_commands_say_who_runs_which() -> None:
    activity = Activity()
    seen: list[list[Now]] = []

    async def slow(caller: Caller, params: Nothing) -> Nothing:
        await asyncio.sleep(0)
        seen.append(running(activity))
        return Nothing()

    def quick(caller: Caller, params: Nothing) -> asyncio.Future[Nothing]:
        seen.append(running(activity))
        answer: asyncio.Future[Nothing] = asyncio.get_running_loop().create_future()
        answer.set_result(Nothing())
        return answer

    commands = Commands(activity)
    commands.add("core", Command("a.slow", Nothing, Nothing, slow, "Be slow.", rate="write"))
    commands.add("core", Command("a.quick", Nothing, Nothing, quick, "Be quick.", rate="write"))
    caller = Caller(user="u1", session="s1", address="127.0.0.1")
    for name in ("a.slow", "a.quick"):
        await commands.dispatch(caller, name, b"{}")
    assert seen == [[Now("", "u1", "a.slow")], [Now("", "u1", "a.quick")]]
    assert running(activity) == []
