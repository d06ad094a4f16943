"""The limits of one server that no admin sets."""

from __future__ import annotations

from dataclasses import dataclass, field

from dash_messenger.blobs.quotas import MAX_WAITING_BYTES
from dash_messenger.isolation.time_limits import PREPARE_WITHIN_S
from dash_messenger.plugins.limits import PluginLimits
from dash_messenger.protocol.jsonrpc import MAX_PAGE_BYTES
from dash_messenger.store import StoreLimits

__all__ = ["Limits"]


@dataclass(frozen=True, slots=True)
class Limits:
    """Those of its parts; each is described where its default is."""

    plugins: PluginLimits = field(default_factory=PluginLimits)
    store: StoreLimits = field(default_factory=StoreLimits)
    waiting_bytes: int = MAX_WAITING_BYTES
    prepare_within_s: float = PREPARE_WITHIN_S
    page_bytes: int = MAX_PAGE_BYTES
