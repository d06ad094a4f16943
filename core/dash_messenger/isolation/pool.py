"""Runs jobs on what people wrote in child processes that can be killed: one answer for each job.

Owns the queue, whose turn it is, and what becomes of a child that costs too much. Must not know
what jobs do, nor how processes are made (`isolation.forked`, `isolation.spawned`). Jobs are pure: a
job whose child died through no fault of its own is run again.

Invariants: a job over a limit costs itself and nobody else; time in the queue counts for nobody's
limit; the queue is bounded, and fair between users by what their jobs cost.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import time
from collections import deque
from collections.abc import Callable
from typing import Literal

import msgspec
import structlog

from dash_messenger.isolation.children import Child, Source
from dash_messenger.isolation.fair_queue import FairQueue
from dash_messenger.isolation.forked import ForkServer
from dash_messenger.isolation.jobs import (
    Answer,
    Ended,
    Job,
    JobFailed,
    JobKilled,
    JobLimits,
    JobResult,
    Reason,
    Setup,
    frame,
    unpack_failure,
)
from dash_messenger.isolation.spawned import Spawned

__all__ = ["JobFailed", "JobKilled", "JobLimits", "JobPool", "JobResult"]

# How often running jobs are looked at.
TICK_S = 0.025
# A tick that comes so late says that this process was held, and nothing about the children.
LATE_S = 1.0
# The kernel's timer strikes first; a job may have stopped it.
CPU_GRACE_S = 0.5
# A child is given its next job before it has answered, so that it need not wait for one.
DEPTH = 4
# Whose child died under it so often is to blame, whoever killed it.
MAX_LOSSES = 2
# A job that only sleeps makes way as late as this: where a processor is scarce, all jobs seem to.
MAKE_WAY_S = 1.0
# Children that nobody needs are ended, all but one.
IDLE_S = 10.0
# A source that died or could not load is tried again after 0, 0.1, 0.2, 0.4 … or 1, 2, 4 … s.
RESTART_S = 0.1
MAX_RESTART_S = 5.0
RELOAD_S = 1.0
MAX_RELOAD_S = 60.0
# After that long it did not die of what it had died of before.
STABLE_S = 30.0

log = structlog.get_logger(__name__)

Way = Literal["fork", "spawn"]


class _Task:
    """A job that somebody waits for."""

    __slots__ = ("data", "done", "label", "losses", "name", "user")

    def __init__(
        self, name: str, payload: bytes, user: str, label: str, done: asyncio.Future[JobResult]
    ) -> None:
        self.name = name
        self.data = frame(msgspec.msgpack.encode(Job(name, payload)))
        self.user = user
        self.label = label
        self.done = done
        self.losses = 0


class _Worker:
    """A child and the jobs that it was given; the first of them runs."""

    __slots__ = ("child", "cpu_s", "since_s", "slow", "tasks")

    def __init__(self, child: Child, now_s: float) -> None:
        self.child = child
        self.tasks: deque[_Task] = deque()
        # What it was given behind a slow job is given to others; it ends with that job.
        self.slow = False
        # When the first job began, or the last one ended, and what the child had used by then.
        self.since_s = now_s
        self.cpu_s = child.cpu_s() or 0.0


class JobPool:
    """The children of one server. Close it with `aclose`.

    ``entry`` ("module:function") is called with the bytes of `configure` where jobs are loaded, and
    returns them by name. At most ``children`` run jobs at a time, and those that were demoted.
    """

    def __init__(
        self,
        *,
        entry: str,
        limits: JobLimits | None = None,
        children: int = 2,
        way: Way | None = None,
    ) -> None:
        self._entry = entry
        self._limits = limits = limits or JobLimits()
        self._max_children = children
        self._way: Way = way or ("fork" if sys.platform == "linux" else "spawn")
        self._setup: bytes | None = None
        self._loop: asyncio.AbstractEventLoop | None = None
        self._queue: FairQueue[_Task] = FairQueue(
            max_items=limits.max_waiting,
            max_items_a_user=limits.max_waiting_a_user,
            max_bytes=limits.max_waiting_bytes,
        )
        self._source: Source | None = None
        self._ready = False
        # Why no job can be run, until the next attempt to load succeeds.
        self._broken: JobFailed | None = None
        self._retired: set[Source] = set()
        self._workers: dict[Child, _Worker] = {}
        self._free: list[_Worker] = []
        self._demoted: set[_Worker] = set()
        self._awaited = 0
        self._deaths = self._unloaded = 0
        self._began_s = 0.0
        self._ticker: asyncio.TimerHandle | None = None
        self._timers: set[asyncio.TimerHandle] = set()
        self._closing: set[asyncio.Task[None]] = set()
        self._ticked_s = self._used_s = 0.0
        self._closed = False

    def configure(self, setup: bytes) -> None:
        """Load with ``setup`` from now on. Another one than before replaces all children: jobs that
        run may end, those that wait are run by the new ones."""
        if setup == self._setup:
            return
        self._setup = setup
        if self._source is not None:
            self._retire()
            self._deaths = self._unloaded = 0
            self._broken = None
            self._begin()

    def start(self) -> None:
        """Begin to load now, if `configure` was called; `run` begins by itself."""
        if self._setup is not None and self._source is None and not self._closed:
            self._begin()
        try:
            self._attach(asyncio.get_running_loop())
        except RuntimeError:
            return

    async def run(self, job: str, payload: bytes, *, charged_to: str, label: str = "") -> JobResult:
        """What ``job`` returns for ``payload``.

        ``charged_to`` is the user whose content it is: he waits for it in the queue, whoever looks.
        ``label`` says in the log what it was.

        Raises:
            Failure: as the job raised it.
            Busy: too much waits already.
            JobKilled: it was over a limit.
            JobFailed: it raised or crashed, or the jobs cannot be loaded.
        """
        if self._closed:
            raise JobFailed("the server is ending")
        if self._loop is None or self._source is None:
            self.start()
        if self._broken is not None:
            raise JobFailed(self._broken.error, self._broken.trace)
        assert self._loop is not None
        done: asyncio.Future[JobResult] = self._loop.create_future()
        task = _Task(job, payload, charged_to, label, done)
        self._queue.put(charged_to, task, len(task.data))
        self._dispatch()
        return await done

    async def aclose(self) -> None:
        """End all children; jobs that wait or run fail."""
        self._closed = True
        for timer in [*self._timers, *([self._ticker] if self._ticker else [])]:
            timer.cancel()
        self._fail_all(JobFailed("the server is ending"))
        sources = [*self._retired, *([self._source] if self._source else [])]
        self._retired.clear()
        self._source = None
        self._ready = False
        for source in sources:
            await source.aclose()
        if self._closing:
            await asyncio.wait(self._closing)

    def kill(self) -> None:
        """End all children now, whatever the loop does, from any thread."""
        self._closed = True
        for source in [*self._retired, *([self._source] if self._source else [])]:
            source.kill()

    # What sources and children tell, on the loop.

    def loaded(self, source: Source) -> None:
        """Children can be had."""
        if source is self._source:
            self._ready, self._broken, self._unloaded = True, None, 0
            log.debug("jobs_loaded", after_s=round(time.monotonic() - self._began_s, 2))
            self._fill()

    def unloadable(self, source: Source, error: str, trace: str) -> None:
        """The plugins could not be loaded."""
        if source is not self._source:
            return
        log.error("jobs_not_loaded", error=error, trace=trace)
        self._broken = JobFailed(f"the plugins could not be loaded: {error}", trace)
        self._fail_all(self._broken)
        self._retire()
        wait_s = min(RELOAD_S * 2**self._unloaded, MAX_RELOAD_S)
        self._unloaded += 1
        self._later(wait_s, self._begin_again)

    def lost(self, source: Source) -> None:
        """Its processes are gone, and the ends of its children are told next."""
        self._retired.discard(source)
        if self._closed:
            self._fail_all(JobFailed("the server is ending"))
        if source is not self._source or self._closed:
            return
        self._source, self._ready, self._awaited = None, False, 0
        self._free.clear()
        if time.monotonic() - self._began_s > STABLE_S:
            self._deaths = 0
        wait_s = min(RESTART_S * 2 ** (self._deaths - 1), MAX_RESTART_S) if self._deaths else 0.0
        self._deaths += 1
        log.error("job_processes_lost", again_in_s=wait_s)
        self._later(wait_s, self._begin_again)

    def born(self, child: Child) -> None:
        """A child that was asked for is there."""
        if child.source is not self._source:
            child.end()
            return
        self._awaited -= 1
        worker = _Worker(child, time.monotonic())
        self._workers[child] = worker
        self._free.insert(0, worker)
        self._dispatch()

    def unborn(self, source: Source, error: str) -> None:
        """A child that was asked for could not be made."""
        if source is self._source:
            self._awaited -= 1
            log.error("job_process_not_made", error=error)
            self._later(RELOAD_S, self._fill)

    def answered(self, child: Child, message: bytes) -> None:
        """A job ended by itself."""
        worker = self._workers.get(child)
        if worker is None or not worker.tasks:
            return
        answer = msgspec.msgpack.decode(message, type=Answer)
        task = worker.tasks.popleft()
        worker.since_s, worker.cpu_s = time.monotonic(), answer.total_cpu_s
        self._queue.charge(task.user, answer.cpu_s)
        self._settle(task, answer)
        if worker.slow or answer.last or child.source is not self._source:
            self._dismiss(worker)
        self._dispatch()

    def ended(self, child: Child, how: Ended) -> None:
        """A child died."""
        worker = self._workers.get(child)
        if worker is None:
            return
        if self._closed:
            self._fail_all(JobFailed("the server is ending"))
        if worker.tasks:
            task = worker.tasks[0]
            if how.signal in _signals("SIGPROF", "SIGXCPU"):
                worker.tasks.popleft()
                self._kill_task(task, "cpu", self._limits.cpu_s)
            elif how.signal in _signals("SIGALRM"):
                worker.tasks.popleft()
                self._kill_task(task, "wall", 0.0)
            else:
                task.losses += 1
                if task.losses >= MAX_LOSSES:
                    worker.tasks.popleft()
                    self._blame(task, how)
        self._dismiss(worker)
        self._dispatch()

    # Whose turn it is.

    def _dispatch(self) -> None:
        """Give what waits to children."""
        queue = self._queue
        if queue:
            now_s = time.monotonic()
            given: dict[_Worker, list[bytes]] = {}
            while queue and (worker := self._next_worker()) is not None:
                task = queue.take()
                if task.done.done():
                    continue
                if not worker.tasks:
                    worker.since_s = now_s
                worker.tasks.append(task)
                given.setdefault(worker, []).append(task.data)
            for worker, data in given.items():
                worker.child.send(data[0] if len(data) == 1 else b"".join(data))
            self._used_s = now_s
            self._tick_soon()
        self._fill()

    def _next_worker(self) -> _Worker | None:
        """Who has least to do and may have more."""
        busy = [worker for worker in self._free if worker.tasks]
        if len(busy) < self._max_children:
            # The one that ran last: its memory is warm, and the spare stays as it is.
            for worker in reversed(self._free):
                if not worker.tasks:
                    return worker
        quick = [worker for worker in busy if not worker.slow and len(worker.tasks) < DEPTH]
        return min(quick, key=lambda worker: len(worker.tasks), default=None)

    def _fill(self) -> None:
        """Have as many children as there is work for, and one more."""
        if not self._ready or self._source is None or self._closed:
            return
        busy = sum(1 for worker in self._free if worker.tasks)
        wanted = min(self._max_children, busy + len(self._queue)) + 1
        while len(self._free) + self._awaited < wanted and (
            busy or self._queue or (not self._free and not self._awaited)
        ):
            self._awaited += 1
            self._source.make()

    # What jobs cost.

    def _tick_soon(self) -> None:
        if self._ticker is None and self._loop is not None:
            self._ticked_s = time.monotonic()
            self._ticker = self._loop.call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        self._ticker = None
        now_s = time.monotonic()
        late = now_s - self._ticked_s > TICK_S + LATE_S
        for worker in [*self._workers.values()]:
            if worker.tasks:
                self._judge(worker, now_s, late=late)
        if now_s - self._used_s > IDLE_S:
            for worker in [worker for worker in self._free[:-1] if not worker.tasks]:
                self._dismiss(worker)
        if self._workers and (len(self._free) > 1 or any(w.tasks for w in self._workers.values())):
            self._tick_soon()

    def _judge(self, worker: _Worker, now_s: float, *, late: bool) -> None:
        age_s, limits = now_s - worker.since_s, self._limits
        if age_s < limits.demote_after_cpu_s:
            return
        total_s = worker.child.cpu_s()
        used_s = None if total_s is None else total_s - worker.cpu_s
        if used_s is not None and used_s > limits.cpu_s + CPU_GRACE_S:
            self._stop(worker, "cpu", used_s)
        elif age_s > limits.wall_s and not late:
            # At the lowest priority a busy machine may not let it reach its limit in this time.
            burnt = used_s is not None and used_s > limits.cpu_s / 2
            self._stop(worker, "cpu" if burnt else "wall", used_s or 0.0)
        elif worker in self._demoted:
            return
        elif used_s is not None and used_s > limits.demote_after_cpu_s:
            if len(self._demoted) < limits.max_demoted:
                self._demote(worker)
            else:
                self._stop(worker, "cpu", used_s)
        elif age_s > MAKE_WAY_S and len(self._demoted) < limits.max_demoted:
            self._demote(worker)
        elif len(worker.tasks) > 1:
            worker.slow = True
            self._put_back(worker, keep=1)
            self._dispatch()

    def _demote(self, worker: _Worker) -> None:
        worker.child.demote()
        if worker in self._free:
            self._free.remove(worker)
        worker.slow = True
        self._demoted.add(worker)
        self._put_back(worker, keep=1)
        self._dispatch()

    def _stop(self, worker: _Worker, reason: Reason, cpu_s: float) -> None:
        """End a child for what its job costs."""
        self._kill_task(worker.tasks.popleft(), reason, cpu_s)
        self._dismiss(worker)
        self._dispatch()

    def _dismiss(self, worker: _Worker) -> None:
        """End a child; what it was given and has not begun waits again."""
        self._workers.pop(worker.child, None)
        if worker in self._free:
            self._free.remove(worker)
        self._demoted.discard(worker)
        self._put_back(worker, keep=0)
        worker.child.end()
        self._close_if_empty(worker.child.source)

    def _put_back(self, worker: _Worker, *, keep: int) -> None:
        while len(worker.tasks) > keep:
            task = worker.tasks.pop()
            if not task.done.done():
                self._queue.put_back(task.user, task, len(task.data))

    # How jobs end.

    def _settle(self, task: _Task, answer: Answer) -> None:
        if answer.kind == "memory":
            self._kill_task(task, "memory", answer.cpu_s)
        elif task.done.done():
            return
        elif answer.kind == "result":
            task.done.set_result(JobResult(answer.value, answer.cpu_s))
        elif answer.kind == "failure":
            task.done.set_exception(unpack_failure(answer.value))
        else:
            task.done.set_exception(JobFailed(answer.error, answer.trace))

    def _kill_task(self, task: _Task, reason: Reason, cpu_s: float) -> None:
        log.warning(
            "job_killed",
            **{"job": task.name, "label": task.label, "user": task.user},
            **{"reason": reason, "cpu_s": round(cpu_s, 3)},
        )
        self._queue.charge(task.user, cpu_s)
        if not task.done.done():
            task.done.set_exception(JobKilled(reason, cpu_s))

    def _blame(self, task: _Task, how: Ended) -> None:
        """A child died under this job again."""
        if how.signal == getattr(signal, "SIGKILL", None):
            # By the kernel, where memory ran out.
            self._kill_task(task, "memory", 0.0)
        elif not task.done.done():
            said = f"signal {how.signal}" if how.signal else f"status {how.status}"
            task.done.set_exception(JobFailed(f"the process of {task.name} ended with {said}"))

    def _fail_all(self, error: JobFailed) -> None:
        tasks = [self._queue.take() for _ in range(len(self._queue))]
        for worker in [*self._workers.values()]:
            tasks += worker.tasks
            worker.tasks.clear()
        for task in tasks:
            if not task.done.done():
                task.done.set_exception(JobFailed(error.error, error.trace))

    # Where children come from.

    def _begin(self) -> None:
        assert self._setup is not None
        setup = Setup(self._entry, self._setup, self._limits)
        self._source = ForkServer(setup) if self._way == "fork" else Spawned(setup)
        self._began_s = time.monotonic()
        self._ready, self._awaited = False, 0
        self._source.start()
        if self._loop is not None:
            self._watch_over(self._source)

    def _begin_again(self) -> None:
        if self._source is None and not self._closed:
            self._begin()

    def _attach(self, loop: asyncio.AbstractEventLoop) -> None:
        if self._loop is None:
            self._loop = loop
            if self._source is not None:
                self._watch_over(self._source)

    def _watch_over(self, source: Source) -> None:
        assert self._loop is not None
        source.attach(self, self._loop)

        def give_up() -> None:
            if source is self._source and not self._ready:
                limit = self._limits.load_s
                self.unloadable(source, f"it took more than {limit:g} s", "")

        self._later(self._limits.load_s, give_up)

    def _retire(self) -> None:
        """Let the jobs that run end, and then their source."""
        source, self._source, self._ready = self._source, None, False
        if source is None:
            return
        self._retired.add(source)
        for worker in [*self._free]:
            self._free.remove(worker)
            self._put_back(worker, keep=1)
            if not worker.tasks:
                self._dismiss(worker)
        self._close_if_empty(source)

    def _close_if_empty(self, source: Source) -> None:
        if source in self._retired and not any(
            worker.child.source is source for worker in self._workers.values()
        ):
            self._retired.discard(source)
            if self._loop is None:
                source.kill()
                return
            task = self._loop.create_task(source.aclose())
            self._closing.add(task)
            task.add_done_callback(self._closing.discard)

    def _later(self, wait_s: float, do: Callable[[], None]) -> None:
        if self._closed or self._loop is None:
            return

        def run() -> None:
            self._timers.discard(timer)
            do()

        timer = self._loop.call_later(wait_s, run)
        self._timers.add(timer)


def _signals(*names: str) -> set[int]:
    return {int(getattr(signal, name)) for name in names if hasattr(signal, name)}
