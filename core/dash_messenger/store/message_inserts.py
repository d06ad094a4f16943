"""The hot path: many messages stored by a handful of statements.

Owns `Draft`, `Sent` and how consecutive sends become rows. Must not know futures or threads. Each
statement returns at most one row where it can: every row fetched lets go of the interpreter's lock
once, and a busy loop thread would take it. Invariant: within a conversation, seq and number are
given in the order of the drafts, without gaps.
"""

from __future__ import annotations

import hashlib
import os
from collections.abc import Callable, Sequence
from typing import Any

import msgspec
from msgspec import UNSET, Raw, Struct
from sqlalchemy import Table

from dash_messenger.errors import Conflict, Failure, NotFound
from dash_messenger.protocol.events import Event
from dash_messenger.protocol.models import Message, Reply
from dash_messenger.store.access import MAY_READ_SQL
from dash_messenger.store.blob_references import check_usable, refer_message
from dash_messenger.store.tables import events, messages

__all__ = ["Draft", "Sends", "Sent", "params_hasher"]

# The driver looks for an adapter of every value that is no int, str or bytearray, bytes and None
# too: 1.5 µs for each of the twenty that a message has.
_raw = bytearray.fromhex
_NONE = ""  # becomes NULL in the statements

# Statements exist for these numbers of rows only, so that each is prepared once; the rest of a
# batch is padded with rows of 0, which the statement skips.
ROWS = (1, 2, 4, 8, 12, 16, 24, 32, 48, 64, 96, 128, 192, 256)
MAX_ROWS = ROWS[-1]

_MESSAGE_COLUMNS = (
    "id",
    "conversation_id",
    "seq",
    "number",
    "sender_id",
    "session_id",
    "client_id",
    "params_hash",
    "type",
    "type_version",
    "content",
    "text",
    "sent_at_ms",
    "thread",
    "state",
    "reply_to",
    "reply_number",
)
_MAY_BE_NONE = ("session_id", "thread", "state", "reply_to", "reply_number")
_EVENT_COLUMNS = ("log_id", "seq", "kind", "by_id", "at_ms", "message_id")


_SELECT_REPLIED = (
    "SELECT m.number FROM messages m WHERE m.id = ? AND m.conversation_id = ? "  # noqa: S608 - marks
    f"AND (? OR {MAY_READ_SQL})"
)


class Draft(Struct, frozen=True):
    """A message as its sender wants it; ``content`` and ``state`` are validated JSON.

    ``sent`` is the content as it came, where it was prepared since: a retry is known by it.
    ``blobs`` are the ids of those that the content refers to; the message is refused unless the
    sender may use them all. ``by_bot``: the sender need not be a member.
    """

    conversation: str
    sender: str
    session: str | None
    client_id: str
    type: str
    type_version: int
    content: bytes
    text: str | None
    thread: str | None = None
    state: bytes | None = None
    reply_to: str | None = None
    blobs: tuple[str, ...] = ()
    sent: bytes | None = None
    by_bot: bool = False


class Sent(Struct, frozen=True):
    """Where a message stands in its log."""

    id: str
    seq: int
    number: int
    sent_at_ms: int


def params_hasher(secret: bytes) -> Callable[[Draft], bytes]:
    """A keyed hash of what makes a draft the same as its retry (16 bytes)."""
    keyed = hashlib.blake2b(key=secret, digest_size=16)

    def digest(draft: Draft) -> bytes:
        state = keyed.copy()
        named = f"{draft.conversation}\0{draft.type}\0{draft.thread or ''}\0"
        if draft.reply_to is not None:
            named += f"{draft.reply_to}\0"
        state.update(named.encode())
        state.update(draft.content if draft.sent is None else draft.sent)
        return state.digest()

    return digest


