"""Gives jobs to children, one after the other, and ends children that cost too much.

Owns the queue, whose turn it is, and what jobs may cost. Must not know how children are made.
Invariants: a job's limits begin when it does; a job that costs more than others holds up none of
them; a child is to blame only for the job that it was running.
"""

from __future__ import annotations

import asyncio
import signal
import time
from collections import deque

import msgspec
import structlog

from dash_messenger.isolation.children import Child
from dash_messenger.isolation.fair_queue import FairQueue
from dash_messenger.isolation.jobs import (
    Answer,
    Ended,
    Job,
    JobFailed,
    JobKilled,
    JobLimits,
    JobResult,
    Reason,
    frame,
    unpack_failure,
)
from dash_messenger.isolation.supply import Supply

__all__ = ["Workers"]

# How often running jobs are looked at.
TICK_S = 0.025
# A tick that comes so late says that this process was held, and nothing about the children.
LATE_S = 1.0
# The kernel's timer strikes first; a job may have stopped it.
CPU_GRACE_S = 0.5
# A job that only sleeps makes way as late as this: where processors are scarce, all jobs seem to.
MAKE_WAY_S = 1.0
# A child is given its next jobs before it has answered, so that it need not wait for them.
DEPTH = 4
# A child died under a job so often: the job is to blame, whoever killed it.
MAX_LOSSES = 2
# Children that nobody needs are ended, all but one.
IDLE_S = 10.0

_CPU_SIGNALS = {getattr(signal, name, None) for name in ("SIGPROF", "SIGXCPU")}
_WALL_SIGNAL = getattr(signal, "SIGALRM", None)
_MEMORY_SIGNAL = getattr(signal, "SIGKILL", None)

log = structlog.get_logger(__name__)


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

    __slots__ = ("child", "cpu_s", "leaving", "since_s", "tasks")

    def __init__(self, child: Child, now_s: float) -> None:
        self.child = child
        self.tasks: deque[_Task] = deque()
        # It is given nothing more, and ends with the job that it runs.
        self.leaving = False
        # When the first job began, and what the child had used by then.
        self.since_s = now_s
        self.cpu_s = child.cpu_s() or 0.0


