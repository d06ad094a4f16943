"""The history checker: what clients did and saw, held against what is stored in the end.

Owns what counts as a fault. Must not know sockets or databases: callers record, then ask.

lost       an acknowledged message is not stored as it was acknowledged, or a reader who followed a
           log to its end did not get something that is stored (of a message's revisions, the last)
duplicate  one name is stored twice or has two answers, or a reader got one event twice
gap        the numbers of a log are not dense, or a frame begins beyond where its reader stands
reorder    a frame goes back, or one sender's messages stand in another order than they were sent
phantom    stored or received, but nobody sent it, or not like this
leak       received by somebody who had been taken out before
"""

from __future__ import annotations

from collections import Counter, defaultdict
from collections.abc import Iterable
from dataclasses import dataclass, field
from typing import Literal

# Several of one message in a row are one to a reader.
REVISIONS = ("message.updated", "message.deleted")

Kind = Literal["lost", "duplicate", "gap", "reorder", "phantom", "leak"]


@dataclass(frozen=True, slots=True)
class Fault:
    """One thing that must not be."""

    kind: Kind
    what: str


@dataclass(frozen=True, slots=True)
class Entry:
    """An event as it is stored or received; of a message also who sent it, its name and text."""

    seq: int
    kind: str
    sender: str = ""
    client_id: str = ""
    text: str = ""

    @property
    def name(self) -> tuple[str, str]:
        """The message it is about."""
        return self.sender, self.client_id


@dataclass(slots=True)
class _Sent:
    conversation: str
    text: str
    place: int
    answers: list[int] = field(default_factory=list)


