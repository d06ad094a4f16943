"""Draws messages for readers: once per revision and view, never per reader, never on the loop.

Owns the registered views, how long somebody waits for a drawing, and what of it is kept.
Where a view's code runs is `Contents`' affair, but for views that are ``inline``: those are drawn
on a thread here. Invariants: a view that raises, takes too long or draws too much costs its own
messages their drawing (clients show the text) and nobody else anything; nobody waits longer than
`READY_WITHIN_S` for what is drawn in a child.
"""

from __future__ import annotations

import asyncio
import time
from collections import deque
from collections.abc import Callable, Iterable, Sequence
from functools import partial
from typing import Annotated, Any, TypeAlias

import structlog
from msgspec import UNSET, Meta, Raw, UnsetType

from dash_messenger.errors import ANYTHING, Busy, Failure, TimedOut
from dash_messenger.isolation.contents import MAX_INLINE_CPU_S, MAX_TRIED_TWICE_S, Contents
from dash_messenger.isolation.worker_thread import Drawer
from dash_messenger.plugin_api.views import View
from dash_messenger.protocol.commands import Caller
from dash_messenger.protocol.models import Message
from dash_messenger.realtime.delivery import ViewKey
from dash_messenger.realtime.drawing_cache import DrawingCache
from dash_messenger.registry import Registry

__all__ = [
    "MAX_VIEW_BYTES",
    "READY_WITHIN_S",
    "Late",
    "Renderer",
    "TellDrawn",
    "Views",
    "choose_view",
    "late_for",
]

# Four times what 4,000 characters of code take with a tag for each few of them.
MAX_VIEW_BYTES = 131_072
# Then an event or a page goes out with the text; who looks at it hardly notices the change.
READY_WITHIN_S = 0.25
# How long a page's drawings are made: what a reader has not seen by then has been scrolled past.
DRAWN_WITHIN_S = 1.0
# A drawing on the thread that takes longer holds up everybody's: the thread is given up.
ABANDON_AFTER_S = 2.0
# Twice as many as there are children, so that none waits for the loop.
AT_ONCE = 4

log = structlog.get_logger(__name__)

# The views that a client can show, the best first.
Views = Annotated[list[Annotated[str, Meta(max_length=64)]], Meta(max_length=8)]
# Tells a connection of a drawing that was not ready in time.
TellDrawn: TypeAlias = Callable[[Any, Message, str, Raw], None]
# Hears of a drawing that was not ready in time: the message, the view, the drawing.
Late: TypeAlias = Callable[[Message, str, Raw], None]


def choose_view(renderer: Renderer, caller: Caller, wanted: Sequence[str]) -> str | None:
    """The view to draw in: the first of ``wanted`` there is, else what the connection has."""
    if wanted:
        return renderer.choose(wanted)
    return None if caller.connection is None else caller.connection.view


def late_for(caller: Caller, tell_drawn: TellDrawn) -> Late | None:
    """Tells the caller's connection of drawings that are not ready when the answer goes out."""
    return None if caller.connection is None else partial(tell_drawn, caller.connection)


