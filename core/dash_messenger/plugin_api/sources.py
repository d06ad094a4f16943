"""Where plugins are found, for plugins that load plugins of their own."""

from __future__ import annotations

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path
from typing import Protocol

from dash_messenger.activity import Activity

__all__ = ["PluginGroup", "Sources"]


@dataclass(frozen=True, slots=True)
class Sources:
    """Where plugins are found and which of them are left alone.

    ``without`` are names that are as good as not installed; ``disabled`` and ``quarantined`` (with
    the reason) are listed and not loaded. ``folder`` holds plugins of a single file each:
    ``dice.py`` is the server half of plugin ``dice``, ``dice_ui.py`` its Dash half.
    ``quarantined_halves`` are those of one group alone, by group and name.

    ``draws_only``: in a child process, where messages are drawn and nothing else is wanted.

    ``loading(name, module)`` hears of each plugin just before it is imported;
    ``see(group, name, reason)`` of each that is quarantined; ``keep(group, name, reason)`` of each
    that is so for a while, and says until when. Those that are ``required`` never are while the
    server runs. ``activity`` is told whose code runs.
    """

    without: frozenset[str] = frozenset()
    disabled: frozenset[str] = frozenset()
    quarantined: Mapping[str, str] = field(default_factory=dict)
    folder: Path | None = None
    quarantined_halves: Mapping[str, Mapping[str, str]] = field(default_factory=dict)
    required: frozenset[str] = frozenset()
    draws_only: bool = False
    loading: Callable[[str, str], None] = lambda name, module: None
    see: Callable[[str, str, str], None] = lambda group, name, reason: None
    keep: Callable[[str, str, str], int | None] = lambda group, name, reason: None
    activity: Activity | None = None


class PluginGroup(Protocol):
    """Plugins that were loaded: `dash_messenger.Plugins`."""

    @property
    def group(self) -> str:
        """The group of their entry points."""
