"""Runs jobs on what people wrote in child processes that can be killed.

Owns what the rest of the server sees of it. Must not know what jobs do. It is put together from
`isolation.supply`, where children come from, and `isolation.workers`, whose turn it is and what
becomes of a child that costs too much. Jobs are pure: one whose child died through no fault of its
own is run again.

Invariants: a job over a limit costs itself and nobody else; time in the queue counts for nobody's
limit; the queue is bounded, and fair between users by what their jobs cost.
"""

from __future__ import annotations

import asyncio

from dash_messenger.isolation.deadlines import waiting
from dash_messenger.isolation.jobs import JobFailed, JobKilled, JobLimits, JobResult
from dash_messenger.isolation.supply import ENDING, Supply, Way
from dash_messenger.isolation.workers import Workers

__all__ = ["JobFailed", "JobKilled", "JobLimits", "JobPool", "JobResult"]


class JobPool:
    """The children of one server. Close it with `aclose`.

    ``entry`` ("module:function") is called with the bytes of `configure` where jobs are loaded, and
    returns them by name. At most ``children`` run jobs at a time, and those that were demoted.
    ``way`` is how children are made; by itself it is what the system allows.
    """

    def __init__(
        self,
        *,
        entry: str,
        limits: JobLimits | None = None,
        children: int = 2,
        way: Way | None = None,
    ) -> None:
        limits = limits or JobLimits()
        self._supply = Supply(entry, limits, way)
        self._workers = Workers(self._supply, limits, max_children=children)

    def configure(self, setup: bytes) -> None:
        """Load with ``setup`` from now on. Another one than before replaces all children: jobs that
        run may end, those that wait are run by the new ones."""
        self._supply.configure(setup)

    def start(self) -> None:
        """Begin to load now, with or without a loop; `run` begins by itself.

        The processes die with the thread that calls this, which is the server's main thread.
        """
        self._supply.start()
        try:
            self._supply.attach(self._workers, asyncio.get_running_loop())
        except RuntimeError:
            # There is no loop yet: `run` has one.
            return

    async def run(self, job: str, payload: bytes, *, charged_to: str, label: str = "") -> JobResult:
        """What ``job`` returns for ``payload``.

        ``charged_to`` is the user whose content it is: it waits in his line, whoever looks.
        ``label`` says in the log what it was.

        Raises:
            Failure: as the job raised it.
            Busy: too much waits already.
            JobKilled: it was over a limit.
            JobFailed: it raised or crashed, or the jobs cannot be loaded.
        """
        trouble = self._supply.trouble
        if trouble is not None:
            raise JobFailed(trouble.error, trouble.trace)
        self.start()
        # A job has limits of its own; who asks for it, such as a plugin that sends, has none here.
        with waiting():
            return await self._workers.put(job, payload, charged_to, label)

    async def aclose(self) -> None:
        """End all children; jobs that wait or run fail."""
        await self._supply.aclose()
        self._workers.close(ENDING)

    def kill(self) -> None:
        """End all children now, whatever the loop does, from any thread."""
        self._supply.kill()