class Renderer:
    """The registered views, with their worker and cache.

    Without ``contents`` everything is drawn on the thread.
    """

    def __init__(
        self,
        contents: Contents | None = None,
        *,
        abandon_after_s: float = ABANDON_AFTER_S,
    ) -> None:
        self._abandon_after_s = abandon_after_s
        self._contents = contents
        self._registry: Registry[View] = Registry("view")
        # By name and language, as clients ask for them.
        self._views: dict[str, tuple[View, str]] = {}
        self._cache = DrawingCache()
        self._drawer: Drawer[_Wish, Raw | UnsetType] = Drawer(
            abandon_after_s=abandon_after_s, abandoned=self._abandoned
        )
        self._faults: deque[tuple[View, str, BaseException, bool]] = deque()
        # Types that took too long on the thread, by the name of the view.
        self._never_inline: set[tuple[str, str]] = set()
        # Where each type is drawn, by view and type, as of a revision of the registered types.
        self._inline: dict[tuple[str, str], bool] = {}
        self._inline_as_of = -1
        self._under_way: dict[ViewKey, asyncio.Task[Raw | UnsetType]] = {}
        self._batches: set[asyncio.Task[None]] = set()
        self.fallbacks = 0

    def add(self, owner: str, view: View) -> None:
        """Register a view for plugin ``owner``.

        Raises:
            TypeError: it is no `View`.
            ValueError: its name is taken.
        """
        if not isinstance(view, View):
            raise TypeError(f"{view!r} is not a View")
        self._registry.add(owner, view.name, view)
        for language in view.languages:
            self._views[f"{view.name}:{language}"] = (view, language)
        self._inline.clear()

    def remove(self, owner: str) -> None:
        """Forget what a plugin registered."""
        for view in self._registry.remove(owner):
            for language in view.languages:
                del self._views[f"{view.name}:{language}"]
        self._inline.clear()

    def choose(self, wanted: Iterable[str]) -> str | None:
        """The first of the wanted views that is registered, or None."""
        return next((view for view in wanted if view in self._views), None)

    def cached(self, message: Message, view: str) -> Raw | UnsetType | None:
        """What was drawn before, UNSET where there is no drawing, None where it must be drawn."""
        return self._cache.get((message.id, message.rev, view))

    def needs_children(self, message: Message, view: str) -> bool:
        """Whether the message has yet to be drawn, and not on the thread."""
        if self._is_inline(message.type, view):
            return False
        return (message.id, message.rev, view) not in self._cache

    def _is_inline(self, type: str, view: str) -> bool:
        """Whether a message of this type is drawn on the thread; found out once."""
        contents = self._contents
        if contents is None:
            return True
        if self._inline_as_of != contents.types.revision:
            self._inline.clear()
            self._inline_as_of = contents.types.revision
        known = self._inline.get((view, type))
        if known is None:
            known = self._inline[view, type] = self._find_inline(contents, type, view)
        return known

    def _find_inline(self, contents: Contents, type: str, view: str) -> bool:
        found = self._views.get(view)
        if found is None:
            return True
        if not contents.is_inline(type) and type in contents.types:
            return False
        return found[0].inline(type) and (found[0].name, type) not in self._never_inline

    async def draw(
        self,
        messages: Sequence[Message],
        views: Iterable[str],
        *,
        late: Late | None = None,
        within_s: float = DRAWN_WITHIN_S,
        ready_within_s: float | None = None,
    ) -> dict[ViewKey, Raw | UnsetType]:
        """Each message in each view; UNSET where readers are to be shown the text.

        What is drawn in children is waited for for `READY_WITHIN_S`, or ``ready_within_s``;
        ``late`` hears of drawings that come later, which are made for ``within_s`` in all.
        """
        drawn: dict[ViewKey, Raw | UnsetType] = {}
        here: list[_Wish] = []
        there: list[_Wish] = []
        cache = self._cache
        for view in views:
            for message in messages:
                key = (message.id, message.rev, view)
                known = cache.get(key)
                if known is not None:
                    drawn[key] = known
                elif self._is_inline(message.type, view):
                    here.append(_Wish(message, key))
                else:
                    there.append(_Wish(message, key))
        if not there:
            if here:
                fresh = await self._draw_here(here)
                if not drawn:
                    return fresh
                drawn.update(fresh)
            return drawn
        batch = _Batch(there, self._begin, late, within_s)
        task = asyncio.get_running_loop().create_task(batch.run())
        self._batches.add(task)
        task.add_done_callback(self._batches.discard)
        if here:
            drawn.update(await self._draw_here(here))
        wait_s = READY_WITHIN_S if ready_within_s is None else ready_within_s
        await asyncio.wait({task}, timeout=wait_s)
        drawn.update(batch.take())
        return drawn

    async def _draw_here(self, missing: Sequence[_Wish]) -> dict[ViewKey, Raw | UnsetType]:
        cache = self._cache
        wishes = await self._drawer.draw(missing, self._draw_one)
        fresh = {wish.key: drawing for wish, drawing in wishes.items()}
        if cache is self._cache:
            cache.remember(fresh)
        self._report()
        return fresh

    def _begin(self, wish: _Wish) -> asyncio.Task[Raw | UnsetType]:
        """The drawing on its way; one for all who wish it."""
        task = self._under_way.get(wish.key)
        if task is None:
            task = asyncio.get_running_loop().create_task(self._draw_there(wish))
            self._under_way[wish.key] = task
            task.add_done_callback(lambda task: self._under_way.pop(wish.key, None))
        return task

    async def _draw_there(self, wish: _Wish) -> Raw | UnsetType:
        """A message's drawing, made in a child."""
        message, cache, contents = wish.message, self._cache, self._contents
        found = self._views.get(wish.key[2])
        if found is None or message.content is None or contents is None:
            return UNSET
        view, language = found

        def failed(error: BaseException) -> None:
            self._fault(view, message.type, error)
            self._report()

        drawing: Raw | UnsetType = UNSET
        try:
            made = await contents.draw(view.name, language, message, failed)
            drawing = self._checked(view, wish, made)
        except (Busy, TimedOut):
            # Another time it may go well.
            self.fallbacks += 1
            return UNSET
        except Failure:
            self.fallbacks += 1
        if cache is self._cache:
            cache.remember({wish.key: drawing})
        return drawing

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
        """A message's drawing, made on the thread."""
        message, name = wish.message, wish.key[2]
        found = self._views.get(name)
        if found is None or message.content is None:
            return UNSET
        view, language = found
        began_s = time.perf_counter()
        try:
            drawing = view.draw(message, language)
            took_s = time.perf_counter() - began_s
            if MAX_INLINE_CPU_S < took_s <= MAX_TRIED_TWICE_S:
                # The second time tells whether it was the message, or whoever held the lock.
                started_s = time.thread_time()
                view.draw(message, language)
                took_s = time.thread_time() - started_s
        # The edge to a stranger's code; its message is shown as text. A runner's place is the loop,
        # where the view's own is told of the failure once all are drawn.
        except ANYTHING as error:
            log.error("view.failed", **self._named(view, wish), exc_info=error)
            self._fault(view, message.type, error)
            return UNSET
        if took_s > MAX_INLINE_CPU_S and self._contents is not None:
            took_ms = round(took_s * 1000)
            log.warning("view_no_longer_inline", **self._named(view, wish), took_ms=took_ms)
            self._never_inline.add((view.name, message.type))
            self._inline.clear()
        return self._checked(view, wish, drawing)

    def _checked(self, view: View, wish: _Wish, drawing: bytes | None) -> Raw | UnsetType:
        """The drawing, unless it is too large: that costs the message alone."""
        if drawing is None:
            return UNSET
        if len(drawing) > MAX_VIEW_BYTES:
            log.warning("view_too_large", **self._named(view, wish), bytes=len(drawing))
            self.fallbacks += 1
            return UNSET
        return Raw(drawing)

    def _abandoned(self, wish: _Wish) -> UnsetType:
        found = self._views.get(wish.key[2])
        if found is None:
            return UNSET
        view, _ = found
        log.error("view_abandoned", **self._named(view, wish))
        self._never_inline.add((view.name, wish.message.type))
        self._inline.clear()
        error = TimeoutError(f"a drawing took more than {self._abandon_after_s} s")
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
        """Draw everything again: somebody who drew is gone."""
        self._cache = DrawingCache()
        self._inline.clear()

    def close(self) -> None:
        """Let the worker end; what is being drawn is not waited for."""
        self._drawer.close()
        for task in (*self._batches, *self._under_way.values()):
            task.cancel()


