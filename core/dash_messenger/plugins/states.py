"""What an admin decided about plugins and what went wrong with them, from one start to the next.

Owns ``plugins.json`` in the data folder. Invariant: the file is replaced as a whole, so that a
crash leaves the old one or the new one.
"""

from __future__ import annotations

import os
from collections.abc import Callable
from pathlib import Path

import msgspec
from msgspec import Struct
from msgspec.structs import replace

__all__ = ["PluginState", "States", "StatesUnreadable"]

FILE_NAME = "plugins.json"


class StatesUnreadable(Exception):
    """The file says nothing that can be understood; the sentence names it."""


class PluginState(Struct, frozen=True, omit_defaults=True):
    """What is kept of one plugin: whether it is disabled, and why it was set aside while it ran.

    ``halves`` says the same of what it is to one group of plugins alone, such as its Dash half.
    ``seen`` is why it was set aside since the last start, by group: for whoever asks, no more; the
    next start tries again.
    """

    disabled: bool = False
    quarantined: str = ""
    halves: dict[str, str] = {}
    seen: dict[str, str] = {}


class States:
    """The states by the plugin's name, as the file has them at each moment.

    Raises:
        StatesUnreadable: (every method) the file is not what it should be.
    """

    def __init__(self, data: Path) -> None:
        self._path = data / FILE_NAME

    def of(self, plugin: str) -> PluginState:
        """A plugin's state; of one that nothing is known of, the usual one."""
        return self._read().get(plugin, PluginState())

    @property
    def disabled(self) -> frozenset[str]:
        """The names of those that an admin disabled."""
        return frozenset(name for name, one in self._read().items() if one.disabled)

    @property
    def quarantined(self) -> dict[str, str]:
        """Those that were set aside while they ran, with the reason."""
        return {name: one.quarantined for name, one in self._read().items() if one.quarantined}

    @property
    def quarantined_halves(self) -> dict[str, dict[str, str]]:
        """Those of which only what they are to one group was set aside, by group."""
        found: dict[str, dict[str, str]] = {}
        for name, one in self._read().items():
            for group, reason in one.halves.items():
                found.setdefault(group, {})[name] = reason
        return found

    def disable(self, plugin: str) -> None:
        """Do not load it from the next start on."""
        self._change(plugin, lambda state: replace(state, disabled=True))

    def enable(self, plugin: str) -> None:
        """Load it again from the next start on, whatever went wrong before."""
        self._change(plugin, lambda state: PluginState())

    def quarantine(self, plugin: str, reason: str) -> None:
        """Do not load it until it is enabled again."""
        self._change(plugin, lambda state: replace(state, quarantined=reason))

    def quarantine_half(self, group: str, plugin: str, reason: str) -> None:
        """The same for what it is to one group alone."""
        self._change(plugin, lambda state: replace(state, halves={**state.halves, group: reason}))

    def begin(self) -> None:
        """The server starts: nothing was seen yet."""
        if any(one.seen for one in self._read().values()):
            self._write({name: replace(one, seen={}) for name, one in self._read().items()})

    def see(self, group: str, plugin: str, reason: str) -> None:
        """Note that a plugin, or a half of it, was set aside."""
        self._change(plugin, lambda state: replace(state, seen={**state.seen, group: reason}))

    def forget(self, plugin: str) -> None:
        """Keep nothing of it but whether it is disabled."""
        self._change(plugin, lambda state: PluginState(disabled=state.disabled))

    def _read(self) -> dict[str, PluginState]:
        try:
            return msgspec.json.decode(self._path.read_bytes(), type=dict[str, PluginState])
        except FileNotFoundError:
            return {}
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StatesUnreadable(f"{self._path} cannot be read: {error}") from None

    def _change(self, plugin: str, change: Callable[[PluginState], PluginState]) -> None:
        # Read anew: the server and an admin's command may both have something to say.
        states = self._read()
        states[plugin] = change(states.get(plugin, PluginState()))
        self._write(states)

    def _write(self, states: dict[str, PluginState]) -> None:
        self._path.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        kept = {name: one for name, one in states.items() if one != PluginState()}
        fresh = self._path.with_suffix(".new")
        with fresh.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(kept)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
