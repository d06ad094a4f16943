"""Commands that hold the server up or bring it down."""

import asyncio
import collections
import ctypes
import itertools
import re
import sys
import threading
import time

from dash_messenger import Caller, Command, Context, hookimpl
from msgspec import Struct


class Nothing(Struct, frozen=True):
    pass


def keep_the_lock() -> None:
    """C code that keeps the interpreter's lock, and lets no signal in."""
    # It never ends.
    collections.deque(itertools.repeat(None), maxlen=0)


async def keep(caller: Caller, params: Nothing) -> Nothing:
    keep_the_lock()
    return params


async def backtrack(caller: Caller, params: Nothing) -> Nothing:
    re.match(r"(a+)+$", "a" * 64 + "b")
    return params


async def in_thread(caller: Caller, params: Nothing) -> Nothing:
    threading.Thread(target=re.match, args=(r"(a+)+$", "a" * 64 + "b"), daemon=True).start()
    return params


async def sleep(caller: Caller, params: Nothing) -> Nothing:
    time.sleep(600)
    return params


async def wait(caller: Caller, params: Nothing) -> Nothing:
    print("stuck.wait has begun", file=sys.stderr, flush=True)
    await asyncio.sleep(600)
    return params


async def crash(caller: Caller, params: Nothing) -> Nothing:
    ctypes.string_at(0)
    return params


@hookimpl
def register_commands(context: Context) -> list[Command]:
    return [
        Command(
            f"stuck.{work.__name__}", Nothing, Nothing, work, "Hold the server up.", rate="write"
        )
        for work in (keep, backtrack, in_thread, sleep, wait, crash)
    ]
