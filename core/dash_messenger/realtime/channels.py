"""Who is connected, and which conversations each of them hears.

Owns the users with a connection and the conversations that they hear, each with the first number
that the user may read there, and finds the connections that hear a log. Must not know what is sent
to them, nor what is hidden from whom (`delivery` does), and asks nothing of the database.
Invariants: what a conversation's readers are is found when needed and good until something changes;
a conversation that nobody hears takes no memory.
"""

from __future__ import annotations

from collections.abc import Iterable, Mapping
from typing import Protocol, TypeAlias

from dash_messenger.errors import CloseCode

__all__ = ["Channel", "Channels", "OnlineUser", "Reader", "Readers"]

# Up to here a tuple is smaller than a set and not slower.
SMALL = 8


class Reader(Protocol):
    """A connection, as the hub needs it. ``view`` counts as it stands at `Hub.subscribe`."""

    user: str
    session: str
    view: str | None

    def write(self, frames: bytes) -> None:
        """Send; never waits."""

    def close(self, code: CloseCode, reason: str = "") -> None:
        """Close; calls `Hub.disconnect`."""


class OnlineUser:
    """A user with at least one connection. Conversations are the user's, not a connection's."""

    __slots__ = ("channels", "id", "readers")

    def __init__(self, user: str) -> None:
        self.id = user
        self.readers: tuple[Reader, ...] = ()
        self.channels: tuple[Channel, ...] = ()


class Channel:
    """A conversation with members who are connected."""

    __slots__ = ("first_numbers", "id", "last_first_number", "members", "readers")

    def __init__(self, conversation: str) -> None:
        self.id = conversation
        self.members: tuple[OnlineUser, ...] | set[OnlineUser] = ()
        # The first message that a member may read, by user, where that is not the first of all;
        # and a number that none of them exceeds: only below it something may have to be hidden.
        self.first_numbers: dict[str, int] = {}
        self.last_first_number = 1
        # Their connections by view, found when needed and good until something changes. Neither
        # the mapping nor its lists are ever changed: a delivery under way goes on with them.
        self.readers: Readers | None = None


Readers: TypeAlias = dict[str | None, list[Reader]]


class Channels:
    """One for a process, by user and by conversation."""

    def __init__(self) -> None:
        self.users: dict[str, OnlineUser] = {}
        self.channels: dict[str, Channel] = {}

    def add(self, connection: Reader) -> None:
        """Take a connection: it hears its user's own log and what its user hears."""
        user = self.users.get(connection.user)
        if user is None:
            user = self.users[connection.user] = OnlineUser(connection.user)
        user.readers = (*user.readers, connection)
        self._forget_readers(user)

    def remove(self, connection: Reader) -> None:
        """Forget a connection that was added."""
        user = self.users[connection.user]
        self._forget_readers(user)
        user.readers = tuple(reader for reader in user.readers if reader is not connection)
        if not user.readers:
            del self.users[user.id]
            for channel in user.channels:
                self._leave(channel, user)

    def subscribe(
        self, user_id: str, conversations: Iterable[str], first_numbers: Mapping[str, int]
    ) -> None:
        """A user hears these conversations too, each from the first message they may read."""
        user = self.users.get(user_id)
        if user is None:
            return
        self._forget_readers(user)
        have = {channel.id for channel in user.channels}
        user.channels += tuple(
            self._join(conversation, user)
            for conversation in dict.fromkeys(conversations)
            if conversation not in have
        )
        for conversation, number in first_numbers.items():
            self.begin_at(conversation, user_id, number)

    def hears(self, user_id: str, conversation: str) -> bool:
        """Whether a user is connected and hears a conversation."""
        online = self.users.get(user_id)
        channel = self.channels.get(conversation)
        return online is not None and channel is not None and online in channel.members

    def admit(self, conversation: str, user_id: str, first_number: int) -> None:
        """A user who is connected hears a conversation from a message on."""
        user = self.users.get(user_id)
        if user is not None:
            if not self.hears(user_id, conversation):
                user.channels += (self._join(conversation, user),)
            self.begin_at(conversation, user_id, first_number)

    def expel(self, conversation: str, user_id: str) -> tuple[Reader, ...]:
        """A user hears a conversation no longer; returns the connections that heard it."""
        user, channel = self.users.get(user_id), self.channels.get(conversation)
        if user is None or channel is None or user not in channel.members:
            return ()
        user.channels = tuple(each for each in user.channels if each is not channel)
        self._leave(channel, user)
        return user.readers

    def readers_of(self, log_id: str) -> Readers:
        """The connections that hear a log, by view."""
        channel = self.channels.get(log_id)
        if channel is None:
            user = self.users.get(log_id)
            return {} if user is None else _by_view((user,))
        if channel.readers is None:
            channel.readers = _by_view(channel.members)
        return channel.readers

    def begin_at(self, conversation: str, user_id: str, first_number: int) -> None:
        """A user may read no message before ``first_number`` from now on, whatever was so far."""
        channel = self.channels.get(conversation)
        if channel is not None and first_number > channel.first_numbers.get(user_id, 1):
            channel.first_numbers[user_id] = first_number
            channel.last_first_number = max(channel.last_first_number, first_number)

    def _join(self, conversation: str, user: OnlineUser) -> Channel:
        channel = self.channels.get(conversation)
        if channel is None:
            channel = self.channels[conversation] = Channel(conversation)
        channel.readers = None
        members = channel.members
        if isinstance(members, set):
            members.add(user)
        elif len(members) < SMALL:
            channel.members = (*members, user)
        else:
            channel.members = {*members, user}
        return channel

    def _leave(self, channel: Channel, user: OnlineUser) -> None:
        channel.readers = None
        channel.first_numbers.pop(user.id, None)
        if not channel.first_numbers:
            channel.last_first_number = 1
        members = channel.members
        if isinstance(members, set):
            members.discard(user)
            if len(members) <= SMALL // 2:
                channel.members = tuple(members)
        else:
            channel.members = tuple(member for member in members if member is not user)
            if not channel.members:
                del self.channels[channel.id]

    def _forget_readers(self, user: OnlineUser) -> None:
        for channel in user.channels:
            channel.readers = None


def _by_view(users: Iterable[OnlineUser]) -> Readers:
    readers: Readers = {}
    for user in users:
        for reader in user.readers:
            readers.setdefault(reader.view, []).append(reader)
    return readers
