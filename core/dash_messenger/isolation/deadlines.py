"""Time limits that stand still while what they limit waits for its turn.

Owns the limit of the task that runs. Must not know whose code it is. Invariant: what somebody waits
in a queue of the server's counts for none of the limits around it.
"""

from __future__ import annotations

import asyncio
import contextlib
from collections.abc import AsyncIterator, Callable, Iterator
from contextvars import ContextVar
from typing import ParamSpec, TypeVar

__all__ = ["unlimited", "waiting", "waiting_for", "within"]

P = ParamSpec("P")
T = TypeVar("T")


class _Deadline:
    """The limit of one run. ``outer`` is the limit that the run itself stands under."""

    def __init__(self, timeout: asyncio.Timeout, outer: _Deadline | None) -> None:
        self._timeout = timeout
        self._outer = outer
        self._loop = asyncio.get_running_loop()
        # Several tasks of one run may wait at a time.
        self._waiting = 0
        self._left_s = 0.0
        self._over = False

    def pause(self) -> None:
        """Stand still, and all limits around with it, until `resume` is called as often."""
        if self._outer is not None:
            self._outer.pause()
        self._waiting += 1
        if self._waiting == 1 and self._runs():
            when = self._timeout.when()
            assert when is not None
            self._left_s = when - self._loop.time()
            self._timeout.reschedule(None)

    def resume(self) -> None:
        """Go on with what was left."""
        if self._outer is not None:
            self._outer.resume()
        self._waiting -= 1
        if self._waiting == 0 and self._runs():
            self._timeout.reschedule(self._loop.time() + self._left_s)

    def close(self) -> None:
        """The run has ended; tasks that it left behind change nothing any more."""
        self._over = True

    def _runs(self) -> bool:
        return not self._over and not self._timeout.expired()


_CURRENT: ContextVar[_Deadline | None] = ContextVar("deadline", default=None)


@contextlib.asynccontextmanager
async def within(seconds: float) -> AsyncIterator[None]:
    """Limit what is done inside, but for what it waits in `waiting`.

    Raises:
        TimeoutError: it took longer.
    """
    async with asyncio.timeout(seconds) as timeout:
        deadline = _Deadline(timeout, _CURRENT.get())
        token = _CURRENT.set(deadline)
        try:
            yield
        finally:
            _CURRENT.reset(token)
            deadline.close()


@contextlib.contextmanager
def waiting() -> Iterator[None]:
    """Stop the clock of every limit around: what is inside waits in a queue of the server's."""
    deadline = _CURRENT.get()
    if deadline is None:
        yield
        return
    deadline.pause()
    try:
        yield
    finally:
        deadline.resume()


@contextlib.contextmanager
def waiting_for(work: Callable[P, T]) -> Iterator[Callable[P, T]]:
    """``work``, for a thread that may come to it late: until then the clocks stand still.

    Use it on the loop, around what waits for the result.
    """
    deadline = _CURRENT.get()
    if deadline is None:
        yield work
        return
    loop, begun = asyncio.get_running_loop(), _Begun(deadline)

    def noted(*arguments: P.args, **named: P.kwargs) -> T:
        loop.call_soon_threadsafe(begun.now)
        return work(*arguments, **named)

    deadline.pause()
    try:
        yield noted
    finally:
        begun.now()


@contextlib.contextmanager
def unlimited() -> Iterator[None]:
    """Stand under no limit: what is inside goes on when whoever started it has ended."""
    token = _CURRENT.set(None)
    try:
        yield
    finally:
        _CURRENT.reset(token)


class _Begun:
    """Lets a limit go on, once."""

    def __init__(self, deadline: _Deadline) -> None:
        self._deadline = deadline
        self._done = False

    def now(self) -> None:
        if not self._done:
            self._done = True
            self._deadline.resume()
