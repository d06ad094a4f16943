"""What an admin decided about plugins and what went wrong with them, from one start to the next.

Owns ``plugins.json`` in the data folder. Invariants: the file is replaced as a whole, so that a
crash leaves the old one or the new one; what is asked shows every change, also those that are on
their way to the disk.
"""

from __future__ import annotations

import asyncio
import os
from collections.abc import Callable
from concurrent.futures import ThreadPoolExecutor
from pathlib import Path
from typing import TypeAlias

import msgspec
import structlog
from msgspec import Struct
from msgspec.structs import replace

from dash_messenger.clock import Clock, now_ms
from dash_messenger.isolation.terms import Term, next_term

__all__ = ["PluginState", "QuarantineFile", "StatesUnreadable"]

FILE_NAME = "plugins.json"
# In the place of a group: all that a plugin is.
WHOLE = ""

log = structlog.get_logger(__name__)


class StatesUnreadable(Exception):
    """The file says nothing that can be understood; the sentence names it."""


class PluginState(Struct, frozen=True, omit_defaults=True):
    """What is stored of one plugin: whether it is disabled, why it was quarantined while it ran.

    ``halves`` says the same of what it is to one group of plugins alone, such as its Dash half.
    ``terms`` is until when, by group, `WHOLE` for the plugin as a whole; it stays when the
    quarantine has ended, so that the next one can be longer. ``seen`` is why it was quarantined
    since the last start, by group: for whoever asks, no more; the next start tries again.
    """

    disabled: bool = False
    quarantined: str = ""
    halves: dict[str, str] = {}
    seen: dict[str, str] = {}
    terms: dict[str, Term] = {}


# Sets fields of a state to what they are to be, so that doing it twice changes nothing more.
Change: TypeAlias = Callable[[PluginState], PluginState]