class Sends:
    """Stores drafts on the writer's cursor, inside the transaction it has begun."""

    def __init__(self) -> None:
        self._texts = {size: _Texts(size) for size in ROWS}
        self._last_stamp = 0

    def store(
        self, cursor: Any, drafts: Sequence[tuple[Draft, bytes]], now_ms: int, change_no: int
    ) -> tuple[list[Sent | Failure], list[Event]]:
        """For each (draft, hash of its parameters) where it stands or why not; the new events."""
        results: list[Sent | Failure] = []
        announced: list[Event] = []
        for start in range(0, len(drafts), MAX_ROWS):
            self._store(
                cursor, drafts[start : start + MAX_ROWS], now_ms, change_no, results, announced
            )
        return results, announced

    def _store(
        self,
        cursor: Any,
        drafts: Sequence[tuple[Draft, bytes]],
        now_ms: int,
        change_no: int,
        results: list[Sent | Failure],
        announced: list[Event],
    ) -> None:
        raw = _raw
        known = self._known(cursor, drafts)
        ends = self._ends(cursor, drafts)
        positions: dict[str, list[int]] = {}
        lasts: dict[str, bytearray] = {}
        message_values: list[Any] = []
        event_values: list[Any] = []
        new_ids = self._new_ids(len(drafts), now_ms)
        for draft, params_hash in drafts:
            conversation, sender, client_id = draft.conversation, draft.sender, draft.client_id
            before = known.get((client_id, sender))
            if before is not None:
                results.append(before[1] if before[0] == params_hash else Conflict())
                continue
            end = ends.get((conversation, sender))
            if end is None and draft.by_bot:
                end = self._end(cursor, conversation, positions)
            if end is None:
                results.append(NotFound())
                continue
            reply = None
            if draft.reply_to is not None or draft.blobs:
                try:
                    reply = self._refer(cursor, draft)
                except Failure as failure:
                    results.append(failure)
                    continue
            position = positions.get(conversation)
            if position is None:
                position = positions[conversation] = end
            position[0] = seq = position[0] + 1
            position[1] = number = position[1] + 1
            id = new_ids.pop()
            id_raw, conversation_raw, sender_raw = raw(id), raw(conversation), raw(sender)
            sent = Sent(id, seq, number, now_ms)
            known[client_id, sender] = (params_hash, sent)
            results.append(sent)
            lasts[conversation] = id_raw
            session, thread, state = draft.session, draft.thread, draft.state
            if draft.blobs:
                refer_message(cursor, id, draft.blobs)
            message_values += (
                id_raw,
                conversation_raw,
                seq,
                number,
                sender_raw,
                _NONE if session is None else raw(session),
                raw(client_id),
                bytearray(params_hash),
                draft.type,
                draft.type_version,
                bytearray(draft.content),
                draft.text,
                now_ms,
                _NONE if thread is None else raw(thread),
                _NONE if state is None else bytearray(state),
                _NONE if reply is None else raw(reply.id),
                _NONE if reply is None else reply.number,
            )
            event_values += (conversation_raw, seq, "message.created", sender_raw, now_ms, id_raw)
            announced.append(
                Event(
                    conversation,
                    seq - 1,
                    seq,
                    "message.created",
                    sender,
                    now_ms,
                    {},
                    Message(
                        id,
                        conversation,
                        seq,
                        1,
                        number,
                        sender,
                        client_id,
                        draft.type,
                        Raw(draft.content),
                        draft.text,
                        now_ms,
                        state=UNSET if state is None else Raw(state),
                        reply_to=UNSET if reply is None else reply,
                        type_version=UNSET if draft.type_version == 1 else draft.type_version,
                    ),
                )
            )
        if not lasts:
            return
        rows = len(event_values) // len(_EVENT_COLUMNS)
        texts = self._texts_for(rows)
        cursor.execute(texts.insert_messages, _padded(message_values, texts.size, rows))
        cursor.execute(texts.insert_events, _padded(event_values, texts.size, rows))
        ends_values: list[Any] = []
        for conversation, id_raw in lasts.items():
            position = positions[conversation]
            ends_values += (raw(conversation), position[0], position[1], id_raw)
        texts = self._texts_for(len(lasts))
        values = _padded(ends_values, texts.size, len(lasts))
        values.append(change_no)
        cursor.execute(texts.update_conversations, values)

    def _known(
        self, cursor: Any, drafts: Sequence[tuple[Draft, bytes]]
    ) -> dict[tuple[str, str], tuple[bytes, Sent]]:
        """What these senders sent before under these client ids."""
        raw = _raw
        texts = self._texts_for(len(drafts))
        values: list[Any] = []
        for draft, _ in drafts:
            values += (raw(draft.client_id), raw(draft.sender))
        return {
            (drafts[n][0].client_id, drafts[n][0].sender): (
                bytes(params_hash),
                Sent(bytes(id).hex(), seq, number, sent_at_ms),
            )
            for n, params_hash, id, seq, number, sent_at_ms in cursor.execute(
                texts.select_known, _padded(values, texts.size, len(drafts))
            ).fetchall()
        }

    def _ends(
        self, cursor: Any, drafts: Sequence[tuple[Draft, bytes]]
    ) -> dict[tuple[str, str], list[int]]:
        """Where each conversation's log ends, by (conversation, sender) of members only."""
        raw = _raw
        pairs = list({(draft.conversation, draft.sender): None for draft, _ in drafts})
        texts = self._texts_for(len(pairs))
        values: list[Any] = []
        for conversation, sender in pairs:
            values += (raw(conversation), raw(sender))
        (found,) = cursor.execute(
            texts.select_ends, _padded(values, texts.size, len(pairs))
        ).fetchone()
        return {pairs[n]: [seq, number] for n, seq, number in msgspec.json.decode(found)}

    def _end(
        self, cursor: Any, conversation: str, positions: dict[str, list[int]]
    ) -> list[int] | None:
        """Where a conversation's log ends, for a sender who is no member."""
        known = positions.get(conversation)
        if known is not None:
            return known
        row = cursor.execute(
            "SELECT seq, message_no FROM conversations WHERE id = ?", (_raw(conversation),)
        ).fetchone()
        return None if row is None else [row[0], row[1]]

    def _refer(self, cursor: Any, draft: Draft) -> Reply | None:
        """The message that a draft answers, once all that it refers to was found.

        Raises:
            NotFound: there is no such message in this conversation that the sender may read.
            BlobUnusable: a blob is gone, or not the sender's to use.
        """
        check_usable(cursor, draft.sender, draft.blobs)
        if draft.reply_to is None:
            return None
        row = cursor.execute(
            _SELECT_REPLIED,
            (
                _raw(draft.reply_to),
                _raw(draft.conversation),
                int(draft.by_bot),
                _raw(draft.sender),
            ),
        ).fetchone()
        if row is None:
            # The same whether there is none or it is from before the sender's time.
            raise NotFound
        return Reply(draft.reply_to, row[0])

    def _texts_for(self, rows: int) -> _Texts:
        for size in ROWS:
            if size >= rows:
                return self._texts[size]
        raise ValueError(rows)

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


