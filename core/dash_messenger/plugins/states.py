"""What an admin decided about plugins and what went wrong with them, from one start to the next.

Owns ``plugins.json`` in the data folder. Invariant: the file is replaced as a whole, so that a
crash leaves the old one or the new one.
"""

from __future__ import annotations

import os
from pathlib import Path

import msgspec
from msgspec import Struct

__all__ = ["PluginState", "States", "StatesUnreadable"]

FILE_NAME = "plugins.json"


class StatesUnreadable(Exception):
    """The file says nothing that can be understood; the sentence names it."""


class PluginState(Struct, frozen=True, omit_defaults=True):
    """What is kept of one plugin: whether it is disabled, and why it was set aside while it ran."""

    disabled: bool = False
    quarantined: str = ""


class States:
    """The states by the plugin's name. Reads the file once."""

    def __init__(self, data: Path) -> None:
        """Read what there is.

        Raises:
            StatesUnreadable: the file is not what it should be.
        """
        self._path = data / FILE_NAME
        self._states: dict[str, PluginState] = {}
        try:
            text = self._path.read_bytes()
        except FileNotFoundError:
            return
        try:
            self._states = msgspec.json.decode(text, type=dict[str, PluginState])
        except (msgspec.DecodeError, UnicodeDecodeError) as error:
            raise StatesUnreadable(f"{self._path} cannot be read: {error}") from None

    def of(self, plugin: str) -> PluginState:
        """A plugin's state; of one that nothing is known of, the usual one."""
        return self._states.get(plugin, PluginState())

    @property
    def disabled(self) -> frozenset[str]:
        """The names of those that an admin disabled."""
        return frozenset(name for name, one in self._states.items() if one.disabled)

    @property
    def quarantined(self) -> dict[str, str]:
        """Those that were set aside while they ran, with the reason."""
        return {name: one.quarantined for name, one in self._states.items() if one.quarantined}

    def disable(self, plugin: str) -> None:
        """Do not load it from the next start on."""
        self._keep(plugin, PluginState(disabled=True))

    def enable(self, plugin: str) -> None:
        """Load it again from the next start on, whatever went wrong before."""
        self._keep(plugin, PluginState())

    def quarantine(self, plugin: str, reason: str) -> None:
        """Do not load it until it is enabled again."""
        self._keep(plugin, PluginState(quarantined=reason))

    def _keep(self, plugin: str, state: PluginState) -> None:
        states = {**self._states, plugin: state}
        self._states = {name: one for name, one in states.items() if one != PluginState()}
        fresh = self._path.with_suffix(".new")
        fresh.parent.mkdir(mode=0o700, parents=True, exist_ok=True)
        with fresh.open("wb") as file:
            file.write(msgspec.json.format(msgspec.json.encode(self._states)) + b"\n")
            file.flush()
            os.fsync(file.fileno())
        fresh.replace(self._path)
