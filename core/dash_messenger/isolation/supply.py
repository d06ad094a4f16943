"""Where the pool's children come from: one source for one setup, made again when it dies.

Owns which source is in use, which ones are on their way out, and when another attempt is made. Must
not know jobs. Invariants: at most one source is in use; one that cannot load is told in a sentence,
and is tried again; one that dies is replaced, ever more slowly while it goes on dying.
"""

from __future__ import annotations

import asyncio
import sys
import time
from collections.abc import Callable
from typing import Literal, Protocol

import structlog

from dash_messenger.isolation.children import Child, Source
from dash_messenger.isolation.forked import ForkServer
from dash_messenger.isolation.jobs import Ended, JobFailed, JobLimits, Setup, describe
from dash_messenger.isolation.spawned import Spawned

__all__ = ["ENDING", "Supply", "User", "Way"]

# A source that died is made again after 0, 0.1, 0.2, 0.4 … s.
RESTART_S = 0.1
MAX_RESTART_S = 5.0
# One that could not load after 1, 2, 4 … s: a plugin has to be mended first.
RELOAD_S = 1.0
MAX_RELOAD_S = 60.0
# After that long it did not die of what it had died of before.
STABLE_S = 30.0
# One that dies so often before it has loaded cannot load.
MAX_EARLY_DEATHS = 3

Way = Literal["fork", "spawn"]

log = structlog.get_logger(__name__)

ENDING = JobFailed("the server is ending")


class User(Protocol):
    """Who works with the children."""

    def fill(self) -> None:
        """Children can be asked for."""

    def born(self, child: Child) -> None:
        """A child that was asked for is there."""

    def answered(self, child: Child, message: bytes) -> None:
        """A child said something."""

    def silent(self, child: Child) -> None:
        """A child says nothing more; its end is told later."""

    def ended(self, child: Child, how: Ended) -> None:
        """A child died."""

    def retire(self) -> None:
        """All children are to be given nothing more."""

    def abandon(self) -> None:
        """All children are dead; each one's end is told next."""

    def fail(self, error: JobFailed) -> None:
        """Nothing that waits or runs will come to an end."""


