"""What of people's privacy is known on the loop: that something changed, and who hides receipts.

Owns both, by the events of people's logs. What is told to many at once cannot ask the database
for each; and what was asked there before a change must not be told after it: whoever reads first
and tells then compares `changes`. Must not know what is told. Invariant: it knows of a change
before the one who made it is answered.
"""

from __future__ import annotations

from sqlalchemy import Connection, select

from dash_messenger.protocol.events import (
    BlockUpdated,
    ContactUpdated,
    Event,
    ExceptionsUpdated,
    MemberRemoved,
    PrivacyUpdated,
)
from dash_messenger.protocol.models import Audience
from dash_messenger.store.tables import privacy_settings

__all__ = ["PrivacyWatch"]

# By what happens people may stop showing something to somebody.
_CHANGES = (PrivacyUpdated, ExceptionsUpdated, BlockUpdated, ContactUpdated, MemberRemoved)
# To all members alike, whoever they are: see `shows_in_groups` in `store/consent`.
_SHOWN_IN_GROUPS = frozenset({"everybody", "known"})


class PrivacyWatch:
    """One for a process. ``receipts`` is the server's default; `load` reads what people chose."""

    def __init__(self, receipts: Audience) -> None:
        self.changes = 0
        self._default = receipts
        self._receipts: dict[str, str] = {}

    def load(self, connection: Connection) -> None:
        """Read who set anything about receipts; before anything is told."""
        rows = connection.execute(
            select(privacy_settings.c.user_id, privacy_settings.c.value).where(
                privacy_settings.c.setting == "receipts"
            )
        )
        self._receipts = {row.user_id: row.value for row in rows}

    def hear(self, events: list[Event]) -> None:
        """Note what was committed."""
        for event in events:
            data = event.data
            if isinstance(data, _CHANGES):
                self.changes += 1
                if isinstance(data, PrivacyUpdated) and isinstance(data.receipts, str):
                    self._receipts[event.log] = data.receipts

    def shows_receipts_in_groups(self, user: str) -> bool:
        """Whether somebody's receipts are told in groups, and others' to them."""
        return self._receipts.get(user, self._default) in _SHOWN_IN_GROUPS
