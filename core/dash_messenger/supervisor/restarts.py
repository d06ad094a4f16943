"""How soon a server is started again, and which plugin has brought it down too often.

Owns the counting. Must not know how a server is started, nor how a plugin is quarantined.
"""

from __future__ import annotations

import json
from typing import NamedTuple

__all__ = ["Restart", "Restarts"]

# A plugin that is required is restarted with; one that does it so often is not any more.
MAX_BY_PLUGIN = 3
WITHIN_S = 600.0
# A server that lived so long may die once without anybody waiting longer than for its start.
LONG_LIFE_S = 10.0
# Short lives in a row without a pause: kills come in bursts, and people wait. After these the pause
# doubles from the first to the longest.
FREE = 3
FIRST_PAUSE_S = 0.5
LONGEST_PAUSE_S = 10.0


class Restart(NamedTuple):
    """Why a server was started again: for the new one, which decides what becomes of the plugin.

    ``given_up`` are the plugins that brought it down too often: required or not, it serves without.
    """

    reason: str
    plugin: str = ""
    given_up: tuple[str, ...] = ()

    def encode(self) -> str:
        """As text."""
        return json.dumps(self)

    @classmethod
    def decode(cls, text: str) -> Restart:
        """What `encode` made a text of."""
        reason, plugin, given_up = json.loads(text)
        return cls(reason, plugin, tuple(given_up))


class Restarts:
    """The restarts of one parent process so far."""

    def __init__(self) -> None:
        self._by_plugin: dict[str, list[float]] = {}
        self._short_lives = 0
        self._given_up: list[str] = []

    def count(self, plugin: str, reason: str, now_s: float) -> Restart:
        """Note that a plugin brought the server down, if it was one, and why."""
        if plugin and self._too_often(plugin, now_s) and plugin not in self._given_up:
            self._given_up.append(plugin)
        return Restart(reason, plugin, (*self._given_up,))

    def _too_often(self, plugin: str, now_s: float) -> bool:
        times = [at_s for at_s in self._by_plugin.get(plugin, ()) if now_s - at_s < WITHIN_S]
        times.append(now_s)
        self._by_plugin[plugin] = times
        return len(times) >= MAX_BY_PLUGIN

    def pause_s(self, served_s: float) -> float:
        """How long to wait before the next start, after a server that served so long."""
        if served_s >= LONG_LIFE_S:
            self._short_lives = 0
            return 0.0
        self._short_lives += 1
        if self._short_lives <= FREE:
            return 0.0
        return min(LONGEST_PAUSE_S, FIRST_PAUSE_S * 2.0 ** (self._short_lives - FREE - 1))
