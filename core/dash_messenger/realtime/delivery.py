"""The way of events to those who hear their logs: encoded once, written in slices.

Owns what waits to be written and whose turn it is. Must not know who is a member, nor how messages
are drawn. Invariants: the events of a log reach each connection in order; an event is encoded once
for each view and class of readers, never for each reader; who joined hears nothing from before;
messages from before somebody's time are hidden from them; the loop is given back at least every
`SLICE_S`, or `CROWDED_FACTOR` times that while many conversations wait.
"""

from __future__ import annotations

import asyncio
import time
from bisect import bisect_left
from collections import deque
from collections.abc import Mapping
from typing import TypeAlias

import structlog
from msgspec import UNSET, Raw, Struct, UnsetType

from dash_messenger.protocol.events import Event, encode_event, hide, is_hidden, number_in
from dash_messenger.protocol.frames import text_frame
from dash_messenger.protocol.jsonrpc import encode_notification
from dash_messenger.protocol.models import Message
from dash_messenger.realtime.channels import Channels, Reader

__all__ = ["SLICE_S", "WRITES_A_SLICE", "Delivery", "Drawings", "ViewKey", "drawn_frame"]

SLICE_S = 0.005
# A write costs 1 µs here and 5 µs in the kernel after the slice, where no clock of ours sees it.
WRITES_A_SLICE = 600
# With so many conversations waiting, a slice is `CROWDED_FACTOR` times as long: else a loop that
# reads a thousand requests in each turn would take in more than it sends.
CROWDED = 200
CROWDED_FACTOR = 4
# What one conversation may write before another gets its turn.
WRITES_A_TURN = 100
log = structlog.get_logger(__name__)

ViewKey: TypeAlias = tuple[str, int, str]
Drawings: TypeAlias = Mapping[ViewKey, Raw | UnsetType]


class Drawn(Struct, frozen=True):
    """Parameters of ``message.drawn``: how a message looks that was sent without its view."""

    conversation: str
    message: str
    rev: int
    view: Raw


class Delivery:
    """One for a process; it writes for ``slice_s`` at a time."""

    def __init__(self, channels: Channels, slice_s: float = SLICE_S) -> None:
        self._slice_s = slice_s
        self._channels = channels.channels
        self._readers_of = channels.readers_of
        # By conversation: who joined at which seq, until that event is on its way.
        self._joined: dict[str, dict[str, int]] = {}
        self._lanes: dict[str, _Lane] = {}
        self._turns: deque[_Lane] = deque()
        self._running = False
        # Events taken and not yet encoded.
        self.backlog = 0

    def close(self) -> None:
        """Forget what waits: it is read from the logs later."""
        self._turns.clear()
        self._lanes.clear()

    def joined(self, log_id: str, user_id: str, seq: int) -> None:
        """Until this event is sent, earlier ones may wait that are not for the new member."""
        self._joined.setdefault(log_id, {})[user_id] = seq

    def removed(self, log_id: str, readers: tuple[Reader, ...]) -> None:
        """Write nothing more of a log to these, not even what is being written."""
        lane = self._lanes.get(log_id)
        if lane is not None:
            lane.removed.update(readers)

    def enqueue(self, log_id: str, events: list[Event], drawn: Drawings) -> None:
        """Take events of one log; they go when `run` is called."""
        lane = self._lanes.get(log_id)
        under_way = lane is not None
        if lane is None:
            lane = _Lane(log_id)
        lane.next.extend(events)
        if drawn:
            # All that was drawn in one hop, shared by its lanes: a copy for each would be a square.
            lane.drawn = {**lane.drawn, **drawn} if lane.drawn else drawn
        self.backlog += len(events)
        # Under way: what comes meanwhile goes together in the next write.
        if not under_way and self._load(lane):
            self._lanes[log_id] = lane
            self._turns.append(lane)

    def tell_late(self, log_id: str, message: Message, view: str, drawing: Raw) -> None:
        """Send a drawing that was not ready when its event went out, after that event."""
        frame = drawn_frame(message, drawing)
        lane = self._lanes.get(log_id)
        under_way = lane is not None
        if lane is None:
            lane = _Lane(log_id)
        lane.late.append((view, message.number, frame))
        if not under_way and self._load(lane):
            self._lanes[log_id] = lane
            self._turns.append(lane)
            self.run()

    def run(self) -> None:
        """Begin writing what waits, if that is not under way."""
        if not self._running and self._turns:
            self._running = True
            self._slice()

    def _slice(self) -> None:
        """Write for a while, each lane in its turn, then give the loop back."""
        turns = self._turns
        factor = CROWDED_FACTOR if len(turns) > CROWDED else 1
        ends = time.perf_counter() + self._slice_s * factor
        budget = WRITES_A_SLICE * factor
        while turns and budget > 0 and time.perf_counter() < ends:
            lane = turns.popleft()
            try:
                # A single lane need not stop for others.
                budget -= lane.write(min(budget, WRITES_A_TURN) if turns else budget)
                goes_on = lane.part < len(lane.parts) or (
                    bool(lane.next or lane.late) and self._load(lane)
                )
            # A root: one log that cannot be sent must not stop the others.
            except Exception:
                log.exception("announcing_failed", log=lane.log)
                goes_on = False
            if goes_on:
                turns.append(lane)
            else:
                self._lanes.pop(lane.log, None)
        if turns:
            asyncio.get_running_loop().call_soon(self._slice)
        else:
            self._running = False

    def _load(self, lane: _Lane) -> bool:
        """Encode what waits in a lane for those who hear it now; False if nobody does."""
        events, drawn, late = lane.next, lane.drawn, lane.late
        lane.next, lane.drawn, lane.late, lane.removed = [], {}, [], set()
        lane.parts, lane.part, lane.at = [], 0, 0
        if events:
            self._load_events(lane, events, drawn)
        channel = self._channels.get(lane.log)
        for view, number, frame in late:
            readers = self._readers_of(lane.log).get(view, [])
            if channel is not None and is_hidden(number, channel.last_first_number):
                first_numbers = channel.first_numbers.items()
                kept_from = {user for user, first in first_numbers if is_hidden(number, first)}
                readers = [one for one in readers if one.user not in kept_from]
            if readers:
                lane.parts.append((frame, readers))
        return bool(lane.parts)

    def _load_events(self, lane: _Lane, events: list[Event], drawn: Drawings) -> None:
        self.backlog -= len(events)
        joined = self._joined.get(lane.log)
        hidden = self._hidden_in(lane.log, events)
        for view, all_readers in self._readers_of(lane.log).items():
            frames = [_encode(event, view, drawn) for event in events]
            classes = [(frames, all_readers)]
            if hidden is not None:
                classes = hidden.classes(frames, all_readers)
            for heard_by_all, readers in classes:
                if joined:
                    old = [reader for reader in readers if reader.user not in joined]
                    lane.parts += [
                        (b"".join(heard), [reader])
                        for reader in readers
                        if reader.user in joined
                        and (heard := _since(joined[reader.user], events, heard_by_all))
                    ]
                    readers = old
                if readers:
                    lane.parts.append((b"".join(heard_by_all), readers))
        if joined:
            last = events[-1].seq
            for user in [user for user, since in joined.items() if since <= last]:
                del joined[user]
            if not joined:
                del self._joined[lane.log]

    def _hidden_in(self, log_id: str, events: list[Event]) -> _Hidden | None:
        """The events that tell of messages from before somebody's time, or None."""
        channel = self._channels.get(log_id)
        if channel is None or channel.last_first_number == 1:
            return None
        numbers = [number_in(event) for event in events]
        oldest = min((number for number in numbers if number is not None), default=None)
        if not is_hidden(oldest, channel.last_first_number):
            return None
        # Whoever had the largest may have left.
        channel.last_first_number = max(channel.first_numbers.values())
        if not is_hidden(oldest, channel.last_first_number):
            return None
        return _Hidden(events, numbers, channel.first_numbers)


