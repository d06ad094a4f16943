"""The limits on plugins that one server can be given: how long it waits, how much may wait."""

from __future__ import annotations

from dataclasses import dataclass

from dash_messenger.isolation.quotas import MAX_TASKS
from dash_messenger.isolation.quotas import MAX_WAITING as MAX_TURNS_WAITING
from dash_messenger.isolation.time_limits import (
    AVATAR_WITHIN_S,
    CHECK_WITHIN_S,
    ON_WITHIN_S,
    SLASH_WITHIN_S,
)
from dash_messenger.plugins.hooks import MAX_WAITING

__all__ = ["PluginLimits"]


@dataclass(frozen=True, slots=True)
class PluginLimits:
    """Each is described where its default is: the times in `isolation/time_limits`."""

    check_within_s: float = CHECK_WITHIN_S
    on_within_s: float = ON_WITHIN_S
    slash_within_s: float = SLASH_WITHIN_S
    avatar_within_s: float = AVATAR_WITHIN_S
    hooks_waiting: int = MAX_WAITING
    turns_waiting: int = MAX_TURNS_WAITING
    tasks: int = MAX_TASKS