class _Wish:
    """A message to be drawn in a view."""

    __slots__ = ("key", "message")

    def __init__(self, message: Message, key: ViewKey) -> None:
        self.message = message
        self.key = key


class _Batch:
    """Messages that are drawn in children for the same readers, some at a time."""

    def __init__(
        self,
        wishes: Iterable[_Wish],
        begin: Callable[[_Wish], asyncio.Task[Raw | UnsetType]],
        late: Late | None,
        within_s: float,
    ) -> None:
        self._waiting = deque(wishes)
        self._begin = begin
        self._late = late
        self._ends_s = time.monotonic() + within_s
        self._drawn: dict[ViewKey, Raw | UnsetType] = {wish.key: UNSET for wish in self._waiting}
        self._is_late = False

    async def run(self) -> None:
        """Have them drawn."""
        if len(self._waiting) == 1:
            await self._work()
            return
        async with asyncio.TaskGroup() as group:
            for _ in range(min(AT_ONCE, len(self._waiting))):
                group.create_task(self._work())

    async def _work(self) -> None:
        while self._waiting and time.monotonic() < self._ends_s:
            # The newest first: it is what a reader sees.
            wish = self._waiting.pop()
            drawing = await asyncio.shield(self._begin(wish))
            if not self._is_late:
                self._drawn[wish.key] = drawing
            elif self._late is not None and not isinstance(drawing, UnsetType):
                self._late(wish.message, wish.key[2], drawing)

    def take(self) -> dict[ViewKey, Raw | UnsetType]:
        """What is there by now, the text for the rest; the others come late."""
        self._is_late = True
        if self._late is None:
            # Nobody hears of them; those under way are finished for the next who asks.
            self._waiting.clear()
        return self._drawn
