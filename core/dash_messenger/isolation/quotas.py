"""How much a plugin may ask of the server at a time, so that others do not notice.

Owns the bounds, one set for all plugins, counted for each by name. A plugin that does what people
asked for stays far below them. Invariant: what reads, writes or works waits for its turn; what
others see (messages, actions) is refused.
"""

from __future__ import annotations

import asyncio
import contextlib
import time
from collections import Counter
from collections.abc import AsyncIterator, Callable
from typing import Literal, TypeAlias

import structlog

from dash_messenger.errors import Busy, RateLimited
from dash_messenger.isolation.deadlines import waiting
from dash_messenger.rate_limits import Buckets

__all__ = ["MAX_TASKS", "MAX_WAITING", "SENDS_AT_ONCE", "Bounds", "Line"]

# As for people: a script empties its backlog, then goes on at a pace that others can follow.
SENDS_AT_ONCE = 1_000
SENDS_PER_S = 50
ACTS_AT_ONCE = 300
ACTS_PER_S = 20
# What waits for its turn, and what runs in the background.
MAX_WAITING = 1_000
MAX_TASKS = 1_000

Line: TypeAlias = Literal["read", "write"]
_TURNS_AT_ONCE: dict[Line, int] = {
    # Half of the reading threads: somebody else's read finds one soon.
    "read": 2,
    # The writer takes all that waits as one transaction: others wait for the whole of it.
    "write": 8,
}

log = structlog.get_logger(__name__)


class Bounds:
    """What the plugins of one server have used up."""

    def __init__(
        self, clock_s: Callable[[], float] = time.monotonic, *, max_waiting: int = MAX_WAITING
    ) -> None:
        self._max_waiting = max_waiting
        self._sends = Buckets(burst=SENDS_AT_ONCE, per_s=SENDS_PER_S, clock_s=clock_s)
        self._acts = Buckets(burst=ACTS_AT_ONCE, per_s=ACTS_PER_S, clock_s=clock_s)
        self._turns: dict[tuple[str, Line], asyncio.Semaphore] = {}
        self._waiting: Counter[tuple[str, Line]] = Counter()
        self._refused: Counter[str] = Counter()

    def send(self, plugin: str) -> None:
        """Count a message.

        Raises:
            RateLimited: too many.
        """
        self._take(self._sends, plugin)

    def act(self, plugin: str) -> None:
        """Count an action.

        Raises:
            RateLimited: too many.
        """
        self._take(self._acts, plugin)

    @contextlib.asynccontextmanager
    async def turn(self, plugin: str, line: Line) -> AsyncIterator[None]:
        """Wait until few enough of the plugin's are under way.

        Raises:
            Busy: too many wait already.
        """
        key = (plugin, line)
        if self._waiting[key] >= self._max_waiting:
            self._note(plugin, line)
            raise Busy
        turns = self._turns.get(key)
        if turns is None:
            turns = self._turns[key] = asyncio.Semaphore(_TURNS_AT_ONCE[line])
        self._waiting[key] += 1
        try:
            with waiting():
                await turns.acquire()
        finally:
            self._waiting[key] -= 1
        try:
            yield
        finally:
            turns.release()

    def _take(self, bucket: Buckets, plugin: str) -> None:
        try:
            bucket.take(plugin)
        except RateLimited:
            self._note(plugin, "send" if bucket is self._sends else "act")
            raise

    def _note(self, plugin: str, what: str) -> None:
        self._refused[plugin] += 1
        count = self._refused[plugin]
        # Ever more rarely: who floods the server shall not flood its log.
        if count & (count - 1) == 0:
            log.warning("plugin_floods", plugin=plugin, what=what, refused=count)
