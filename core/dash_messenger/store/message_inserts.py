"""The hot path: which drafts become messages, and with which numbers.

Owns who is known, who may, and the numbers. Must not know a statement, futures or threads.
Invariant: within a conversation, seq and number are given in the order of the drafts, without gaps.
"""

from __future__ import annotations

import os
from collections.abc import Sequence

from msgspec import UNSET, Raw

from dash_messenger.errors import Conflict, Failure, NotFound
from dash_messenger.protocol.events import Event, MessageCreated
from dash_messenger.protocol.models import Message, Reply
from dash_messenger.store.backend import MAX_ROWS, MessageRows
from dash_messenger.store.blob_references import check_usable, refer_message
from dash_messenger.store.drafts import Draft, NewMessage, Sent

__all__ = ["Sends"]


class Sends:
    """Stores drafts inside the transaction that has begun."""

    def __init__(self) -> None:
        self._last_stamp = 0

    def store(
        self,
        rows: MessageRows,
        drafts: Sequence[tuple[Draft, bytes]],
        now_ms: int,
        change_no: int,
    ) -> tuple[list[Sent | Failure], list[Event]]:
        """For each (draft, hash of its parameters) where it stands or why not; the new events."""
        results: list[Sent | Failure] = []
        announced: list[Event] = []
        for start in range(0, len(drafts), MAX_ROWS):
            some = drafts[start : start + MAX_ROWS]
            new = self._place(rows, some, now_ms, results, announced)
            if new:
                rows.insert(new)
                rows.move_ends({one.draft.conversation: one.sent for one in new}, change_no)
                announced += map(_event, new)
        return results, announced

    def _place(
        self,
        rows: MessageRows,
        drafts: Sequence[tuple[Draft, bytes]],
        now_ms: int,
        results: list[Sent | Failure],
        announced: list[Event],
    ) -> list[NewMessage]:
        """Those that become messages; ``results`` gets what each came to, ``announced`` who asks
        whom by one."""
        known = rows.sent_before([(draft.client_id, draft.sender) for draft, _ in drafts])
        # Where each log ends, for members only, and where nobody has to be asked.
        ends = rows.ends_for_members(
            list({(draft.conversation, draft.sender): None for draft, _ in drafts})
        )
        positions: dict[str, list[int]] = {}
        new: list[NewMessage] = []
        new_ids = self._new_ids(len(drafts), now_ms)
        for draft, params_hash in drafts:
            conversation, name = draft.conversation, (draft.client_id, draft.sender)
            before = known.get(name)
            if before is not None:
                results.append(before[1] if before[0] == params_hash else Conflict())
                continue
            end = ends.get((conversation, draft.sender))
            if end is None and draft.by_bot:
                end = positions.get(conversation) or rows.end_of(conversation)
            asked = None
            if end is None:
                own = rows.own_end(conversation, draft.sender)
                if own is None or isinstance(own, Failure):
                    results.append(NotFound() if own is None else own)
                    continue
                end, asked = own
                if asked is None:
                    ends[conversation, draft.sender] = end
            reply = None
            if draft.reply_to is not None or draft.blobs:
                try:
                    reply = _refer(rows, draft)
                except Failure as failure:
                    results.append(failure)
                    continue
            position = positions.setdefault(conversation, end)
            sent = Sent(new_ids.pop(), position[0] + 1, position[1] + 1, now_ms)
            if asked is not None:
                told = rows.ask(draft, sent, asked)
                if isinstance(told, Failure):
                    results.append(told)
                    continue
                announced.append(told)
            position[0] += 1
            position[1] += 1
            if draft.blobs:
                refer_message(rows, sent.id, draft.blobs)
            known[name] = (params_hash, sent)
            results.append(sent)
            new.append(NewMessage(draft, params_hash, sent, reply))
        return new

    def _new_ids(self, count: int, now_ms: int) -> list[str]:
        """UUIDv7s, the first to be used last: one read of the system's randomness for all."""
        stamp = max(now_ms << 12, self._last_stamp + 1)
        self._last_stamp = stamp + count - 1
        randomness = os.urandom(8 * count).hex()
        made = []
        for n in range(count - 1, -1, -1):
            moment = f"{stamp + n:015x}"
            noise = randomness[16 * n : 16 * n + 16]
            variant = "89ab"[int(noise[0], 16) & 3]
            made.append(f"{moment[:12]}7{moment[12:]}{variant}{noise[1:]}")
        return made


def _refer(rows: MessageRows, draft: Draft) -> Reply | None:
    """The message that a draft answers, once all that it refers to was found.

    Raises:
        NotFound: there is no such message in this conversation that the sender may read.
        BlobUnusable: a blob is gone, or not the sender's to use.
    """
    check_usable(rows, draft.sender, draft.blobs)
    if draft.reply_to is None:
        return None
    reader = None if draft.by_bot else draft.sender
    number = rows.number_of(draft.reply_to, draft.conversation, reader)
    if number is None:
        # The same whether there is none or it is from before the sender's time.
        raise NotFound
    return Reply(draft.reply_to, number)


def _event(new: NewMessage) -> Event:
    draft, sent, reply = new.draft, new.sent, new.reply
    return Event(
        draft.conversation,
        sent.seq - 1,
        sent.seq,
        draft.sender,
        sent.sent_at_ms,
        MessageCreated(
            Message(
                sent.id,
                draft.conversation,
                sent.seq,
                1,
                sent.number,
                draft.sender,
                draft.client_id,
                draft.type,
                Raw(draft.content),
                draft.text,
                sent.sent_at_ms,
                state=UNSET if draft.state is None else Raw(draft.state),
                reply_to=UNSET if reply is None else reply,
                type_version=UNSET if draft.type_version == 1 else draft.type_version,
            )
        ),
    )
