"""Runs plugins' code: every ``except`` around it, its time limits, and what its failures lead to.

Owns what a failure means. Its limits (their numbers are in `time_limits`) end what awaits; what
computes without an end is killed in a child (`workers`), and on the event loop with the whole
server (`supervisor`). Must not know what is run, nor what becomes of a plugin that is quarantined
(its `Host` does).

Invariants: whatever a plugin's code raises, its caller gets a `Failure`; what depends on one
message, person or request costs that alone: it is counted and logged, and never quarantines a
plugin by itself.

A plugin is quarantined here when it fails at its start, and when its code keeps failing on content
and fails on what worked before, too.
"""

from __future__ import annotations

import asyncio
import time
from collections.abc import Awaitable, Callable, Sequence
from typing import Protocol, TypeVar

import structlog

from dash_messenger.activity import Activity, follow
from dash_messenger.errors import ANYTHING, Failure, PluginFailed, TimedOut
from dash_messenger.isolation.deadlines import unlimited, waiting_for, within
from dash_messenger.isolation.failures import MAX_FAILURES, MAX_GRAVE_FAILURES, Failures
from dash_messenger.isolation.samples import Samples

__all__ = ["Host", "PluginRunner", "Probe"]

# All samples of a kind are tried in one go, in the background.
PROBE_WITHIN_S = 60.0
# Who keeps failing is not tried again for each failure.
PROBE_EVERY_S = 60.0

T = TypeVar("T")

# ``await probe(plugin, kind, sample)``: whether the plugin's code takes what it took before. It
# raises `Busy` or another `Failure` where that cannot be said now.
Probe = Callable[[str, str, bytes], Awaitable[bool]]
# Further samples that ought to work, such as those that come with the plugin.
MoreSamples = Callable[[str, str], Sequence[bytes]]

log = structlog.get_logger(__name__)


class Host(Protocol):
    """Who has the plugins."""

    def quarantine(self, name: str, error: BaseException | str) -> None:
        """Quarantine a plugin that failed while it was started."""

    def quarantine_for_a_while(self, name: str, reason: str) -> None:
        """Quarantine a plugin that runs."""

    def loaded(self, name: str) -> bool:
        """Whether the plugin is in use."""

    def spares(self, name: str) -> bool:
        """Whether a plugin stays in use however often it fails: it is required, or checks what
        others do, so that whoever makes it fail could switch its checks off."""