class Supply:
    """The sources of one pool."""

    def __init__(self, entry: str, limits: JobLimits, way: Way | None) -> None:
        self._entry = entry
        self._limits = limits
        self._way: Way = way or ("fork" if sys.platform == "linux" else "spawn")
        self._setup = b""
        self._source: Source | None = None
        self._retired: dict[Source, set[Child]] = {}
        self._living: set[Child] = set()
        self._user: User | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._timers: set[asyncio.TimerHandle] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._deaths = self._failures = self._births = 0
        self._began_s = 0.0
        self._again = self._closed = False
        # Whether children can be asked for, and how many were and are not there yet.
        self.ready = False
        self.awaited = 0
        # Why no job can be run.
        self.trouble: JobFailed | None = None

    def configure(self, setup: bytes) -> None:
        """Load with ``setup`` from now on."""
        if setup == self._setup:
            return
        self._setup = setup
        self._deaths = self._failures = 0
        if not self._closed:
            self.trouble = None
        if self._source is not None:
            self._retire()
            self._begin()

    def start(self) -> None:
        """Begin to load, unless that was begun before."""
        if self._source is None and not self._again and not self._closed:
            self._begin()

    def attach(self, user: User, loop: asyncio.AbstractEventLoop) -> None:
        """Tell ``user`` what happens, from now on."""
        if self._loop is None:
            self._user, self._loop = user, loop
            if self._source is not None:
                self._watch(self._source)

    def make(self) -> None:
        """Ask for a child."""
        source = self._source
        assert source is not None

        def look() -> None:
            if source is self._source and self.awaited and self._births == births:
                # It neither makes children nor ends: somebody may have stopped it.
                log.error("job_process_silent")
                source.kill()

        if not self.awaited:
            births = self._births
            self._later(self._limits.load_s, look)
        self.awaited += 1
        source.make()

    def kill(self) -> None:
        """End all processes now, from any thread."""
        self._end()
        for source in self._sources():
            source.kill()

    async def aclose(self) -> None:
        """End all processes and forget them."""
        self._end()
        for timer in self._timers:
            timer.cancel()
        self._timers.clear()
        for source in self._sources():
            await source.aclose()
        if self._closing:
            await asyncio.wait(self._closing)
        self._source = None
        self._retired.clear()

    # What sources tell.

    def loaded(self, source: Source) -> None:
        """Children can be had."""
        if source is self._source:
            self.ready, self.trouble, self._failures = True, None, 0
            log.debug("jobs_loaded", after_s=round(time.monotonic() - self._began_s, 2))
            self._used().fill()

    def unloadable(self, source: Source, error: str, trace: str) -> None:
        """The plugins could not be loaded."""
        if source is self._source and not self._closed:
            self._retire()
            self._give_up(error, trace)

    def lost(self, source: Source) -> None:
        """Its processes are gone, and the ends of its children are told next."""
        if self._closed:
            self._used().fail(ENDING)
        if source is not self._source or self._closed:
            return
        early = not self.ready
        self._source, self.ready, self.awaited = None, False, 0
        self._used().abandon()
        if time.monotonic() - self._began_s > STABLE_S:
            self._deaths = 0
        self._deaths += 1
        if early and self._deaths >= MAX_EARLY_DEATHS:
            self._give_up("their process ended meanwhile", "")
            return
        wait_s = min(RESTART_S * 2 ** (self._deaths - 2), MAX_RESTART_S) if self._deaths > 1 else 0
        log.error("job_processes_lost", again_in_s=wait_s)
        self._begin_in(wait_s)

    def born(self, child: Child) -> None:
        """A child that was asked for is there."""
        if child.source is self._source and not self._closed:
            self.awaited -= 1
            self._births += 1
            self._living.add(child)
            self._used().born(child)
        else:
            child.end()

    def unborn(self, source: Source, error: str) -> None:
        """A child that was asked for could not be made."""
        if source is self._source:
            self.awaited -= 1
            log.error("job_process_not_made", error=error)
            self._later(RELOAD_S, self._used().fill)

    def answered(self, child: Child, message: bytes) -> None:
        """A child said something."""
        self._used().answered(child, message)

    def silent(self, child: Child) -> None:
        """A child says nothing more; its end is told later."""
        self._used().silent(child)

    def ended(self, child: Child, how: Ended) -> None:
        """A child died."""
        if self._closed:
            self._used().fail(ENDING)
        self._living.discard(child)
        self._used().ended(child, how)
        living = self._retired.get(child.source)
        if living is not None:
            living.discard(child)
            self._close_if_empty(child.source)

    # How sources come and go.

    def _begin(self) -> None:
        setup = Setup(self._entry, self._setup, self._limits)
        self._source = ForkServer(setup) if self._way == "fork" else Spawned(setup)
        self._began_s = time.monotonic()
        self.ready, self.awaited = False, 0
        try:
            self._source.start()
        except OSError as error:
            self._source = None
            if self._user is None:
                raise
            self._give_up(describe(error), "")
            return
        if self._loop is not None:
            self._watch(self._source)

    def _begin_in(self, wait_s: float) -> None:
        def begin() -> None:
            self._again = False
            if self._source is None and not self._closed:
                self._begin()

        self._again = True
        self._later(wait_s, begin)

    def _watch(self, source: Source) -> None:
        assert self._loop is not None
        source.attach(self, self._loop)

        def give_up() -> None:
            if not self.ready:
                self.unloadable(source, f"it took more than {self._limits.load_s:g} s", "")

        self._later(self._limits.load_s, give_up)

    def _give_up(self, error: str, trace: str) -> None:
        """Fail what waits, and try again later."""
        log.error("jobs_not_loaded", error=error, trace=trace)
        self.trouble = JobFailed(f"the plugins could not be loaded: {error}", trace)
        self._used().fail(self.trouble)
        wait_s = min(RELOAD_S * 2**self._failures, MAX_RELOAD_S)
        self._failures += 1
        self._begin_in(wait_s)

    def _retire(self) -> None:
        """Let the jobs that run end, and then their source."""
        source, self._source, self.ready = self._source, None, False
        assert source is not None
        self._retired[source] = {child for child in self._living if child.source is source}
        if self._user is not None:
            self._user.retire()
        self._close_if_empty(source)

    def _close_if_empty(self, source: Source) -> None:
        if self._retired[source]:
            return
        del self._retired[source]
        if self._loop is None:
            source.kill()
            return
        task = self._loop.create_task(source.aclose())
        self._closing.add(task)
        task.add_done_callback(self._closing.discard)

    def _end(self) -> None:
        self._closed, self.ready = True, False
        self.trouble = ENDING

    def _sources(self) -> list[Source]:
        return [*self._retired, *([self._source] if self._source is not None else [])]

    def _later(self, wait_s: float, do: Callable[[], None]) -> None:
        if self._closed or self._loop is None:
            return

        def run() -> None:
            self._timers.discard(timer)
            do()

        timer = self._loop.call_later(wait_s, run)
        self._timers.add(timer)

    def _used(self) -> User:
        assert self._user is not None
        return self._user
