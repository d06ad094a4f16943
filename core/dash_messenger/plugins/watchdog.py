"""Watches that the event loop turns, and names the plugin whose code holds it.

Owns when a loop counts as held and whose code a thread runs. Must not know how a process is started
anew. It runs on a thread of its own: what holds the loop cannot hold it too, unless it keeps the
interpreter's lock; then a timer of the process's own processor time speaks up.

Invariant: only what the loop's thread did with its time counts. A tick counts for its own length
however late it comes, so that a suspended process is not taken for a held loop; what the thread
waited for a processor is taken off, so that neither is a busy machine.
"""

from __future__ import annotations

import asyncio
import signal
import sys
import threading
import traceback
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from types import FrameType
from typing import Literal

import structlog

__all__ = ["SERVING", "STARTING", "Code", "Limits", "Watch", "Watchdog"]

# Each tick wakes the loop once: 20 us a second. What holds it is named a tick late at most.
TICK_S = 0.25
MAX_FRAMES = 40

log = structlog.get_logger(__name__)


@dataclass(frozen=True, slots=True)
class Limits:
    """How long the loop may be held: until it is named, and until there is no hope."""

    named_after_s: float
    given_up_after_s: float


# While plugins are imported and register, on the loop: seconds on a slow machine are no fault.
STARTING = Limits(10.0, 60.0)
SERVING = Limits(1.0, 10.0)


class Code:
    """Whose code is run: the plugins by the modules that they are loaded from."""

    def __init__(self) -> None:
        self._plugins: dict[str, str] = {}

    def add(self, plugin: str, entry: str) -> None:
        """Note what a plugin is loaded from, such as ``acme_poll.server:Poll``."""
        self._plugins[entry.partition(":")[0]] = plugin

    def of(self, module: str) -> str | None:
        """The plugin that a module belongs to, or None where none or several may claim it.

        That is the plugin whose own module shares the longest beginning with it.
        """
        best, found = 0, set[str]()
        for loaded, plugin in [*self._plugins.items()]:
            shared = _shared(loaded, module)
            if shared > best:
                best, found = shared, {plugin}
            elif shared and shared == best:
                found.add(plugin)
        return found.pop() if len(found) == 1 else None

    def running(self, frame: FrameType | None) -> str | None:
        """The plugin whose code stands innermost in a stack, or None."""
        for each in _outward(frame):
            plugin = self.of(each.f_globals.get("__name__", ""))
            if plugin is not None:
                return plugin
        return None


class Watch:
    """What ticks come to: told what happened during each, it says what is to be done."""

    def __init__(self, limits: Limits = STARTING) -> None:
        self.limits = limits
        self.silent_s = 0.0
        self._named = False

    def tick(self, *, turned: bool, waited_s: float = 0.0) -> Literal["wait", "name", "give up"]:
        """What is to be done after a tick in which the loop ``turned`` or did not.

        ``waited_s`` is how long its thread was ready to run and had no processor.
        """
        if turned:
            self.silent_s, self._named = 0.0, False
            return "wait"
        self.silent_s += TICK_S - waited_s
        if self.silent_s >= self.limits.given_up_after_s:
            return "give up"
        if self.silent_s >= self.limits.named_after_s and not self._named:
            self._named = True
            return "name"
        return "wait"


