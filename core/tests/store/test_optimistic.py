"""Writes that somebody else overtakes are worked out again, a bounded number of times."""

from __future__ import annotations

import pytest
from dash_messenger.errors import Busy, NotFound
from dash_messenger.store.optimistic import TRIES, Overtaken, retry


class Attempts:
    """Raises what it is given, one a call, then returns how often it was called."""

    def __init__(self, *raised: Exception) -> None:
        self.calls = 0
        self._raised = raised

    async def __call__(self) -> int:
        self.calls += 1
        if self.calls <= len(self._raised):
            raise self._raised[self.calls - 1]
        return self.calls


@pytest.mark.parametrize("overtaken", [0, 1, TRIES - 1])
async def test_an_overtaken_write_is_tried_again(overtaken: int) -> None:
    assert await retry(Attempts(*[Overtaken()] * overtaken)) == overtaken + 1


async def test_always_overtaken_is_busy_in_the_end() -> None:
    attempt = Attempts(*[Overtaken()] * 1_000)
    with pytest.raises(Busy):
        await retry(attempt)
    assert attempt.calls == TRIES


async def test_what_else_is_raised_ends_it_at_once() -> None:
    attempt = Attempts(Overtaken(), NotFound())
    with pytest.raises(NotFound):
        await retry(attempt)
    assert attempt.calls == 2
