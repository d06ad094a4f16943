"""Work that goes on after a restart: durable timers, and followers of all logs."""

from dash_messenger.background.follower import Follower
from dash_messenger.background.timers import Timer, Timers, cancel_timer, finish_timer, set_timer

__all__ = ["Follower", "Timer", "Timers", "cancel_timer", "finish_timer", "set_timer"]