class _Hidden:
    """Events of one log of which some readers must learn no more than that they happened."""

    def __init__(
        self, events: list[Event], numbers: list[int | None], first_numbers: Mapping[str, int]
    ) -> None:
        self._numbers = numbers
        self._first_numbers = first_numbers
        self._frames = [text_frame(encode_event(hide(event))) for event in events]
        # Readers whose time begins between the same two of these numbers see the same.
        self._bounds = sorted({number for number in numbers if number is not None})

    def classes(
        self, frames: list[bytes], readers: list[Reader]
    ) -> list[tuple[list[bytes], list[Reader]]]:
        """The readers by what they may see, with the frames for each class."""
        by_class: dict[int, list[Reader]] = {}
        first_numbers = self._first_numbers
        for reader in readers:
            first_number = first_numbers.get(reader.user, 1)
            by_class.setdefault(bisect_left(self._bounds, first_number), []).append(reader)
        # What is hidden from one of a class is hidden from all of it.
        return [
            (self._seen(frames, first_numbers.get(some[0].user, 1)), some)
            for some in by_class.values()
        ]

    def _seen(self, frames: list[bytes], first_number: int) -> list[bytes]:
        return [
            hidden if is_hidden(number, first_number) else frame
            for frame, number, hidden in zip(frames, self._numbers, self._frames, strict=True)
        ]


class _Lane:
    """The events of one log on their way: what is being written, and what comes after it."""

    __slots__ = ("at", "drawn", "late", "log", "next", "part", "parts", "removed")

    def __init__(self, log_id: str) -> None:
        self.log = log_id
        self.next: list[Event] = []
        self.drawn: Drawings = {}
        # Drawings of what went before: the view, the message's number, the frame.
        self.late: list[tuple[str, int, bytes]] = []
        self.parts: list[tuple[bytes, list[Reader]]] = []
        self.part = 0
        self.at = 0
        # Connections that must hear nothing of what is being written any more.
        self.removed: set[Reader] = set()

    def write(self, limit: int) -> int:
        """Write to at most ``limit`` connections; returns to how many."""
        frames, readers = self.parts[self.part]
        some = readers[self.at : self.at + limit]
        if self.removed:
            some = [reader for reader in some if reader not in self.removed]
        for reader in some:
            reader.write(frames)
        self.at += limit
        if self.at >= len(readers):
            self.part += 1
            self.at = 0
        return max(len(some), 1)


def drawn_frame(message: Message, drawing: Raw) -> bytes:
    """``message.drawn``: how a message looks that was sent without its view."""
    params = Drawn(message.conversation, message.id, message.rev, drawing)
    return text_frame(encode_notification("message.drawn", params))


def _encode(event: Event, view: str | None, drawn: Drawings) -> bytes:
    message = event.data.message
    if message is None or view is None:
        return text_frame(encode_event(event))
    return text_frame(encode_event(event, drawn.get((message.id, message.rev, view), UNSET)))


def _since(seq: int, events: list[Event], frames: list[bytes]) -> list[bytes]:
    return [frame for event, frame in zip(events, frames, strict=True) if event.seq >= seq]