class Watchdog:
    """Watches the loop of the thread that calls `start`, which is the main thread.

    ``give_up(plugin, seconds)`` is called, on another thread or in a signal's handler, when a
    plugin has held the loop for too long. It does not return, or the loop is watched on.
    """

    def __init__(self, code: Code, give_up: Callable[[str, float], None]) -> None:
        self._code = code
        self._give_up = give_up
        self._watch = Watch()
        self._asked = self._answered = 0
        self._ended = threading.Event()
        self._loop: asyncio.AbstractEventLoop | None = None
        self._watched = 0
        self._schedule = Path()
        self._waited_s = 0.0
        self._thread = threading.Thread(target=self._run, name="watchdog", daemon=True)

    def start(self) -> None:
        """Begin, with the limits of `STARTING`."""
        self._loop = asyncio.get_running_loop()
        self._watched = threading.get_ident()
        self._schedule = Path(f"/proc/self/task/{threading.get_native_id()}/schedstat")
        self._waited_s = self._read_waited_s()
        if hasattr(signal, "SIGPROF"):
            signal.signal(signal.SIGPROF, self._interrupt)
        self._thread.start()

    def limit(self, limits: Limits) -> None:
        """From now on the loop may be held for so long."""
        self._watch.limits = limits

    def close(self) -> None:
        """Watch no more."""
        self._ended.set()
        self._thread.join()
        if hasattr(signal, "SIGPROF"):
            signal.setitimer(signal.ITIMER_PROF, 0)
            signal.signal(signal.SIGPROF, signal.SIG_DFL)

    def _run(self) -> None:
        while not self._ended.wait(TICK_S):
            self._wind()
            try:
                self._tick()
            except RuntimeError:
                # The loop is closed.
                return

    def _tick(self) -> None:
        before, self._waited_s = self._waited_s, self._read_waited_s()
        turned = self._answered == self._asked
        step = self._watch.tick(turned=turned, waited_s=self._waited_s - before)
        if turned:
            assert self._loop is not None
            self._asked += 1
            self._loop.call_soon_threadsafe(self._answer, self._asked)
        elif step != "wait":
            self._look(sys._current_frames().get(self._watched), give_up=step == "give up")

    def _answer(self, number: int) -> None:
        self._answered = number

    def _look(self, frame: FrameType | None, *, give_up: bool) -> None:
        plugin, held_s = self._code.running(frame), round(self._watch.silent_s, 1)
        if not give_up or plugin is None:
            log.error("loop_held", plugin=plugin, held_s=held_s, stack=_drawn(frame))
        if give_up:
            # From the beginning, should it go on.
            self._watch.silent_s = 0.0
            if plugin is not None:
                log.error("loop_given_up", plugin=plugin, held_s=held_s, stack=_drawn(frame))
                self._give_up(plugin, held_s)

    def _wind(self) -> None:
        """Set the timer by which a thread that keeps the interpreter's lock is found out."""
        if hasattr(signal, "SIGPROF"):
            signal.setitimer(signal.ITIMER_PROF, self._watch.limits.given_up_after_s)

    def _interrupt(self, number: int, frame: FrameType | None) -> None:
        """No tick came while the process used so much processor time: the lock was kept.

        Called on the main thread, where regular expressions let signals in; other code that keeps
        the lock has ended before.
        """
        self._watch.silent_s = self._watch.limits.given_up_after_s
        if self._code.running(frame) is not None:
            self._look(frame, give_up=True)
            return
        frames = sys._current_frames()
        plugins = {self._code.running(each) for each in frames.values()} - {None}
        log.error("interpreter_held", plugins=sorted(map(str, plugins)))

    def _read_waited_s(self) -> float:
        """How long the loop's thread has waited for a processor (Documentation/scheduler of Linux,
        sched-stats: the second number); 0 where that is not told."""
        try:
            return int(self._schedule.read_bytes().split()[1]) / 1e9
        except (OSError, IndexError):
            return 0.0


def _shared(one: str, other: str) -> int:
    """How many parts of dotted names are the same, from the beginning."""
    count = 0
    for left, right in zip(one.split("."), other.split("."), strict=False):
        if left != right:
            break
        count += 1
    return count


def _outward(frame: FrameType | None) -> Iterator[FrameType]:
    while frame is not None:
        yield frame
        frame = frame.f_back


def _drawn(frame: FrameType | None) -> str:
    return "".join(traceback.format_stack(frame, MAX_FRAMES)) if frame is not None else ""
