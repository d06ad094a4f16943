"""Everything that is kept: one database, one writer, a few readers."""

from dash_messenger.store.drafts import Draft, Sent
from dash_messenger.store.listeners import Listeners
from dash_messenger.store.logs import LogPage, read_log
from dash_messenger.store.read_positions import PendingPositions
from dash_messenger.store.store import Store, StoreLimits
from dash_messenger.store.transaction import Transaction

__all__ = [
    "Draft",
    "Listeners",
    "LogPage",
    "PendingPositions",
    "Sent",
    "Store",
    "StoreLimits",
    "Transaction",
    "read_log",
]
