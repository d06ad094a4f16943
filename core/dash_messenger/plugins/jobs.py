"""Jobs: what plugins do now and then.

Owns when they run. Invariant: a job never runs twice at a time, and one that fails comes again.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable

import structlog

from dash_messenger.errors import ANYTHING
from dash_messenger.plugins.context import Job

__all__ = ["Jobs"]

RUN_WITHIN_S = 600.0
MIN_EVERY_S = 1.0

log = structlog.get_logger(__name__)


class Jobs:
    """The jobs of one server. ``failed(plugin, error)`` hears of each that fails."""

    def __init__(
        self, failed: Callable[[str, BaseException], None] = lambda plugin, error: None
    ) -> None:
        self._failed = failed
        self._jobs: list[tuple[str, Job]] = []
        self._tasks: dict[str, list[asyncio.Task[None]]] = {}

    def add(self, plugin: str, job: Job) -> None:
        """Register a job.

        Raises:
            TypeError: it is none.
            ValueError: it would come more than once a second.
        """
        if not isinstance(job, Job):
            raise TypeError(f"{job!r} is not a Job")
        if job.every_s < MIN_EVERY_S:
            raise ValueError(f"job {job.name} would come every {job.every_s} s")
        self._jobs.append((plugin, job))

    def remove(self, plugin: str) -> None:
        """Forget a plugin's jobs, and stop them."""
        self._jobs = [(by, job) for by, job in self._jobs if by != plugin]
        for task in self._tasks.pop(plugin, []):
            task.cancel()

    def start(self) -> None:
        """Begin to wait for each."""
        loop = asyncio.get_running_loop()
        for plugin, job in self._jobs:
            task = loop.create_task(self._repeat(plugin, job))
            self._tasks.setdefault(plugin, []).append(task)

    async def aclose(self) -> None:
        """Stop them all."""
        tasks = [task for some in self._tasks.values() for task in some]
        self._tasks.clear()
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)

    async def _repeat(self, plugin: str, job: Job) -> None:
        while True:
            await asyncio.sleep(job.every_s)
            try:
                async with asyncio.timeout(RUN_WITHIN_S):
                    await job.run()
            # The edge to a stranger's code, and the root of a task.
            except ANYTHING as error:
                log.error("job_failed", plugin=plugin, job=job.name, exc_info=error)
                self._failed(plugin, error)
