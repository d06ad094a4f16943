"""Jobs: what plugins do periodically.

Owns when they run. Invariant: a job never runs twice at a time, and one that fails comes again: it
works on what people sent, so that its failures quarantine nothing.
"""

from __future__ import annotations

import asyncio

from dash_messenger.isolation.runner import PluginRunner
from dash_messenger.isolation.time_limits import JOB_WITHIN_S
from dash_messenger.plugin_api.context import Job

__all__ = ["Jobs"]

MIN_EVERY_S = 1.0


class Jobs:
    """The jobs of one server."""

    def __init__(self, runner: PluginRunner) -> None:
        self._runner = runner
        self._started = False
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
        if self._started:
            self._begin(plugin, job)

    def remove(self, plugin: str) -> None:
        """Forget a plugin's jobs, and stop them."""
        self._jobs = [(by, job) for by, job in self._jobs if by != plugin]
        for task in self._tasks.pop(plugin, []):
            task.cancel()

    def start(self) -> None:
        """Begin to wait for each."""
        self._started = True
        for plugin, job in self._jobs:
            self._begin(plugin, job)

    def _begin(self, plugin: str, job: Job) -> None:
        task = asyncio.get_running_loop().create_task(self._repeat(plugin, job))
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
            await self._runner.attempt(
                plugin, job.run, doing=f"job {job.name}", within_s=JOB_WITHIN_S
            )