class History:
    """A record. ``reader`` names one client; a sender is the user's id."""

    def __init__(self) -> None:
        self._sent: dict[tuple[str, str], _Sent] = {}
        self._received: dict[tuple[str, str], list[tuple[int, Entry]]] = defaultdict(list)
        self._skipped: dict[tuple[str, str], list[tuple[int, int]]] = defaultdict(list)
        self._live: dict[tuple[str, int, str], list[tuple[int, int]]] = defaultdict(list)
        self._followed: set[tuple[str, str]] = set()
        self._shut_out: dict[tuple[str, str], int] = {}
        self._stored: dict[str, list[Entry]] = {}

    def sent(self, sender: str, conversation: str, client_id: str, text: str) -> None:
        """A sender begins to send; retries are not recorded again."""
        self._sent[sender, client_id] = _Sent(conversation, text, len(self._sent))

    def answered(self, sender: str, client_id: str, seq: int) -> None:
        """A sender got the answer that the message stands at ``seq``."""
        self._sent[sender, client_id].answers.append(seq)

    def live(self, reader: str, connection: int, log: str, after: int, seq: int) -> None:
        """A frame came over a connection."""
        self._live[reader, connection, log].append((after, seq))

    def received(self, reader: str, log: str, after: int, entry: Entry) -> None:
        """A reader was given ``(after, entry.seq]``, live or by reading up."""
        self._received[reader, log].append((after, entry))

    def resynced(self, reader: str, log: str, after: int, seq: int) -> None:
        """A reader was told that ``(after, seq]`` cannot be had."""
        self._skipped[reader, log].append((after, seq))
        self._received[reader, log].append((after, Entry(seq, "resync")))

    def followed(self, reader: str, log: str) -> None:
        """A reader was given time to reach the log's end."""
        self._followed.add((reader, log))

    def shut_out(self, reader: str, log: str, seq: int) -> None:
        """A reader's removal, the event ``seq``, was acknowledged."""
        self._shut_out[reader, log] = seq

    def stored(self, log: str, entries: Iterable[Entry]) -> None:
        """What the database holds in the end."""
        self._stored[log] = sorted(entries, key=lambda entry: entry.seq)

    def entries(self, log: str) -> list[Entry]:
        """What is stored in a log, by number."""
        return self._stored[log]

    @property
    def acknowledged(self) -> int:
        """How many messages were answered."""
        return sum(bool(sent.answers) for sent in self._sent.values())

    def check(self) -> list[Fault]:
        """Every fault."""
        return [
            *self._check_stored(),
            *self._check_answers(),
            *self._check_order(),
            *self._check_live(),
            *(fault for key in self._received for fault in self._check_reader(*key)),
            *self._check_followers(),
        ]

    def _check_stored(self) -> Iterable[Fault]:
        names: Counter[tuple[str, str]] = Counter()
        for log, entries in self._stored.items():
            for expected, entry in enumerate(entries, 1):
                if entry.seq != expected:
                    yield Fault("gap", f"{log} stores {entry.seq} in place {expected}")
                    break
            for entry in entries:
                if not entry.client_id or entry.kind in REVISIONS:
                    continue
                names[entry.name] += 1
                sent = self._sent.get(entry.name)
                if sent is None or (sent.conversation, sent.text) != (log, entry.text):
                    yield Fault("phantom", f"{log} stores {entry}")
        for name, count in names.items():
            if count > 1:
                yield Fault("duplicate", f"{name} is stored {count} times")

    def _check_answers(self) -> Iterable[Fault]:
        at = {(log, entry.seq): entry for log, entries in self._stored.items() for entry in entries}
        for (sender, client_id), sent in self._sent.items():
            if len(set(sent.answers)) > 1:
                yield Fault("duplicate", f"{client_id} was answered {sent.answers}")
            for seq in set(sent.answers):
                entry = at.get((sent.conversation, seq))
                if entry is None or entry.name != (sender, client_id):
                    yield Fault("lost", f"{client_id}, acknowledged at {seq}: there is {entry}")

    def _check_order(self) -> Iterable[Fault]:
        """One sender's messages to one conversation, each sent after the answer to the last."""
        lasts: dict[tuple[str, str], int] = {}
        for (sender, client_id), sent in sorted(self._sent.items(), key=lambda item: item[1].place):
            if sent.answers:
                key = (sender, sent.conversation)
                if sent.answers[0] <= lasts.get(key, 0):
                    yield Fault("reorder", f"{client_id} stands before what was sent before it")
                lasts[key] = sent.answers[0]

    def _check_live(self) -> Iterable[Fault]:
        for (reader, _, log), frames in self._live.items():
            at = frames[0][0]
            for after, seq in frames:
                if after > at:
                    yield Fault("gap", f"{reader} was sent ({after}, {seq}] of {log} at {at}")
                elif seq <= at:
                    yield Fault("reorder", f"{reader} was sent ({after}, {seq}] of {log} at {at}")
                at = max(at, seq)

    def _check_reader(self, reader: str, log: str) -> Iterable[Fault]:
        received = self._received[reader, log]
        stored = {entry.seq: entry for entry in self._stored.get(log, ())}
        limit = self._shut_out.get((reader, log))
        seen: set[int] = set()
        at = received[0][0]
        for after, entry in received:
            if entry.seq in seen:
                yield Fault("duplicate", f"{reader} got {entry} of {log} twice")
                continue
            if after > at:
                yield Fault("gap", f"{reader} at {at} of {log} got ({after}, {entry.seq}]")
            elif entry.seq <= at:
                yield Fault("reorder", f"{reader} at {at} of {log} got {entry}")
            at = max(at, entry.seq)
            seen.add(entry.seq)
            if entry.kind != "resync" and log in self._stored and stored.get(entry.seq) != entry:
                yield Fault("phantom", f"{reader} got {entry}, stored is {stored.get(entry.seq)}")
            if limit is not None and entry.seq > limit:
                yield Fault("leak", f"{reader} got {entry} of {log} after leaving at {limit}")

    def _check_followers(self) -> Iterable[Fault]:
        for reader, log in self._followed:
            received = self._received.get((reader, log), [])
            seen = {entry.seq for _, entry in received}
            skipped = self._skipped[reader, log]
            begin = received[0][0] if received else 0
            entries = self._stored.get(log, ())
            last = {entry.name: entry.seq for entry in entries if entry.kind in REVISIONS}
            missed = [
                entry.seq
                for entry in entries
                if entry.seq > begin
                and entry.seq not in seen
                and not any(after < entry.seq <= seq for after, seq in skipped)
                and not (entry.kind == "message.updated" and entry.seq < last[entry.name])
            ]
            if missed:
                yield Fault("lost", f"{reader} never got {missed[:5]} of {log}")
