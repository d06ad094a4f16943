"""Draws messages for readers: once per revision and view, never per reader, never on the loop.

Owns the worker that calls plugins' drawing code and the cache of what it drew. Invariant: a view
that raises, takes too long or draws too much costs its own messages their drawing (clients show
the text) and nobody else anything.
"""

from __future__ import annotations

import asyncio
import time
from collections import OrderedDict
from collections.abc import Callable, Iterable, Sequence
from concurrent.futures import ThreadPoolExecutor
from dataclasses import dataclass

import structlog
from msgspec import UNSET, Raw, UnsetType

from dash_messenger.protocol import Message

__all__ = ["MAX_VIEW_BYTES", "MAX_VIEW_MS", "Renderer", "View", "ViewKey"]

MAX_VIEW_BYTES = 32_768
MAX_VIEW_MS = 50
# A batch of drawings that takes longer holds up everybody's messages: give its thread up.
ABANDON_AFTER_S = 2.0
CACHED_VIEWS = 4_096

log = structlog.get_logger(__name__)

ViewKey = tuple[str, int, str]


@dataclass(frozen=True, slots=True)
class View:
    """A way to draw messages, as one client family understands it.

    ``name`` is what clients ask for before the colon of ``dash:en``; ``languages`` are the parts
    after it. ``draw(message, language)`` returns JSON bytes, or None where it has no drawing for
    that type. It runs in a worker thread, one call at a time.
    """

    name: str
    languages: tuple[str, ...]
    draw: Callable[[Message, str], bytes | None]


class Renderer:
    """The registered views, with their worker and cache."""

    def __init__(self) -> None:
        self._views: dict[str, tuple[View, str]] = {}
        self._owners: dict[str, str] = {}
        self._cache: OrderedDict[ViewKey, Raw | UnsetType] = OrderedDict()
        self._worker = _new_worker()
        self.fallbacks = 0

    def add(self, owner: str, view: View) -> None:
        """Register a view for plugin ``owner``.

        Raises:
            TypeError: it is no `View`.
            ValueError: its name is taken.
        """
        if not isinstance(view, View):
            raise TypeError(f"{view!r} is not a View")
        if view.name in self._owners:
            raise ValueError(f"view {view.name} is registered twice")
        self._owners[view.name] = owner
        for language in view.languages:
            self._views[f"{view.name}:{language}"] = (view, language)

    def remove(self, owner: str) -> None:
        """Forget what a plugin registered."""
        for name in [name for name, by in self._owners.items() if by == owner]:
            del self._owners[name]
            for key in [key for key in self._views if key.partition(":")[0] == name]:
                del self._views[key]

    def choose(self, wanted: Iterable[str]) -> str | None:
        """The first of the wanted views that is registered, or None."""
        return next((view for view in wanted if view in self._views), None)

    def cached(self, message: Message, view: str) -> Raw | UnsetType | None:
        """What was drawn before, UNSET where there is no drawing, None where it must be drawn."""
        return self._cache.get((message.id, message.rev, view))

    async def draw(
        self, messages: Sequence[Message], views: Iterable[str]
    ) -> dict[ViewKey, Raw | UnsetType]:
        """Each message in each view; UNSET where readers are to be shown the text."""
        drawn: dict[ViewKey, Raw | UnsetType] = {}
        missing: list[tuple[Message, ViewKey]] = []
        cache = self._cache
        for view in views:
            for message in messages:
                key = (message.id, message.rev, view)
                known = cache.get(key)
                if known is None:
                    missing.append((message, key))
                else:
                    drawn[key] = known
        if missing:
            fresh = await self._draw_missing(missing)
            self._remember(fresh)
            if not drawn:
                return fresh
            drawn.update(fresh)
        return drawn

    async def _draw_missing(
        self, missing: list[tuple[Message, ViewKey]]
    ) -> dict[ViewKey, Raw | UnsetType]:
        results: dict[ViewKey, Raw | UnsetType] = {}
        loop = asyncio.get_running_loop()
        work = loop.run_in_executor(self._worker, self._draw_all, missing, results)
        done, _ = await asyncio.wait({work}, timeout=ABANDON_AFTER_S)
        if not done:
            # The thread cannot be stopped; it is left behind and a new one takes over.
            slow = next(message for message, key in missing if key not in results)
            log.error("view_abandoned", type=slow.type, message=slow.id)
            self._worker.shutdown(wait=False, cancel_futures=True)
            self._worker = _new_worker()
            self.fallbacks += 1
            return {key: results.get(key, UNSET) for _, key in missing}
        work.result()
        return results

    def _draw_all(
        self,
        missing: list[tuple[Message, ViewKey]],
        results: dict[ViewKey, Raw | UnsetType],
    ) -> None:
        for message, key in missing:
            results[key] = self._draw_one(message, key[2])

    def _draw_one(self, message: Message, name: str) -> Raw | UnsetType:
        found = self._views.get(name)
        if found is None or message.content is None:
            return UNSET
        view, language = found
        started = time.perf_counter()
        try:
            drawing = view.draw(message, language)
        # The edge to a stranger's code; its message is shown as text.
        except Exception:
            log.exception("view_failed", type=message.type, view=name, message=message.id)
            self.fallbacks += 1
            return UNSET
        took_ms = (time.perf_counter() - started) * 1000
        if drawing is None:
            return UNSET
        if len(drawing) > MAX_VIEW_BYTES or took_ms > MAX_VIEW_MS:
            log.warning(
                "view_over_limit",
                type=message.type,
                view=name,
                bytes=len(drawing),
                took_ms=round(took_ms),
            )
            self.fallbacks += 1
            return UNSET
        return Raw(drawing)

    def _remember(self, fresh: dict[ViewKey, Raw | UnsetType]) -> None:
        cache = self._cache
        cache.update(fresh)
        for _ in range(len(cache) - CACHED_VIEWS):
            cache.popitem(last=False)

    def close(self) -> None:
        """Let the worker end; what it is drawing is not waited for."""
        self._worker.shutdown(wait=False, cancel_futures=True)


def _new_worker() -> ThreadPoolExecutor:
    return ThreadPoolExecutor(max_workers=1, thread_name_prefix="views")
