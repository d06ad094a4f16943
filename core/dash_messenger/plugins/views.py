"""Draws messages for readers: once per revision and view, never per reader, never on the loop.

Owns the registered views, what a drawing may cost, and the cache of what was drawn. Invariant: a
view that raises, takes too long or draws too much costs its own messages their drawing (clients
show the text) and nobody else anything.
"""

from __future__ import annotations

import time
from collections import OrderedDict, deque
from collections.abc import Callable, Iterable, Sequence
from dataclasses import dataclass

import structlog
from msgspec import UNSET, Raw, UnsetType

from dash_messenger.errors import ANYTHING
from dash_messenger.plugins.drawing import Drawer
from dash_messenger.protocol import Message

__all__ = ["MAX_VIEW_BYTES", "MAX_VIEW_MS", "Renderer", "View", "ViewKey"]

MAX_VIEW_BYTES = 32_768
MAX_VIEW_MS = 50
# A drawing that takes longer holds up everybody's messages: its thread is given up.
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

    ``failed(type, error, grave)`` hears, on the loop, of messages of a type whose drawing raised or
    was over a limit; ``grave``: its thread had to be given up. ``plugin_of(type)`` says whose code
    draws a type, for the log.
    """

    name: str
    languages: tuple[str, ...]
    draw: Callable[[Message, str], bytes | None]
    failed: Callable[[str, BaseException, bool], None] = lambda type, error, grave: None
    plugin_of: Callable[[str], str | None] = lambda type: None


class Renderer:
    """The registered views, with their worker and cache."""

    def __init__(self) -> None:
        self._views: dict[str, tuple[View, str]] = {}
        self._owners: dict[str, str] = {}
        self._cache: OrderedDict[ViewKey, Raw | UnsetType] = OrderedDict()
        self._drawer: Drawer[_Wish, Raw | UnsetType] = Drawer(
            abandon_after_s=ABANDON_AFTER_S, abandoned=self._abandoned
        )
        self._faults: deque[tuple[View, str, BaseException, bool]] = deque()
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
        missing: list[_Wish] = []
        cache = self._cache
        for view in views:
            for message in messages:
                key = (message.id, message.rev, view)
                known = cache.get(key)
                if known is None:
                    missing.append(_Wish(message, key))
                else:
                    drawn[key] = known
        if missing:
            wishes = await self._drawer.draw(missing, self._draw_one)
            fresh = {wish.key: drawing for wish, drawing in wishes.items()}
            self._remember(fresh)
            self._report()
            if not drawn:
                return fresh
            drawn.update(fresh)
        return drawn

    def _report(self) -> None:
        """Say what went wrong since the last time."""
        while self._faults:
            view, type, error, grave = self._faults.popleft()
            try:
                view.failed(type, error, grave)
            # The edge to a stranger's code.
            except ANYTHING:
                log.exception("view_report_failed", view=view.name)

    def _draw_one(self, wish: _Wish) -> Raw | UnsetType:
        message, name = wish.message, wish.key[2]
        found = self._views.get(name)
        if found is None or message.content is None:
            return UNSET
        view, language = found
        started, started_cpu = time.perf_counter(), time.thread_time()
        try:
            drawing = view.draw(message, language)
        # The edge to a stranger's code; its message is shown as text.
        except ANYTHING as error:
            log.error("view.failed", **self._named(view, wish), exc_info=error)
            self._fault(view, message.type, error)
            return UNSET
        if drawing is None:
            return UNSET
        took_ms = (time.perf_counter() - started) * 1000
        worked_ms = (time.thread_time() - started_cpu) * 1000
        if len(drawing) > MAX_VIEW_BYTES or took_ms > MAX_VIEW_MS:
            log.warning(
                "view_over_limit",
                **self._named(view, wish),
                bytes=len(drawing),
                took_ms=round(took_ms),
            )
        if len(drawing) > MAX_VIEW_BYTES or worked_ms > MAX_VIEW_MS:
            limit = f"{len(drawing)} bytes, {round(worked_ms)} ms"
            self._fault(view, message.type, OverflowError(f"a drawing took {limit}"))
            return UNSET
        # On a busy machine anything takes long now and then: what was drawn is good.
        return Raw(drawing)

    def _abandoned(self, wish: _Wish) -> UnsetType:
        found = self._views.get(wish.key[2])
        if found is None:
            return UNSET
        view, _ = found
        log.error("view_abandoned", **self._named(view, wish))
        error = TimeoutError(f"a drawing took more than {ABANDON_AFTER_S} s")
        self._fault(view, wish.message.type, error, grave=True)
        return UNSET

    def _fault(self, view: View, type: str, error: BaseException, *, grave: bool = False) -> None:
        self.fallbacks += 1
        self._faults.append((view, type, error, grave))

    @staticmethod
    def _named(view: View, wish: _Wish) -> dict[str, object]:
        type = wish.message.type
        return {
            "plugin": view.plugin_of(type),
            "type": type,
            "view": wish.key[2],
            "message": wish.message.id,
        }

    def forget_drawn(self) -> None:
        """Draw everything anew: somebody who drew is gone."""
        self._cache = OrderedDict()

    def _remember(self, fresh: dict[ViewKey, Raw | UnsetType]) -> None:
        cache = self._cache
        cache.update(fresh)
        for _ in range(len(cache) - CACHED_VIEWS):
            cache.popitem(last=False)

    def close(self) -> None:
        """Let the worker end; what it is drawing is not waited for."""
        self._drawer.close()


class _Wish:
    """A message to be drawn in a view."""

    __slots__ = ("key", "message")

    def __init__(self, message: Message, key: ViewKey) -> None:
        self.message = message
        self.key = key
