"""Has messages drawn before their events are sent, so that readers get them with their view.

Owns the events that wait for drawings. Must not know how a message is drawn, nor how events are
written. Invariants: the events of a log leave in the order in which they came, drawn or not; a
message is drawn once for each view that somebody reads; what is quick is drawn in one hop for all
logs, and nobody waits for another conversation's slow drawing.
"""

from __future__ import annotations

import asyncio
from collections.abc import Callable, Coroutine, Iterable, Sequence
from functools import partial
from typing import Any, Protocol

import structlog
from msgspec import Raw, UnsetType

from dash_messenger.protocol.events import Event
from dash_messenger.protocol.models import Message
from dash_messenger.realtime.channels import Channels
from dash_messenger.realtime.delivery import Delivery, Drawings, ViewKey

__all__ = ["DrawingQueue", "Draws"]

# A burst of messages may take so long to be drawn; what is older is drawn when somebody looks.
LATE_WITHIN_S = 10.0

log = structlog.get_logger(__name__)


class Draws(Protocol):
    """Draws messages off the loop."""

    def needs_children(self, message: Message, view: str) -> bool:
        """Whether drawing it takes more than the one hop that all logs share."""

    async def draw(
        self,
        messages: Sequence[Message],
        views: Iterable[str],
        *,
        late: Callable[[Message, str, Raw], None] | None = None,
        within_s: float = 1.0,
    ) -> dict[ViewKey, Raw | UnsetType]:
        """Each message in each view; never raises for a single drawing. ``late`` hears of those
        that were not ready in time."""


class DrawingQueue:
    """One for a process; what is drawn goes on to ``delivery``."""

    def __init__(self, renderer: Draws, channels: Channels, delivery: Delivery) -> None:
        self._renderer = renderer
        self._readers_of = channels.readers_of
        self._delivery = delivery
        self._undrawn: list[Event] = []
        # Logs with events that are being drawn or wait for it, and how many.
        self._drawing: dict[str, int] = {}
        self._drawer: asyncio.Task[None] | None = None
        # Logs with something that is drawn in children, each by itself: what waits there.
        self._alone: dict[str, list[Event]] = {}
        self._tasks: set[asyncio.Task[None]] = set()
        # Events taken and not yet handed on.
        self.backlog = 0

    async def aclose(self) -> None:
        """Stop; what was not drawn is not sent."""
        self._undrawn.clear()
        tasks = [*self._tasks]
        for task in tasks:
            task.cancel()
        await asyncio.gather(*tasks, return_exceptions=True)
        self._drawer = None

    def take(self, log_id: str, events: list[Event]) -> bool:
        """Take the next events of a log if they, or earlier ones of it, must be drawn."""
        if log_id not in self._drawing and not self._wants_drawing(log_id, events):
            return False
        self._drawing[log_id] = self._drawing.get(log_id, 0) + len(events)
        self._undrawn += events
        self.backlog += len(events)
        return True

    def run(self) -> None:
        """Begin drawing what waits, if that is not under way."""
        if self._undrawn and self._drawer is None:
            self._drawer = self._start(self._draw())

    def _start(self, work: Coroutine[Any, Any, None]) -> asyncio.Task[None]:
        task = asyncio.get_running_loop().create_task(work)
        self._tasks.add(task)
        task.add_done_callback(self._tasks.discard)
        return task

    def _wants_drawing(self, log_id: str, events: list[Event]) -> bool:
        for event in events:
            if event.data.message is not None:
                readers = self._readers_of(log_id)
                return len(readers) > 1 or bool(readers and None not in readers)
        return False

    async def _draw(self) -> None:
        """Have everything that waits drawn in one hop, until nothing waits.

        Only what is quick is drawn so; a log with something else in it goes its own way.
        """
        try:
            while self._undrawn:
                events, self._undrawn = self._undrawn, []
                by_log: dict[str, list[Event]] = {}
                for event in events:
                    by_log.setdefault(event.log, []).append(event)
                alone = [log for log, some in by_log.items() if self._goes_alone(log, some)]
                for log_id in alone:
                    del by_log[log_id]
                if alone:
                    events = [event for some in by_log.values() for event in some]
                drawn = await self._drawings(events)
                for log_id, some in by_log.items():
                    self._drawing_done(log_id, some, drawn)
                self._delivery.run()
        finally:
            self._drawer = None

    def _drawing_done(self, log_id: str, events: list[Event], drawn: Drawings) -> None:
        self.backlog -= len(events)
        self._drawing[log_id] -= len(events)
        if not self._drawing[log_id]:
            del self._drawing[log_id]
        try:
            self._delivery.enqueue(log_id, events, drawn)
        # A root: one log that cannot be sent must not stop the others.
        except Exception:
            log.exception("announcing_failed", log=log_id)

    def _goes_alone(self, log_id: str, events: list[Event]) -> bool:
        """Whether these events are left to the task of their log."""
        waiting = self._alone.get(log_id)
        if waiting is not None:
            waiting += events
            return True
        needs_children = self._needs_children
        for view in self._readers_of(log_id):
            if view is None:
                continue
            for event in events:
                if event.data.message is not None and needs_children(event.data.message, view):
                    self._alone[log_id] = events
                    self._start(self._draw_alone(log_id))
                    return True
        return False

    def _needs_children(self, message: Message, view: str) -> bool:
        try:
            return self._renderer.needs_children(message, view)
        # Drawing it fails as well, and readers are shown the text.
        except Exception:
            log.exception("drawing_failed", messages=1)
            return False

    async def _draw_alone(self, log_id: str) -> None:
        """Have the events of one log drawn, until nothing waits in it."""
        while events := self._alone[log_id]:
            self._alone[log_id] = []
            drawn = await self._drawings(events, partial(self._delivery.tell_late, log_id))
            self._drawing_done(log_id, events, drawn)
            self._delivery.run()
        del self._alone[log_id]

    async def _drawings(
        self, events: list[Event], late: Callable[[Message, str, Raw], None] | None = None
    ) -> Drawings:
        wanted: dict[str, list[Message]] = {}
        for event in events:
            if event.data.message is not None:
                for view in self._readers_of(event.log):
                    if view is not None:
                        wanted.setdefault(view, []).append(event.data.message)
        if late is not None and wanted:
            # They are of one log, so that all views want the same.
            return await self._ask_for(next(iter(wanted.values())), tuple(wanted), late)
        drawn: Drawings = {}
        for view, messages in wanted.items():
            some = await self._ask_for(messages, (view,))
            drawn = {**drawn, **some} if drawn else some
        return drawn

    async def _ask_for(
        self,
        messages: list[Message],
        views: tuple[str, ...],
        late: Callable[[Message, str, Raw], None] | None = None,
    ) -> Drawings:
        try:
            return await self._renderer.draw(messages, views, late=late, within_s=LATE_WITHIN_S)
        # The root of a task: without drawings readers are shown the text.
        except Exception:
            log.exception("drawing_failed", messages=len(messages))
            return {}