class QuarantineFile:
    """The states by the plugin's name, as the file has them at each moment.

    ``in_background``: a change is written by a thread, in order, for a caller that must not wait
    for the disk; `aclose` waits for what is left.

    Raises:
        StatesUnreadable: (every method) the file is not what it should be.
    """

    def __init__(self, data: Path, clock: Clock = now_ms, *, in_background: bool = False) -> None:
        self._path = data / FILE_NAME
        self._clock = clock
        # One thread, so that what was asked for last is written last.
        self._thread = (
            ThreadPoolExecutor(1, thread_name_prefix="plugin-states") if in_background else None
        )
        # What the file does not have yet, the oldest first.
        self._waiting: list[tuple[str, Change]] = []

    def of(self, plugin: str) -> PluginState:
        """A plugin's state; of one that nothing is known of, the usual one."""
        return self._read().get(plugin, PluginState())

    @property
    def disabled(self) -> frozenset[str]:
        """The names of those that an admin disabled."""
        return frozenset(name for name, one in self._read().items() if one.disabled)

    @property
    def quarantined(self) -> dict[str, str]:
        """Those that were quarantined while they ran and still are, with the reason."""
        return {
            name: one.quarantined
            for name, one in self._read().items()
            if one.quarantined and not self._is_over(one, WHOLE)
        }

    @property
    def quarantined_halves(self) -> dict[str, dict[str, str]]:
        """Those of which only what they are to one group is quarantined, by group."""
        found: dict[str, dict[str, str]] = {}
        for name, one in self._read().items():
            for group, reason in one.halves.items():
                if not self._is_over(one, group):
                    found.setdefault(group, {})[name] = reason
        return found

    @property
    def ends_ms(self) -> dict[tuple[str, str], int]:
        """When each quarantine ends that has a term, by group and name."""
        return {
            (group, name): one.terms[group].until_ms
            for name, one in self._read().items()
            for group in (*([WHOLE] if one.quarantined else []), *one.halves)
            if group in one.terms
        }

    def _is_over(self, one: PluginState, group: str) -> bool:
        term = one.terms.get(group)
        return term is not None and term.until_ms <= self._clock()

    def disable(self, plugin: str) -> None:
        """Do not load it from the next start on."""
        self._change(plugin, lambda state: replace(state, disabled=True))

    def enable(self, plugin: str) -> None:
        """Load it again from the next start on, whatever went wrong before."""
        self._change(plugin, lambda state: PluginState())

    def quarantine(self, plugin: str, reason: str) -> int:
        """Do not load it for a while: until when, as the clock counts.

        Longer each time, if it was quarantined a short while ago.
        """
        return self._quarantine(plugin, WHOLE, lambda state: replace(state, quarantined=reason))

    def quarantine_half(self, group: str, plugin: str, reason: str) -> int:
        """The same for what it is to one group alone."""
        return self._quarantine(
            plugin, group, lambda state: replace(state, halves={**state.halves, group: reason})
        )

    def _quarantine(self, plugin: str, group: str, change: Change) -> int:
        term = next_term(self.of(plugin).terms.get(group), self._clock())
        self._change(
            plugin, lambda state: change(replace(state, terms={**state.terms, group: term}))
        )
        return term.until_ms

    def release(self, plugin: str, group: str = WHOLE) -> None:
        """It is in use again; when that was is remembered."""

        def released(state: PluginState) -> PluginState:
            if group == WHOLE:
                return replace(state, quarantined="", seen={})
            return replace(
                state,
                halves={each: why for each, why in state.halves.items() if each != group},
                seen={each: why for each, why in state.seen.items() if each != group},
            )

        self._change(plugin, released)

    def begin(self, *, restarted: bool = False) -> None:
        """The server starts: nothing was seen yet.

        Quarantines end, unless the server ``restarted`` by itself.
        """
        states = self._read()
        fresh = {
            name: replace(one, seen={}) if restarted else PluginState(disabled=one.disabled)
            for name, one in states.items()
        }
        if fresh != states:
            self._write(fresh)

    def see(self, group: str, plugin: str, reason: str) -> None:
        """Note that a plugin, or a half of it, was quarantined."""
        self._change(plugin, lambda state: replace(state, seen={**state.seen, group: reason}))

    def forget(self, plugin: str) -> None:
        """Keep nothing of it but whether it is disabled."""
        self._change(plugin, lambda state: PluginState(disabled=state.disabled))

    async def aclose(self) -> None:
        """Write what is left. Nothing is written in the background afterwards."""
        if self._thread is not None:
            if self._waiting:
                self._thread.submit(self._write_waiting)
            await asyncio.to_thread(self._thread.shutdown)

    def _read(self) -> dict[str, PluginState]:
        # Taken before the file is read: what is written meanwhile is then changed twice, not lost.
        waiting = [*self._waiting]
        return _changed(self._read_file(), waiting)

    def _read_file(self) -> dict[str, PluginState]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, PluginState])
        except FileNotFoundError:
            return {}
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StatesUnreadable(f"{self._path} cannot be read: {error}") from None

    def _change(self, plugin: str, change: Change) -> None:
        # Read again: the server and an admin's command may both have something to say.
        states = self._read()
        if self._thread is None:
            self._write(_changed(states, [(plugin, change)]))
        else:
            self._waiting.append((plugin, change))
            self._thread.submit(self._write_waiting)

    def _write_waiting(self) -> None:
        waiting = [*self._waiting]
        if not waiting:
            return
        try:
            self._write(_changed(self._read_file(), waiting))
        # The root of what the thread does; it is tried again with the next change.
        except Exception:
            log.exception("plugin_states_not_written", path=str(self._path))
        else:
            del self._waiting[: len(waiting)]

    def _write(self, states: dict[str, PluginState]) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = {name: one for name, one in states.items() if one != PluginState()}
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(kept)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)


def _changed(
    states: dict[str, PluginState], changes: list[tuple[str, Change]]
) -> dict[str, PluginState]:
    for plugin, change in changes:
        states[plugin] = change(states.get(plugin, PluginState()))
    return states
