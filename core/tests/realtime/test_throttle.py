"""The first at once, the rest together, each key for itself."""

from __future__ import annotations

import asyncio

from dash_messenger.realtime.throttle import Throttle

EVERY_S = 0.02


async def test_the_first_is_told_at_once_and_what_comes_meanwhile_together() -> None:
    waiting, told = dict[str, list[int]](), list[tuple[str, list[int]]]()
    again = asyncio.Event()

    def tell(key: str) -> bool:
        news = waiting.pop(key, None)
        if news is None:
            return False
        told.append((key, news))
        again.set()
        return True

    throttle = Throttle(tell, EVERY_S)

    def ask(key: str, value: int) -> None:
        waiting.setdefault(key, []).append(value)
        throttle.ask(key)

    ask("one", 1)
    ask("two", 1)
    assert told == [("one", [1]), ("two", [1])]
    again.clear()
    ask("one", 2)
    ask("one", 3)
    assert len(told) == 2
    await asyncio.wait_for(again.wait(), 30)
    assert told[2:] == [("one", [2, 3])]
    # A while later nothing waits, and the next is told at once again.
    await asyncio.sleep(5 * EVERY_S)
    ask("one", 4)
    assert told[3:] == [("one", [4])]
    ask("one", 5)
    throttle.close()
    await asyncio.sleep(5 * EVERY_S)
    assert told[4:] == []
