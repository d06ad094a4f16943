"""How long one server waits for its plugins, and how much of theirs may wait."""

from __future__ import annotations

from dataclasses import dataclass

from dash_messenger.accounts.avatar_maker import MAKE_WITHIN_S
from dash_messenger.isolation.quotas import MAX_TASKS
from dash_messenger.isolation.quotas import MAX_WAITING as MAX_TURNS_WAITING
from dash_messenger.isolation.runner import CHECK_WITHIN_S
from dash_messenger.plugins.hooks import MAX_WAITING, ON_WITHIN_S
from dash_messenger.plugins.slash_commands import RUN_WITHIN_S

__all__ = ["PluginLimits"]


@dataclass(frozen=True, slots=True)
class PluginLimits:
    """Each is described where its default is."""

    check_within_s: float = CHECK_WITHIN_S
    on_within_s: float = ON_WITHIN_S
    slash_within_s: float = RUN_WITHIN_S
    avatar_within_s: float = MAKE_WITHIN_S
    hooks_waiting: int = MAX_WAITING
    turns_waiting: int = MAX_TURNS_WAITING
    tasks: int = MAX_TASKS