class PluginRunner:
    """Runs the code of one group of plugins."""

    def __init__(
        self,
        host: Host,
        activity: Activity | None = None,
        clock_s: Callable[[], float] = time.monotonic,
    ) -> None:
        self.activity = activity or Activity()
        self._host = host
        self._clock_s = clock_s
        self._failures = Failures(clock_s)
        self._samples = Samples(clock_s)
        self._probe: Probe | None = None
        self._more: MoreSamples = lambda plugin, kind: ()
        self._probes: dict[tuple[str, str], asyncio.Task[None]] = {}
        self._probed_at_s: dict[tuple[str, str], float] = {}

    # Running.

    def call(
        self,
        plugin: str,
        work: Callable[[], T],
        *,
        doing: str,
        raises: Callable[[], Failure] = PluginFailed,
    ) -> T:
        """What ``work()`` returns; the log calls it ``doing``.

        Raises:
            Failure: as ``work`` raises it; what ``raises()`` makes where it raises anything else.
        """
        token = self.activity.begin(plugin)
        try:
            return work()
        except Failure:
            raise
        except ANYTHING as error:
            self.failed(plugin, error, doing=doing)
            raise raises() from error
        finally:
            self.activity.end(token)

    async def run(
        self,
        plugin: str,
        work: Callable[[], Awaitable[T]],
        *,
        doing: str,
        within_s: float,
        raises: Callable[[], Failure] = PluginFailed,
        timed_out: Callable[[], Failure] = TimedOut,
    ) -> T:
        """What ``await work()`` comes to; what it waits in `waiting` is not counted.

        Raises:
            Failure: as ``work`` raises it; what ``raises()`` makes where it raises anything else,
                what ``timed_out()`` makes where it takes longer than ``within_s``.
        """
        try:
            return await self._limited(plugin, work, within_s)
        except Failure:
            raise
        except TimeoutError as error:
            self.failed(plugin, error, doing=doing)
            raise timed_out() from None
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            self.failed(plugin, error, doing=doing)
            raise raises() from error
        except ANYTHING as error:
            self.failed(plugin, error, doing=doing)
            raise raises() from error

    async def run_in_thread(
        self,
        plugin: str,
        work: Callable[[], T],
        *,
        doing: str,
        within_s: float,
        raises: Callable[[], Failure] = PluginFailed,
        timed_out: Callable[[], Failure] = TimedOut,
    ) -> T:
        """What ``work()`` returns, called in a thread; it may wait long for one.

        Raises:
            Failure: as `run`.
        """
        return await self.run(
            plugin,
            lambda: _in_thread(self._noted(plugin, work)),
            doing=doing,
            within_s=within_s,
            raises=raises,
            timed_out=timed_out,
        )

    async def attempt(
        self,
        plugin: str,
        work: Callable[[], Awaitable[object]],
        *,
        doing: str,
        within_s: float | None,
    ) -> bool:
        """Run what nobody waits for: whether it went well. Raises nothing but cancellation."""
        try:
            await self._limited(plugin, work, within_s)
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            self.failed(plugin, error, doing=doing)
            return False
        except ANYTHING as error:
            self.failed(plugin, error, doing=doing)
            return False
        return True

    # Starting.

    def start(
        self,
        plugin: str,
        work: Callable[[], object],
        *,
        doing: str,
        undo: Callable[[], object] = lambda: None,
    ) -> bool:
        """Do what belongs to a plugin's start: whether it went well.

        If not, ``undo()`` takes back what was done and the plugin is quarantined.
        """
        token = self.activity.begin(plugin)
        try:
            work()
        except ANYTHING as error:
            undo()
            self._start_failed(plugin, error, doing)
            return False
        finally:
            self.activity.end(token)
        return True

    async def start_async(
        self,
        plugin: str,
        work: Callable[[], Awaitable[object]],
        *,
        doing: str,
        within_s: float | None,
    ) -> bool:
        """As `start`, for what is awaited."""
        try:
            await self._limited(plugin, work, within_s)
        except asyncio.CancelledError as error:
            if _is_cancelled():
                raise
            self._start_failed(plugin, error, doing)
            return False
        except ANYTHING as error:
            self._start_failed(plugin, error, doing)
            return False
        return True

    def _start_failed(self, plugin: str, error: BaseException, doing: str) -> None:
        log.error("plugin_start_failed", plugin=plugin, doing=doing)
        self._host.quarantine(plugin, error)

    # Failures.

    def failed(self, plugin: str, error: BaseException, *, doing: str) -> None:
        """Log and count that a plugin's code failed for one message, person or request."""
        log.error("plugin_failed", plugin=plugin, doing=doing, exc_info=error)
        if self._failures.count(f"{plugin} {doing}"):
            log.error("plugin_keeps_failing", plugin=plugin, doing=doing, failures=MAX_FAILURES)

    def content_failed(
        self, plugin: str, error: BaseException, *, kind: str = "", grave: bool = False
    ) -> None:
        """Count that a plugin's code failed on a content of a ``kind``, such as its message type.

        Where it keeps failing, it is tried in the background with what worked before, and is
        quarantined only if that fails too. ``grave``: it cost so much that fewer are borne. Whoever
        calls this has logged the failure.
        """
        limit = MAX_GRAVE_FAILURES if grave else MAX_FAILURES
        if not self._failures.count(f"{plugin} {kind}", limit=limit):
            return
        key = (plugin, kind)
        samples = [*self._samples.of(plugin, kind), *self._more(plugin, kind)]
        now_s = self._clock_s()
        probed_at_s = self._probed_at_s.get(key, float("-inf"))
        idle = key not in self._probes and now_s - probed_at_s >= PROBE_EVERY_S
        if self._probe is None or not samples or not idle or not self._host.loaded(plugin):
            log.error("plugin_keeps_failing", plugin=plugin, kind=kind, failures=limit)
            return
        self._probed_at_s[key] = now_s
        task = asyncio.get_running_loop().create_task(
            self._try_samples(self._probe, plugin, kind, samples, error)
        )
        self._probes[key] = task
        task.add_done_callback(lambda task: self._probes.pop(key, None))

    def content_worked(
        self, plugin: str, sample: bytes, *, kind: str = "", by: str = "", cpu_s: float = 0.0
    ) -> None:
        """Note that a plugin's code took a content well, which user it is ``by``, what it cost."""
        self._samples.note(plugin, kind, sample, by=by, cpu_s=cpu_s)

    def set_probe(self, probe: Probe, more: MoreSamples = lambda plugin, kind: ()) -> None:
        """How samples are tried, and which there are beside those that worked before."""
        self._probe, self._more = probe, more

    async def _try_samples(
        self, probe: Probe, plugin: str, kind: str, samples: list[bytes], error: BaseException
    ) -> None:
        named = {"plugin": plugin, "kind": kind, "samples": len(samples)}
        try:
            async with within(PROBE_WITHIN_S):
                for sample in samples:
                    if await probe(plugin, kind, sample):
                        log.error("plugin_keeps_failing", **named)
                        return
        except (Failure, TimeoutError) as reason:
            log.error("plugin_keeps_failing", **named, not_tried=str(reason))
            return
        except ANYTHING:
            # The root of a task: the probe is ours.
            log.exception("plugin_probe_failed", **named)
            return
        if self._host.spares(plugin):
            log.error("plugin_keeps_failing", **named, spared=True)
        elif self._host.loaded(plugin):
            self._host.quarantine_for_a_while(
                plugin,
                f"it keeps failing, with what worked before too, at last with "
                f"{type(error).__name__}: {error}",
            )

    async def aclose(self) -> None:
        """End what is being tried."""
        tasks = [*self._probes.values()]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    # Limits.

    async def _limited(
        self, plugin: str, work: Callable[[], Awaitable[T]], within_s: float | None
    ) -> T:
        followed = follow(self.activity, _awaited(work), plugin=plugin)
        if within_s is None:
            with unlimited():
                return await followed
        async with within(within_s):
            return await followed

    def _noted(self, plugin: str, work: Callable[[], T]) -> Callable[[], T]:
        def noted() -> T:
            token = self.activity.begin(plugin)
            try:
                return work()
            finally:
                self.activity.end(token)

        return noted


async def _awaited(work: Callable[[], Awaitable[T]]) -> T:
    return await work()


async def _in_thread(work: Callable[[], T]) -> T:
    with waiting_for(work) as begun:
        return await asyncio.to_thread(begun)


def _is_cancelled() -> bool:
    """Whether the running task itself was cancelled, rather than something that it waited for."""
    task = asyncio.current_task()
    return task is not None and task.cancelling() > 0