class Workers:
    """The children of one pool and what waits for them."""

    def __init__(self, supply: Supply, limits: JobLimits, *, max_children: int) -> None:
        self._supply = supply
        self._limits = limits
        self._max_children = max_children
        self._queue: FairQueue[_Task] = FairQueue(
            max_items=limits.max_waiting,
            max_items_a_user=limits.max_waiting_a_user,
            max_bytes=limits.max_waiting_bytes,
        )
        self._workers: dict[Child, _Worker] = {}
        # Those that may be given jobs; the one that was born last comes first.
        self._free: list[_Worker] = []
        # Those whose job takes long: another child has their place.
        self._slow: set[_Worker] = set()
        self._ticker: asyncio.TimerHandle | None = None
        self._ticked_s = self._used_s = 0.0

    async def put(self, name: str, payload: bytes, user: str, label: str) -> JobResult:
        """Let a job wait for its turn; what it returns.

        Raises:
            Busy: too much waits already.
        """
        done: asyncio.Future[JobResult] = asyncio.get_running_loop().create_future()
        task = _Task(name, payload, user, label, done)
        self._queue.put(user, task, len(task.data))
        self._dispatch()
        return await done

    def close(self, error: JobFailed) -> None:
        """Fail all jobs and look at nothing more."""
        self.fail(error)
        if self._ticker is not None:
            self._ticker.cancel()
            self._ticker = None

    # What the supply tells.

    def fill(self) -> None:
        """Have as many children as there is work for, and one more."""
        if not self._supply.ready:
            return
        busy = sum(1 for worker in self._free if worker.tasks)
        work = busy + len(self._queue)
        wanted = min(self._max_children, work) + 1
        have = len(self._free) + self._supply.awaited
        # At rest any one will do.
        if work or not have:
            for _ in range(wanted - have):
                self._supply.make()

    def born(self, child: Child) -> None:
        """A child can be given jobs."""
        worker = _Worker(child, time.monotonic())
        self._workers[child] = worker
        self._free.insert(0, worker)
        self._dispatch()

    def answered(self, child: Child, message: bytes) -> None:
        """A job ended by itself."""
        worker = self._workers.get(child)
        if worker is None or not worker.tasks:
            return
        answer = msgspec.msgpack.decode(message, type=Answer)
        task = worker.tasks.popleft()
        worker.since_s, worker.cpu_s = time.monotonic(), answer.total_cpu_s
        self._settle(task, answer)
        if worker.leaving or answer.last:
            self._dismiss(worker)
        self._dispatch()

    def silent(self, child: Child) -> None:
        """A child says nothing more; its end is told later."""
        worker = self._workers.get(child)
        if worker is not None:
            self._let_leave(worker)
            self._dispatch()

    def ended(self, child: Child, how: Ended) -> None:
        """A child died."""
        worker = self._workers.get(child)
        if worker is None:
            return
        if worker.tasks:
            self._find_guilty(worker.tasks, how)
        self._dismiss(worker)
        self._dispatch()

    def retire(self) -> None:
        """Give nothing more to any child."""
        for worker in [*self._free]:
            if worker.tasks:
                self._let_leave(worker)
            else:
                self._dismiss(worker)

    def abandon(self) -> None:
        """All children are dead, and each one's end is told next."""
        self._free.clear()

    def fail(self, error: JobFailed) -> None:
        """Fail what waits and what runs."""
        tasks = [self._queue.take() for _ in range(len(self._queue))]
        for worker in self._workers.values():
            tasks += worker.tasks
            worker.tasks.clear()
        for task in tasks:
            if not task.done.done():
                task.done.set_exception(JobFailed(error.error, error.trace))

    # Whose turn it is.

    def _dispatch(self) -> None:
        queue, now_s = self._queue, time.monotonic()
        given: dict[_Worker, list[bytes]] = {}
        while queue and (worker := self._next_worker()) is not None:
            task = queue.take()
            if task.done.done():
                # Nobody waits for it any more.
                continue
            if not worker.tasks:
                worker.since_s = now_s
            worker.tasks.append(task)
            given.setdefault(worker, []).append(task.data)
        for worker, data in given.items():
            worker.child.send(data[0] if len(data) == 1 else b"".join(data))
        if given:
            self._used_s = now_s
            self._tick_soon()
        self.fill()

    def _next_worker(self) -> _Worker | None:
        """Who is given the next job: an idle child, or the one with the fewest jobs."""
        busy = [worker for worker in self._free if worker.tasks]
        if len(busy) < self._max_children:
            # The one that ran last: its memory is warm, and the spare stays as it is.
            for worker in reversed(self._free):
                if not worker.tasks:
                    return worker
        fewest = min(busy, key=lambda worker: len(worker.tasks), default=None)
        return fewest if fewest is not None and len(fewest.tasks) < DEPTH else None

    # What jobs may cost.

    def _tick_soon(self) -> None:
        if self._ticker is None:
            self._ticked_s = time.monotonic()
            self._ticker = asyncio.get_running_loop().call_later(TICK_S, self._tick)

    def _tick(self) -> None:
        self._ticker = None
        now_s = time.monotonic()
        late = now_s - self._ticked_s > TICK_S + LATE_S
        for worker in [*self._workers.values()]:
            if worker.tasks and now_s - worker.since_s >= self._limits.demote_after_cpu_s:
                self._judge(worker, now_s - worker.since_s, late=late)
        if now_s - self._used_s > IDLE_S:
            for worker in [worker for worker in self._free[:-1] if not worker.tasks]:
                self._dismiss(worker)
        if len(self._free) > 1 or any(worker.tasks for worker in self._workers.values()):
            self._tick_soon()

    def _judge(self, worker: _Worker, age_s: float, *, late: bool) -> None:
        """Look at a job that has run for a while."""
        limits = self._limits
        total_s = worker.child.cpu_s()
        # Where nobody tells, only the clock on the wall counts, and the kernel's timer.
        used_s = 0.0 if total_s is None else total_s - worker.cpu_s
        costly = used_s > limits.demote_after_cpu_s
        if used_s > limits.cpu_s + CPU_GRACE_S:
            self._stop(worker, "cpu", used_s)
        elif age_s > limits.wall_s and not late:
            # At the lowest priority a busy machine may not let it reach its limit in this time.
            self._stop(worker, "cpu" if used_s > limits.cpu_s / 2 else "wall", used_s)
        elif worker in self._slow:
            if costly:
                worker.child.demote()
        elif not costly and age_s <= MAKE_WAY_S:
            return
        elif len(self._slow) < limits.max_demoted:
            self._slow.add(worker)
            if costly or total_s is None:
                worker.child.demote()
            self._let_leave(worker)
            self._dispatch()
        elif costly:
            self._stop(worker, "cpu", used_s, certain=False)
        elif len(worker.tasks) > 1:
            self._put_back(worker, keep=1)
            worker.leaving = True
            self._dispatch()

    def _stop(self, worker: _Worker, reason: Reason, cpu_s: float, *, certain: bool = True) -> None:
        """End a child for what its job costs."""
        self._kill(worker.tasks.popleft(), reason, cpu_s, certain=certain)
        self._dismiss(worker)
        self._dispatch()

    def _let_leave(self, worker: _Worker) -> None:
        """Let a child end with the job that it runs; another has its place."""
        worker.leaving = True
        if worker in self._free:
            self._free.remove(worker)
        self._put_back(worker, keep=1)

    def _dismiss(self, worker: _Worker) -> None:
        """End a child; what it was given and has not begun waits again."""
        self._workers.pop(worker.child, None)
        if worker in self._free:
            self._free.remove(worker)
        self._slow.discard(worker)
        self._put_back(worker, keep=0)
        worker.child.end()

    def _put_back(self, worker: _Worker, *, keep: int) -> None:
        while len(worker.tasks) > keep:
            task = worker.tasks.pop()
            if not task.done.done():
                self._queue.put_back(task.user, task, len(task.data))

    # How jobs end.

    def _settle(self, task: _Task, answer: Answer) -> None:
        if answer.kind == "memory":
            self._kill(task, "memory", answer.cpu_s)
            return
        self._queue.charge(task.user, answer.cpu_s)
        if task.done.done():
            return
        if answer.kind == "result":
            task.done.set_result(JobResult(answer.value, answer.cpu_s))
        elif answer.kind == "failure":
            task.done.set_exception(unpack_failure(answer.value))
        else:
            task.done.set_exception(JobFailed(answer.error, answer.trace))

    def _find_guilty(self, tasks: deque[_Task], how: Ended) -> None:
        """Take the first job away if its child died of it; else it is run again with the others."""
        task = tasks[0]
        task.losses += 1
        if how.signal in _CPU_SIGNALS:
            self._kill(tasks.popleft(), "cpu", self._limits.cpu_s)
        elif how.signal == _WALL_SIGNAL:
            self._kill(tasks.popleft(), "wall", 0.0)
        elif task.losses < MAX_LOSSES:
            # Somebody may have killed it, or what a job before had left behind.
            return
        elif how.signal == _MEMORY_SIGNAL:
            # By the kernel, where the machine's memory ran out.
            self._kill(tasks.popleft(), "memory", 0.0)
        elif not tasks.popleft().done.done():
            said = f"signal {how.signal}" if how.signal else f"status {how.status}"
            task.done.set_exception(JobFailed(f"the process of {task.name} ended with {said}"))

    def _kill(self, task: _Task, reason: Reason, cpu_s: float, *, certain: bool = True) -> None:
        log.warning(
            "job_killed",
            job=task.name,
            label=task.label,
            user=task.user,
            reason=reason,
            cpu_s=round(cpu_s, 3),
        )
        self._queue.charge(task.user, cpu_s)
        if not task.done.done():
            task.done.set_exception(JobKilled(reason, cpu_s, certain=certain))