class _Texts:
    """The statements for one number of rows."""

    def __init__(self, size: int) -> None:
        self.size = size
        pairs = ",".join(f"({n},?,?)" for n in range(size))
        self.insert_messages = _insert(messages, _MESSAGE_COLUMNS, size)
        self.insert_events = _insert(events, _EVENT_COLUMNS, size)
        self.select_known = (
            f"WITH v(n, client_id, sender_id) AS (VALUES {pairs}) "  # noqa: S608 - marks
            "SELECT v.n, m.params_hash, m.id, m.seq, m.number, m.sent_at_ms "
            "FROM v CROSS JOIN messages m "
            "WHERE m.client_id = v.client_id AND m.sender_id = v.sender_id"
        )
        self.select_ends = (
            f"WITH v(n, conversation_id, user_id) AS (VALUES {pairs}) "  # noqa: S608 - marks
            "SELECT json_group_array(json_array(v.n, c.seq, c.message_no)) "
            "FROM v CROSS JOIN members m CROSS JOIN conversations c "
            "WHERE m.conversation_id = v.conversation_id AND m.user_id = v.user_id "
            "AND m.to_seq IS NULL AND c.id = v.conversation_id"
        )
        ends = ",".join(["(?,?,?,?)"] * size)
        self.update_conversations = (
            f"WITH v(id, seq, message_no, last_message_id) AS (VALUES {ends}) "  # noqa: S608 - marks
            "UPDATE conversations SET seq = v.seq, message_no = v.message_no, "
            "last_message_id = v.last_message_id, change_no = ? "
            "FROM v WHERE conversations.id = v.id"
        )


def _insert(table: Table, columns: Sequence[str], size: int) -> str:
    names = ", ".join(table.c[name].name for name in columns)
    values = ", ".join(
        f"nullif(column{n}, '')" if name in _MAY_BE_NONE else f"column{n}"
        for n, name in enumerate(columns, 1)
    )
    row = "(" + ",".join("?" * len(columns)) + ")"
    rows = ",".join([row] * size)
    return (
        f"INSERT INTO {table.name} ({names}) "  # noqa: S608 - names of columns
        f"SELECT {values} FROM (VALUES {rows}) WHERE column1 <> 0"
    )


def _padded(values: list[Any], size: int, rows: int) -> list[Any]:
    if rows < size:
        values += [0] * ((size - rows) * (len(values) // rows))
    return values
