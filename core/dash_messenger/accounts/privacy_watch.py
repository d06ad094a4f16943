"""What of people's privacy is known on the loop: that something changed, and who hides receipts
and that they type.

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
    """One for a process, made of the server's defaults; `load` reads what people chose."""

    def __init__(self, receipts: Audience, typing: Audience = "everybody") -> None:
        self.changes = 0
        self._defaults: dict[str, str] = {"receipts": receipts, "typing": typing}
        self._chosen: dict[str, dict[str, str]] = {setting: {} for setting in self._defaults}

    def load(self, connection: Connection) -> None:
        """Read who set anything about these; before anything is told."""
        rows = connection.execute(
            select(
                privacy_settings.c.setting, privacy_settings.c.user_id, privacy_settings.c.value
            ).where(privacy_settings.c.setting.in_(self._defaults))
        )
        for setting, user, value in rows:
            self._chosen[setting][user] = value

    def hear(self, events: list[Event]) -> None:
        """Note what was committed."""
        for event in events:
            data = event.data
            if isinstance(data, _CHANGES):
                self.changes += 1
                if isinstance(data, PrivacyUpdated):
                    for setting, chosen in self._chosen.items():
                        value = getattr(data, setting)
                        if isinstance(value, str):
                            chosen[event.log] = value

    def shows_receipts_in_groups(self, user: str) -> bool:
        """Whether somebody's receipts are told in groups, and others' to them."""
        return self._shows("receipts", user)

    def shows_typing_in_groups(self, user: str) -> bool:
        """Whether groups are told that somebody types."""
        return self._shows("typing", user)

    def _shows(self, setting: str, user: str) -> bool:
        return self._chosen[setting].get(user, self._defaults[setting]) in _SHOWN_IN_GROUPS
