"""The thread that draws, and its replacement when a drawing does not end.

Owns the thread and whose turn it is. Must not know what a drawing is. Invariants: one drawing runs
at a time; one that does not end costs itself alone, and what waits behind it goes on in a fresh
thread; no thread keeps the process from ending.
"""

from __future__ import annotations

import asyncio
import threading
import time
from collections.abc import Callable, Hashable, Sequence
from queue import SimpleQueue
from typing import Generic, TypeVar

__all__ = ["Drawer"]

# A piece of work that takes longer lets others' go first, then goes on.
TURN_S = 0.05

K = TypeVar("K", bound=Hashable)
V = TypeVar("V")


class _Job(Generic[K, V]):
    """Some drawings that somebody waits for: until ``done``, and a timer looks after them."""

    def __init__(self, keys: Sequence[K], draw: Callable[[K], V], done: asyncio.Future[None]):
        self.keys = list(keys)
        self.draw = draw
        self.done = done
        self.look: asyncio.TimerHandle | None = None
        self.results: dict[K, V] = {}


class _Thread(Generic[K, V]):
    """One worker; ``left``: another has taken its place."""

    def __init__(self, jobs: SimpleQueue[_Job[K, V] | None]) -> None:
        self._jobs = jobs
        self.job: _Job[K, V] | None = None
        self.key: K | None = None
        self.since_s = 0.0
        self.left = False
        threading.Thread(target=self._run, name="views", daemon=True).start()

    def _run(self) -> None:
        while not self.left and (job := self._jobs.get()) is not None:
            self.job = job
            if not self._work(job):
                return
            self.job = None
            if job.keys:
                self._jobs.put(job)
            else:
                _settle(job)

    def _work(self, job: _Job[K, V]) -> bool:
        """Draw for a while; whether this is still the thread that draws."""
        began_s = time.monotonic()
        while job.keys and time.monotonic() - began_s < TURN_S:
            key = job.keys[0]
            self.since_s, self.key = time.monotonic(), key
            drawn = job.draw(key)
            self.key = None
            if self.left:
                return False
            job.results[key] = drawn
            del job.keys[0]
        return True


class Drawer(Generic[K, V]):
    """Draws in a thread. ``abandoned(key)`` is called on the loop when a drawing is given up, and
    gives what stands for it."""

    def __init__(self, *, abandon_after_s: float, abandoned: Callable[[K], V]) -> None:
        self._abandon_after_s = abandon_after_s
        self._abandoned = abandoned
        self._jobs: SimpleQueue[_Job[K, V] | None] = SimpleQueue()
        self._thread: _Thread[K, V] = _Thread(self._jobs)

    async def draw(self, keys: Sequence[K], draw: Callable[[K], V]) -> dict[K, V]:
        """``draw(key)`` of each, which must not raise."""
        job = _Job(keys, draw, asyncio.get_running_loop().create_future())
        self._jobs.put(job)
        self._look_later(job)
        try:
            await job.done
        finally:
            assert job.look is not None
            job.look.cancel()
        return job.results

    def close(self) -> None:
        """Let the thread end; what it is drawing is not waited for."""
        self._thread.left = True
        self._jobs.put(None)

    def _look_later(self, job: _Job[K, V]) -> None:
        # `asyncio.wait` with a timeout takes 10 µs more, for every message that is sent.
        job.look = job.done.get_loop().call_later(self._abandon_after_s / 2, self._look, job)

    def _look(self, job: _Job[K, V]) -> None:
        self._replace_stuck()
        self._look_later(job)

    def _replace_stuck(self) -> None:
        thread = self._thread
        job, key = thread.job, thread.key
        if job is None or key is None or time.monotonic() - thread.since_s < self._abandon_after_s:
            return
        # The thread cannot be stopped; it is left behind.
        thread.left = True
        rest = _Job([each for each in job.keys if each != key], job.draw, job.done)
        rest.results = job.results
        self._thread = _Thread(self._jobs)
        job.results[key] = self._abandoned(key)
        self._jobs.put(rest)


def _settle(job: _Job[K, V]) -> None:
    def settle() -> None:
        if not job.done.done():
            job.done.set_result(None)

    try:
        job.done.get_loop().call_soon_threadsafe(settle)
    except RuntimeError:
        # The loop is closed: nobody waits.
        return
